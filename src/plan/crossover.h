/* A plan out of two plans, for fuzzers: what only works together is often found apart. */
#ifndef ZAP_PLAN_CROSSOVER_H
#define ZAP_PLAN_CROSSOVER_H

#include "base/rng.h"
#include "plan/plan.h"

/* Plan a with a part of plan b grafted in: a module, some objects with all that they hold, or
 * scripts; the route is that of either. Where there is no room, parts of a give way.
 *
 * a, b      normal
 * ret_plan  normal; may be a or b
 * Same      for the same plans and numbers, on every machine
 */
void zap_crossover(const struct zap_plan *a, const struct zap_plan *b, struct zap_rng *rng,
                   struct zap_plan *ret_plan);

/* zap_crossover with zap_rng_init(seed, 0), on the plans that two byte strings mean.
 *
 * a, b       borrowed; anything
 * ret_bytes  room for `size` bytes, any number; may be a or b or overlap them
 * Returns    how many were written, at most `size`; see zap_mutate_fit
 */
size_t zap_crossover_wire(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
                          uint64_t seed, uint8_t *ret_bytes, size_t size);

#endif
