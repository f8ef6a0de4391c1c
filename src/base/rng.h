/* Random numbers for plans: splitmix64. Small, fast, the same on every machine, and any 64-bit
 * value is a good seed, so (seed, index) gives an independent stream per plan. */
#ifndef ZAP_BASE_RNG_H
#define ZAP_BASE_RNG_H

#include "base/hash.h"

struct zap_rng {
    uint64_t state;
};

static inline uint64_t zap_rng_next(struct zap_rng *rng)
{
    return zap_hash_mix(rng->state += UINT64_C(0x9e3779b97f4a7c15));
}

/* The stream of plan number `index` of a session with `seed`. Same: everywhere, for ever.
 *
 * The state is mixed once before it is used: neighbours' raw states are one step apart, and without
 * that plan n + 1 would be drawn from the numbers of plan n, shifted by one. */
static inline struct zap_rng zap_rng_init(uint64_t seed, uint64_t index)
{
    struct zap_rng rng = {seed * UINT64_C(0xd1342543de82ef95) +
                          (index + 1) * UINT64_C(0x9e3779b97f4a7c15)};
    rng.state = zap_rng_next(&rng);
    return rng;
}

/* A number in [0, bound); bound > 0. The bias of at most bound / 2^32 does not matter here. */
static inline uint32_t zap_rng_below(struct zap_rng *rng, uint32_t bound)
{
    return (uint32_t)(((zap_rng_next(rng) >> 32) * bound) >> 32);
}

#endif
