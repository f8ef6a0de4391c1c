/* Which plans do the same in every run of a build: for build_equal.c and build_script.c. */
#ifndef ZAP_TESTS_WORKER_ORDER_H
#define ZAP_TESTS_WORKER_ORDER_H

#include "oracle/trace.h"
#include "plan/gen.h"

/* A free-threaded build's collector takes garbage in the order of addresses, which no run repeats.
 * So there nothing can be said of plans with two modules, or with two objects that tell of their
 * end. And where the recursion limit ends a row of instances depends on what calls __del__. */
static inline bool order_is_fixed(const struct zap_plan *plan, const struct zap_build *build)
{
    unsigned tell = 0;
    bool binds = false, clears = false;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        binds = binds || plan->acts[i].op == ZAP_OP_BIND_AGAIN;
        clears = clears || plan->acts[i].op == ZAP_OP_CLEAR;
        if (plan->acts[i].op == ZAP_OP_NEW_AGAIN || (binds && clears))
            return false;
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        switch (plan->objects[i].kind) {
        case ZAP_VALUE_NODE:
        case ZAP_VALUE_CNODE:
        case ZAP_VALUE_CALLBACK:
        case ZAP_VALUE_OUTSIDE:
        case ZAP_VALUE_GENERATOR:
            tell++;
            break;
        default:
            break;
        }
    }
    return !build->nogil || (plan->modules_count == 1 && tell <= 1);
}

/* Generate small plans where only those can be used. */
static inline uint8_t order_plan_size(uint8_t size, const struct zap_build *build)
{
    return build->nogil ? ZAP_SIZE_MIN + 1 : size;
}

#endif
