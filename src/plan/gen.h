/* Random plans. */
#ifndef ZAP_PLAN_GEN_H
#define ZAP_PLAN_GEN_H

#include "plan/plan.h"

enum {
    ZAP_SIZE_MIN = 1,
    ZAP_SIZE_DEFAULT = 8,
    ZAP_SIZE_MAX = 32,
};

/* What to generate; zeroed means defaults.
 *
 * size    about how many objects, ZAP_SIZE_MIN..ZAP_SIZE_MAX; 0: ZAP_SIZE_DEFAULT
 * routes  bit per route code that may be chosen, at least one that is assigned; 0: all
 */
struct zap_gen_config {
    uint64_t seed;
    uint8_t size;
    uint32_t routes;
};

/* Plan number `index` of a session.
 *
 * ret_plan  normal
 * Same      for the same config and index, on every machine
 */
void zap_gen_plan(const struct zap_gen_config *config, uint64_t index, struct zap_plan *ret_plan);

#endif
