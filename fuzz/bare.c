/* For tools/bench: a libFuzzer target that makes and tears down the objects of one plan of
 * ZAP_SHAPE_BENCH as plain C would (src/py/bare.h), whatever the bytes are. */
#include "fuzz.h"

#include "engine.h"

#include "base/check.h"
#include "plan/wire.h"
#include "py/embed.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return zap_fuzz_start(ZAP_FUZZ_EDGES);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct zap_plan plan;
    zap_wire_decode(bytes, len, &plan);
    uint64_t done = zap_embed_bare(plan.route, 1);
    ZAP_CHECK_CMP(done, ==, 1);
    zap_engine_transitions()[0] = 1; /* or libFuzzer would say that there is nothing to learn */
    return 0;
}
