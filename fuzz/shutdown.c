/* Fuzz target: ends an interpreter with the modules of one plan in it, in a child of this process,
 * and judges how it ended. The bytes are the plan's wire form (src/plan/wire.h). */
#include "fuzz.h"

enum { TWICE_ONE_IN = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return zap_fuzz_start(ZAP_FUZZ_EDGES);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct zap_plan plan;
    zap_fuzz_plan(bytes, len, true, &plan);
    const struct zap_trace *trace = zap_fuzz_run(&plan);
    if (zap_fuzz_is_sample(bytes, len, TWICE_ONE_IN))
        zap_fuzz_run_again(&plan, trace);
    return 0;
}
