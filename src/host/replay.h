/* Plans on builds, each held against what its header expects: for `pyzap replay`. */
#ifndef ZAP_HOST_REPLAY_H
#define ZAP_HOST_REPLAY_H

#include "host/builds.h"
#include "host/input.h"

/* One plan on one build. */
struct zap_replay_point {
    size_t number;                        /* from 1 */
    const struct zap_input *input;        /* borrowed */
    const struct zap_builds_row *row;     /* borrowed */
    uint32_t version;                     /* of the build; 0 where there was no hello */
    unsigned kind;                        /* bits ZAP_EXPECT_* */
    const struct zap_expect_row *expects; /* borrowed; NULL: nothing */
    enum zap_expect_change change;
    struct zap_expect_found found; /* owned */
    uint64_t checks;
    uint64_t ms;
    bool has_judgement;
    uint8_t verdicts[ZAP_INVARIANT_COUNT]; /* of a judgement */
    char *reason;                          /* owned, one line; NULL for none, as with all below */
    char *explanation;                     /* of BROKEN */
    char *stack;                           /* of a death */
    char *tail;                            /* of a death */
    char *trace;                           /* where it is wanted */
    bool is_done;
};

struct zap_replay_config {
    const struct zap_inputs *inputs;          /* borrowed, as long as there are points */
    const struct zap_builds_row *const *rows; /* borrowed likewise */
    size_t rows_count;
    struct zap_worker_config worker; /* without path */
    uint32_t flags;                  /* ZAP_RUN_*; RUN_KNOWN is added for plans with expectations */
    size_t jobs;                     /* plans at work at one time; 0: one on each processor */
    bool keeps_traces;
    /* Called for each point in order: all builds of the first plan, then of the second, ... */
    void (*take)(void *context, const struct zap_replay_point *point);
    void *context;
};

struct zap_replay {
    struct zap_replay_point *points; /* owned; in that order */
    size_t count;
    uint64_t checks;
    size_t changes[ZAP_EXPECT_FAILED + 1]; /* how many points, by enum zap_expect_change */
    size_t compared; /* points that were run and whose outcome was expected, or not */
    double seconds;
};

/* Run them all. ret_replay: release it, whatever was found. */
void zap_replay_run(const struct zap_replay_config *config, struct zap_replay *ret_replay);

void zap_replay_release(struct zap_replay *replay);

/* 0 nothing new or changed, 1 something is, 70 pyzap's own failure (which outweighs it), or nothing
 * was checked at all. */
int zap_replay_exit_status(const struct zap_replay *replay);

/* Append what a point says in one line: "changed: expected HELD dies a b (line 4), found ...". */
void zap_replay_print_change(const struct zap_replay_point *point, struct zap_str *out);

#endif
