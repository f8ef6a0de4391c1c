/* What libFuzzer calls to change and to mix inputs: plans, instead of bytes.
 *
 * Most calls change the plan that the bytes mean (plan/mutate.h). One in RAW_ONE_IN lets libFuzzer
 * change the bytes, so that its dictionary and the comparisons that it saw in the target play too;
 * what means the same plan as before is then changed as a plan after all.
 *
 * libFuzzer chooses mixing as often as changing, several times in a row. So only one call in
 * MIX_ONE_IN mixes two plans (plan/crossover.h); the others change the first one, and plans do not
 * grow out of hand.
 *
 * What comes out is canonical (plan/wire.h): no dead bytes, which the engine would carry along and
 * change in vain. Everything is drawn from the seed that libFuzzer passes.
 *
 * A limit on the length that starts small (-len_control, on by default) cuts plans down to nothing
 * at first, so it is better off: -len_control=0.
 */
#include "base/attr.h"
#include "plan/crossover.h"
#include "plan/mutate.h"
#include "plan/wire.h"

enum { RAW_ONE_IN = 8, MIX_ONE_IN = 3 };

/* libFuzzer's own: changes data in place and returns its new size. Absent in other engines. */
ZAP_WEAK size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_out_size,
                                 unsigned int seed);

/* Let the engine change the bytes; where they mean the same plan then, change that. */
static size_t mutate_bytes(uint8_t *data, size_t size, size_t max_size, struct zap_rng *rng)
{
    struct zap_plan before;
    struct zap_plan after;
    zap_wire_decode(data, size, &before);
    size = LLVMFuzzerMutate(data, size, max_size);
    zap_wire_decode(data, size, &after);
    if (zap_plan_equal(&before, &after)) {
        zap_mutate(&after, rng);
    }
    return zap_mutate_fit(&after, data, max_size);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct zap_rng rng = zap_rng_init(seed, 1);
    if (LLVMFuzzerMutate != NULL && zap_rng_below(&rng, RAW_ONE_IN) == 0) {
        return mutate_bytes(data, size, max_size, &rng);
    }
    return zap_mutate_wire(data, size, zap_rng_next(&rng), data, max_size);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
                                 size_t size2, uint8_t *out, size_t max_out_size, unsigned int seed)
{
    struct zap_rng rng = zap_rng_init(seed, 2);
    bool mixes = zap_rng_below(&rng, MIX_ONE_IN) == 0;
    uint64_t plan_seed = zap_rng_next(&rng);
    return mixes ? zap_crossover_wire(data1, size1, data2, size2, plan_seed, out, max_out_size)
                 : zap_mutate_wire(data1, size1, plan_seed, out, max_out_size);
}
