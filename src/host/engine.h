/* The fuzzing engines that pyzap drives: how each is started, what it says, and where it leaves
 * what.
 *
 * An engine works in a folder of its own, the work folder of a campaign:
 *
 *   corpus/      what it begins with; libFuzzer adds to it
 *   artefacts/   libFuzzer: what it found
 *   tmp/         libFuzzer: corpora of jobs that are at work; in memory where there is room
 *   afl/         AFL++'s -o: a folder for each instance, with queue/, crashes/ and hangs/
 *   seen         what the target has told of already (fuzz/seen.h)
 */
#ifndef ZAP_HOST_ENGINE_H
#define ZAP_HOST_ENGINE_H

#include "base/status.h"
#include "base/str.h"
#include "proto/proto.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zap_engine { ZAP_ENGINE_LIBFUZZER, ZAP_ENGINE_AFL, ZAP_ENGINE_COUNT };

enum {
    /* Bytes of the plans that engines make: some 50 records, where a seed has 20 at most. Larger
     * ones find no more and run slower: in 25 s on a stock 3.11, libFuzzer found 5,345 features
     * with 200, 4,945 with 400 and 5,069 with 1021, in 687,000, 217,000 and 122,000 runs. */
    ZAP_ENGINE_PLAN_MAX = ZAP_WIRE_MAX < 256 ? ZAP_WIRE_MAX : 256,
    ZAP_ENGINE_SLACK_MS = 30 * 1000, /* an interpreter that starts on a busy machine */
};

/* "libfuzzer", "afl" */
const char *zap_engine_name(enum zap_engine engine);

/* false where there is no such engine */
bool zap_engine_find(const char *name, enum zap_engine *ret_engine);

/* What an engine is to work with; all pointers are borrowed. */
struct zap_engine_setup {
    enum zap_engine engine;
    const char *target; /* executable: FOLDER/ENGINE-TARGET-BUILD */
    const char *folder; /* of the targets: dictionary, seeds and mutator are there too */
    const char *work;
    uint64_t jobs;    /* at least 1 */
    uint32_t session; /* a number that the last sessions in this folder did not have */
    uint64_t deadline_ms, memory_mib;
    const char *const *flags; /* of the user, after ours */
    size_t flags_count;
};

/* A program to start. */
struct zap_engine_command {
    char *path; /* all owned */
    char **argv;
    char **environment;
};
void zap_engine_command_release(struct zap_engine_command *command);

/* Can it be used here?
 *
 * ret_why  on failure: one line
 * Returns  ZAP_OK, or ZAP_E_IO where something is not installed, or a path is one that the engine
 *          cannot work with
 */
enum zap_status zap_engine_check(const struct zap_engine_setup *setup, struct zap_str *ret_why);

/* Before the start, with corpus/ in place: make what else has to be there.
 *
 * Returns ZAP_OK or ZAP_E_IO (errno)
 */
enum zap_status zap_engine_prepare(const struct zap_engine_setup *setup);

/* Remove what only an engine at work needs, and what it has found. To be called when that has been
 * taken into the corpus. */
void zap_engine_clean(const struct zap_engine_setup *setup);

/* Remove what earlier sessions on this machine have left, where no artefacts are left there. To be
 * called when their corpora and artefacts have been taken. */
void zap_engine_forget(const struct zap_engine_setup *setup);

/* How many programs make it run, and what the one of that number is. */
size_t zap_engine_programs(const struct zap_engine_setup *setup);
void zap_engine_run(const struct zap_engine_setup *setup, size_t number,
                    struct zap_engine_command *ret_command);

/* To run the target on one file, as the engine would. */
void zap_engine_play(const struct zap_engine_setup *setup, const char *file,
                     struct zap_engine_command *ret_command);

/* To copy from one folder of plans to another, which is not there yet, what is enough to see all
 * that they show together.
 *
 * Returns false where what does that is not installed
 */
bool zap_engine_minimise(const struct zap_engine_setup *setup, const char *from, const char *to,
                         struct zap_engine_command *ret_command);

/* The signal that ends it in good order. */
int zap_engine_stop_signal(enum zap_engine engine);

/* What an engine has done since it was started. */
struct zap_engine_progress {
    bool has_begun; /* it has looked at its corpus, and fuzzes */
    uint64_t executions, corpus, artefacts;
};

/* From a line that it printed. */
void zap_engine_read_line(const struct zap_engine_setup *setup, const char *line,
                          struct zap_engine_progress *progress);

/* From the files that it keeps; is_over: it has ended, and says all that it knows. */
void zap_engine_read_files(const struct zap_engine_setup *setup, bool is_over,
                           struct zap_engine_progress *progress);

/* How many different findings there have been since zap_engine_prepare, at least: invariants count
 * by what is broken, as the targets tell of it; every other end of a target is one more together,
 * since only triage tells those apart. */
uint64_t zap_engine_findings(const struct zap_engine_setup *setup,
                             const struct zap_engine_progress *progress);

/* How much a line says of why a program ended. */
enum zap_engine_rank {
    ZAP_ENGINE_RANK_NONE,
    ZAP_ENGINE_RANK_ANY,    /* any line; the last one is as good as any */
    ZAP_ENGINE_RANK_ENGINE, /* the engine says what is wrong */
    ZAP_ENGINE_RANK_TARGET, /* the target does */
};

/* ret_reason  borrowed from the line; untouched where there is nothing in it */
enum zap_engine_rank zap_engine_rank_line(const char *line, const char **ret_reason);

/* Does it say that it has been given a flag that it does not know, and goes on without? */
bool zap_engine_minds_flag(const char *line);

/* Call for each folder that holds plans it has found, or artefacts, of this and earlier runs. */
void zap_engine_each_corpus(const struct zap_engine_setup *setup,
                            void (*take)(const char *folder, void *context), void *context);
void zap_engine_each_artefacts(const struct zap_engine_setup *setup,
                               void (*take)(const char *folder, void *context), void *context);

/* "crash", "timeout", "oom", "leak" or "slow-unit": what the engine took an artefact for. NULL:
 * this file is none. */
const char *zap_engine_kind(const char *folder, const char *name);

#endif
