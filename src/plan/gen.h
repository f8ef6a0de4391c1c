/* Random plans. */
#ifndef ZAP_PLAN_GEN_H
#define ZAP_PLAN_GEN_H

#include "plan/plan.h"

enum {
    ZAP_SIZE_MIN = 1,
    ZAP_SIZE_DEFAULT = 8,
    ZAP_SIZE_MAX = 32,
};

/* Plans that end an interpreter come so many in a row, all by the same route: an end costs as much
 * as some thousand other plans, so a worker can take a block together and let one end do for all.
 * Blocks begin at multiples of it. Enough that the plans cost more than the end that they share,
 * and few enough that it can hold all their modules and traces. */
enum { ZAP_BLOCK = 128 };

/* The last ones of such a block may do what others would notice, and have each an end of its own:
 * most of the ends. */
enum { ZAP_BLOCK_ALONE = 8 };

/* Where all routes are allowed, one block in so many ends an interpreter: a quarter of the time. */
enum { ZAP_END_ONE_IN = 64 };

/* What plans look like. */
enum zap_shape {
    ZAP_SHAPE_RANDOM, /* like anything that the tables allow */
    /* One module of 8 nodes (fewer where limits are tiny) under as many names, half of which begin
     * with an underscore; each looks at one of them. Their class is the module's own where the
     * route is collect, and elsewhere for others: a module that defines a class waits for a
     * collection. Nothing is parked or set. For tools/bench: plans of one cost, and never a
     * constant one. */
    ZAP_SHAPE_BENCH,
    ZAP_SHAPE_COUNT,
};

/* What to generate; zeroed means defaults.
 *
 * size    about how many objects, ZAP_SIZE_MIN..ZAP_SIZE_MAX; 0: ZAP_SIZE_DEFAULT
 * shape   enum zap_shape; BENCH takes no notice of size
 * routes  bit per route code that may be chosen, at least one that is assigned; 0: all. Where there
 *         are both kinds, one block in ZAP_END_ONE_IN is of a route that ends an interpreter
 */
struct zap_gen_config {
    uint64_t seed;
    uint8_t size;
    uint8_t shape;
    uint32_t routes;
};

/* Plan number `index` of a session.
 *
 * ret_plan  normal
 * Same      for the same config and index, on every machine
 */
void zap_gen_plan(const struct zap_gen_config *config, uint64_t index, struct zap_plan *ret_plan);

#endif
