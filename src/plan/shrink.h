/* Smaller plans of a plan, one after the other, for somebody who can tell which of them still do
 * what matters.
 *
 *     struct zap_shrink shrink;
 *     struct zap_plan candidate;
 *     zap_shrink_init(&plan, &shrink);
 *     while (zap_shrink_next(&shrink, &candidate)) {
 *         if (still_does_it(&candidate))
 *             zap_shrink_accept(&shrink);
 *         else
 *             zap_shrink_reject(&shrink);
 *     }
 *     shrink.best is the result
 *
 * It can be given up at any time: best is the smallest plan that was accepted, or the plan itself.
 */
#ifndef ZAP_PLAN_SHRINK_H
#define ZAP_PLAN_SHRINK_H

#include "plan/plan.h"

/* No plan gives more candidates than this. Plans of `gen` end long before it: with the default size
 * after 10 to 200 of them. */
enum { ZAP_SHRINK_TRIES_MAX = 2000 };

/* Read by everybody, written by shrink.c. */
struct zap_shrink {
    struct zap_plan best;
    struct zap_plan candidate; /* the one that was given out last */
    bool is_waiting;           /* for accept or reject */
    uint32_t tries;            /* candidates given out */
    uint32_t rejected_count;
    uint32_t pass, at, chunk;                /* what comes next: see shrink.c */
    uint32_t passes_left;                    /* so many without a smaller plan, and it is over */
    uint64_t rejected[ZAP_SHRINK_TRIES_MAX]; /* hashes: no candidate is given out twice */
};

/* How big a plan is: its wire bytes first; where those are as many, the simpler one is smaller (a
 * plain int instead of a list, a class from elsewhere, the name a, the first module, ...).
 *
 * plan  normal
 */
uint32_t zap_shrink_measure(const struct zap_plan *plan);

/* plan: normal */
void zap_shrink_init(const struct zap_plan *plan, struct zap_shrink *ret_shrink);

/* The next candidate; after each one, accept or reject.
 *
 * ret_candidate  normal, smaller than shrink->best; set when true
 * Returns        false where nothing is left to try: all candidates that `best` gives were
 *                rejected, or there were ZAP_SHRINK_TRIES_MAX
 * Same           for the same plan and the same answers, on every machine
 */
bool zap_shrink_next(struct zap_shrink *shrink, struct zap_plan *ret_candidate);

void zap_shrink_accept(struct zap_shrink *shrink);
void zap_shrink_reject(struct zap_shrink *shrink);

#endif
