/* Hears the independent witness: plans on ordinary interpreters with -vv, held against the traces
 * of workers of the same builds (oracle/witness.h). */
#ifndef ZAP_HOST_HEARING_H
#define ZAP_HOST_HEARING_H

#include "host/builds.h"
#include "host/input.h"
#include "host/worker.h"
#include "oracle/witness.h"

#include <signal.h>
#include <stdio.h>

/* One plan on one build. */
struct zap_hearing_point {
    const struct zap_input *input;    /* borrowed */
    const struct zap_builds_row *row; /* borrowed */
    bool has_failed;                  /* pyzap's own failure, or the worker's: why */
    struct zap_witness witness;
    const char *why; /* borrowed; "" where they agree */
};

/* What is not shown, by its reason. */
enum { ZAP_HEARING_REASONS_MAX = 32 };
struct zap_hearing_reason {
    char *text; /* owned */
    size_t count;
};

/* What all plans on one build come to. */
struct zap_hearing_sum {
    const struct zap_builds_row *row; /* borrowed */
    size_t plans, agree, disagree, not_shown, failed;
    uint64_t lines, narrated, ordered;
    struct zap_hearing_reason reasons[ZAP_HEARING_REASONS_MAX]; /* the last for all that are left */
    size_t reasons_count;
};

struct zap_hearing_config {
    const struct zap_inputs *inputs;          /* borrowed */
    const struct zap_builds_row *const *rows; /* borrowed */
    size_t rows_count;
    struct zap_worker_config worker;          /* without path */
    const volatile sig_atomic_t *interrupted; /* NULL: nobody interrupts */
    /* Called for each point: all plans of the first build, then of the second, ... */
    void (*take)(void *context, const struct zap_hearing_point *point);
    void *context;
};

/* Hear all of them, one after the other.
 *
 * ret_sums  one for each row; release them
 */
void zap_hearing_run(const struct zap_hearing_config *config, struct zap_hearing_sum *ret_sums);

void zap_hearing_release(struct zap_hearing_sum *sums, size_t count);

/* 0 all that can be shown agrees; 1 something does not; 70 something failed, or a build has shown
 * nothing at all. */
int zap_hearing_exit_status(const struct zap_hearing_sum *sums, size_t count);

/* Print a sum: a line, and one for each reason. */
void zap_hearing_print(const struct zap_hearing_sum *sum, FILE *out);

#endif
