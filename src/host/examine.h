/* What is known of a finding beside its plan: how often it happens, on which builds, and whether a
 * script shows it without us. */
#ifndef ZAP_HOST_EXAMINE_H
#define ZAP_HOST_EXAMINE_H

#include "host/builds.h"
#include "host/shrinker.h"

enum {
    ZAP_EXAMINE_RUNS = 5,
    ZAP_EXAMINE_DEADLINE_MS = 1000, /* instead of a longer one, for what hangs */
};

/* All pointers are borrowed. */
struct zap_examine_config {
    const struct zap_builds_row *row; /* the build that showed it */
    const struct zap_builds *builds;  /* to try it on: all that are usable; NULL: only that one */
    struct zap_worker_config worker;  /* without path */
    uint32_t flags;                   /* ZAP_RUN_* */
    const volatile sig_atomic_t *interrupted; /* not 0: end at once; NULL: nobody interrupts */
    void (*tick)(void *context);              /* between tries; NULL: none */
    void *context;
};

enum zap_effect {
    ZAP_EFFECT_AFFECTED,
    ZAP_EFFECT_UNAFFECTED,
    ZAP_EFFECT_NONE, /* it cannot be told: reason */
};

struct zap_examined_build {
    const struct zap_builds_row *row;
    struct zap_build build; /* version 0 where its worker does not start */
    enum zap_effect effect;
    char result[200]; /* "BROKEN I9", "CRASHED SIGSEGV-...", "held", "this build has no route wipe"
                       */
};

/* Does repro.py show it on the bare interpreter? */
enum zap_shows {
    ZAP_SHOWS_UNKNOWN, /* it was not run */
    ZAP_SHOWS_YES,
    ZAP_SHOWS_NO,
};

struct zap_examination {
    unsigned runs, reproduced;         /* alone, each in a worker of its own */
    struct zap_examined_build *builds; /* owned; oldest version first */
    size_t builds_count;
    enum zap_shows shows;
    bool needs_api;          /* NO: because Python code cannot see it, or not do it */
    char why[400];           /* NO, UNKNOWN: why it does not; YES: what is seen. One line */
    char said[4096];         /* the end of what the script printed, printable */
    char banner[192];        /* sys.version of the build, one line */
    struct zap_outcome last; /* of the plan on its build, the last time that it did it */
};

enum zap_examine_end {
    ZAP_EXAMINED,
    ZAP_EXAMINE_INTERRUPTED,
    ZAP_EXAMINE_FAILED, /* pyzap's own failure: examination->why */
};

/* Run a plan ZAP_EXAMINE_RUNS times alone, each time in a new worker.
 *
 * plan             normal
 * goal             what it has to do
 * ret_examination  all of it is set; release it
 */
enum zap_examine_end zap_examine_repeat(const struct zap_examine_config *config,
                                        const struct zap_plan *plan,
                                        const struct zap_shrinker_goal *goal,
                                        struct zap_examination *ret_examination);

/* Run it on all builds, and add what they do. After zap_examine_repeat. */
enum zap_examine_end zap_examine_builds(const struct zap_examine_config *config,
                                        const struct zap_plan *plan,
                                        const struct zap_shrinker_goal *goal,
                                        struct zap_examination *examination);

/* Run a file with its script on the bare interpreter, and say whether it shows it.
 *
 * plan     that the script is of
 * outcome  of that plan on the build's worker
 */
enum zap_examine_end zap_examine_script(const struct zap_examine_config *config,
                                        const struct zap_plan *plan,
                                        const struct zap_shrinker_goal *goal,
                                        const struct zap_outcome *outcome, const char *script,
                                        struct zap_examination *examination);

/* The first and last build of those affected, by version; NULL where there is none. */
const struct zap_examined_build *zap_examine_first(const struct zap_examination *examination);
const struct zap_examined_build *zap_examine_last(const struct zap_examination *examination);

void zap_examine_release(struct zap_examination *examination);

#endif
