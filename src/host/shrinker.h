/* Makes a plan that breaks something on one build smaller, by running smaller ones there. */
#ifndef ZAP_HOST_SHRINKER_H
#define ZAP_HOST_SHRINKER_H

#include "host/player.h"

#include <signal.h>

enum {
    ZAP_SHRINKER_TRIES = 800,  /* far more than a plan of the default size gives */
    ZAP_SHRINKER_DEATHS = 400, /* of those tries: each costs a new worker */
    /* TIMED_OUT by the clock, and EXHAUSTED: each one that is kept takes its time */
    ZAP_SHRINKER_SLOW_DEATHS = 24,
    ZAP_SHRINKER_DEADLINE_MS = 1000,  /* TIMED_OUT: instead of a longer one, while trying */
    ZAP_SHRINKER_TIME_MS = 60 * 1000, /* for a machine that has no time for us */
};

/* What a plan has to go on doing while it gets smaller. */
struct zap_shrinker_goal {
    enum zap_verdict verdict;           /* BROKEN, CRASHED, TIMED_OUT or EXHAUSTED */
    char signature[ZAP_SIGNATURE_SIZE]; /* id of the invariant, or how the worker dies */
    char reason[256];                   /* of the death, for people: it may differ */
};

/* All pointers are borrowed. */
struct zap_shrinker_config {
    const struct zap_builds_row *row;
    struct zap_worker_config worker;          /* without path */
    uint32_t flags;                           /* ZAP_RUN_* */
    const volatile sig_atomic_t *interrupted; /* not 0: end at once; NULL: nobody interrupts */
    void (*tick)(void *context);              /* between tries; NULL: none */
    void *context;
};

enum zap_shrinker_end {
    ZAP_SHRINKER_DONE,        /* the plan did it in a worker of its own; perhaps none is smaller */
    ZAP_SHRINKER_NOT_ALONE,   /* the plan as given does not do it in a worker of its own */
    ZAP_SHRINKER_FAILED,      /* pyzap's own failure: outcome.reason */
    ZAP_SHRINKER_INTERRUPTED, /* before anything smaller was sure */
};

struct zap_shrunk {
    enum zap_shrinker_end end;
    bool is_cut; /* DONE: a bound or an interrupt ended it, not the lack of candidates */
    uint32_t tries;
    struct zap_plan plan;       /* DONE: the smallest, else as given */
    struct zap_outcome outcome; /* of that plan in a worker of its own */
};

/* The goal that an outcome sets: its first broken invariant, or its death.
 *
 * Returns  false where the outcome is no finding
 */
bool zap_shrinker_goal_of(const struct zap_outcome *outcome, struct zap_shrinker_goal *ret_goal);

/* Does an outcome reach a goal? */
bool zap_shrinker_reaches(const struct zap_outcome *outcome, const struct zap_shrinker_goal *goal);

/* Shrink a plan.
 *
 * plan        normal
 * ret_shrunk  big: keep it on the heap
 * Same        for the same build and plan, unless is_cut
 */
void zap_shrinker_run(const struct zap_shrinker_config *config, const struct zap_plan *plan,
                      const struct zap_shrinker_goal *goal, struct zap_shrunk *ret_shrunk);

#endif
