/* Small changes of plans: a normal plan becomes another normal plan. For fuzzers, which keep what
 * turns out to be interesting and change it again; crossover.h mixes two.
 *
 * Everything here is the same for the same plan and the same numbers, on every machine.
 */
#ifndef ZAP_PLAN_MUTATE_H
#define ZAP_PLAN_MUTATE_H

#include "base/rng.h"
#include "base/str.h"
#include "plan/plan.h"

/* The most single changes that one call makes. */
enum { ZAP_MUTATE_STEPS_MAX = 4 };

/* Change a plan by 1 to ZAP_MUTATE_STEPS_MAX steps, each of a kind that is drawn.
 *
 * The result differs from what was given, but for a few in a hundred thousand: a step that changes
 * nothing is drawn again, so many times and no more.
 * plan  normal, before and after
 */
void zap_mutate(struct zap_plan *plan, struct zap_rng *rng);

/* The name of a kind of step: lower case letters and '-'. NULL where there are not so many. */
const char *zap_mutate_kind_name(unsigned kind);

/* One step of one kind. It may find nothing to change.
 *
 * plan  normal, before and after
 * kind  one that has a name
 */
void zap_mutate_step(struct zap_plan *plan, unsigned kind, struct zap_rng *rng);

/* Say what zap_mutate does to a plan with zap_rng_init(seed, 0): the names of the kinds of its
 * steps, with '+' between them, or "nothing". Fit for a part of a file name.
 *
 * plan  normal
 */
void zap_mutate_describe(const struct zap_plan *plan, uint64_t seed, struct zap_str *out);

/* zap_mutate with zap_rng_init(seed, 0), on the plan that `bytes` mean.
 *
 * bytes      borrowed; anything
 * ret_bytes  room for `size` bytes, any number; may be `bytes` or overlap it
 * Returns    how many were written, at most `size`: 0 where that is 0. See zap_mutate_fit.
 */
size_t zap_mutate_wire(const uint8_t *bytes, size_t len, uint64_t seed, uint8_t *ret_bytes,
                       size_t size);

/* The canonical bytes of a plan, after it lost as much as was needed to make them fit: objects from
 * the last on, then the rest. Where they fit, this is zap_wire_encode. Where `size` is smaller than
 * those of any plan, the route alone is left, which means a plan of an empty module; or nothing.
 *
 * plan     normal, before and after
 * Returns  how many bytes were written, at most `size`
 */
size_t zap_mutate_fit(struct zap_plan *plan, uint8_t *ret_bytes, size_t size);

#endif
