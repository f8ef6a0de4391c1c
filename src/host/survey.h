/* All of some plans on all of some builds, with what each run showed: what `pyzap report` tells of.
 */
#ifndef ZAP_HOST_SURVEY_H
#define ZAP_HOST_SURVEY_H

#include "host/input.h"
#include "host/player.h"

/* What to run. All pointers are borrowed for the survey's life. */
struct zap_survey_config {
    const struct zap_inputs *inputs;
    const struct zap_builds_row *const *rows;
    size_t rows_count;
    struct zap_worker_config worker;          /* without path */
    const volatile sig_atomic_t *interrupted; /* not 0: end soon; NULL: nobody interrupts */
};

/* One plan on one build. */
struct zap_survey_run {
    enum zap_verdict verdict;
    char *reason;      /* owned; one line, "" where there is nothing to say */
    char *explanation; /* owned; of BROKEN in words, of a death its stack; "" otherwise */
    char *known;       /* owned; where a finding is known, or NULL */
    bool has_judgement;
    uint8_t verdicts[ZAP_INVARIANT_COUNT]; /* enum zap_verdict; all VOID unless has_judgement */
    uint32_t shows[ZAP_FEATURE_COUNT];
    size_t trace; /* index in traces */
};

struct zap_survey {
    struct zap_survey_config config;
    struct zap_survey_run *runs; /* owned; plan i on build j: i * rows_count + j */
    struct zap_build *builds; /* owned; what the worker of each row said; version 0: it never did */
    uint64_t (*checks)[ZAP_INVARIANT_COUNT]; /* owned; for each row */
    char **traces; /* owned; as zap_trace_print has them, without the build's line; each once */
    size_t traces_count;
    bool was_interrupted; /* then the rest of the runs is not there: no page should be made */
    size_t failed_count;  /* runs that are pyzap's own failure (HARNESS) */
};

/* Run each plan on each build, one after the other.
 *
 * ret_survey  zap_survey_release
 * Same        what is not chance in CPython: the same plans and builds give the same survey
 */
void zap_survey_run(const struct zap_survey_config *config, struct zap_survey *ret_survey);

void zap_survey_release(struct zap_survey *survey);

#endif
