/* Fuzz target: builds one plan's modules in C and from its Python source, and holds what happens to
 * the one against what happens to the other. The bytes are the plan's wire form. */
#include "fuzz.h"

#include "plan/wire.h"
#include "proto/proto.h"

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
    const struct zap_trace *trace = zap_fuzz_run(&plan, ZAP_RUN_ALL_ISOLATED);
    zap_fuzz_run_again(&plan, ZAP_RUN_ALL_ISOLATED | ZAP_RUN_FROM_SOURCE, trace,
                       "a plan built in C and from its Python source does the same");
    return 0;
}
