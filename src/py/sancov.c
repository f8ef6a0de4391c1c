/* What code that is compiled with -fsanitize=fuzzer-no-link calls, where no engine is there to
 * answer.
 *
 * Such code counts its edges by itself, and calls these functions to say where the counters are and
 * what is compared with what. They are weak: an engine that is linked in (libFuzzer, AFL++'s
 * runtime) has its own, which then win one by one, and those that it lacks are here. They do
 * nothing. Who wants to know the counters of code that is linked statically finds them in the
 * section __sancov_cntrs.
 *
 * Nothing of ours may be called from here, and nothing of the C library: constructors are the first
 * that call.
 */
#include "base/attr.h"

#include <stdint.h>

/* The compiler declares these in no header; this is what it calls. */
extern _Thread_local uintptr_t __sancov_lowest_stack;
extern void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
extern void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);
extern void __sanitizer_cov_trace_pc_indir(uintptr_t callee);
extern void __sanitizer_cov_trace_cmp1(uint8_t a, uint8_t b);
extern void __sanitizer_cov_trace_cmp2(uint16_t a, uint16_t b);
extern void __sanitizer_cov_trace_cmp4(uint32_t a, uint32_t b);
extern void __sanitizer_cov_trace_cmp8(uint64_t a, uint64_t b);
extern void __sanitizer_cov_trace_const_cmp1(uint8_t a, uint8_t b);
extern void __sanitizer_cov_trace_const_cmp2(uint16_t a, uint16_t b);
extern void __sanitizer_cov_trace_const_cmp4(uint32_t a, uint32_t b);
extern void __sanitizer_cov_trace_const_cmp8(uint64_t a, uint64_t b);
extern void __sanitizer_cov_trace_switch(uint64_t value, uint64_t *cases);
extern void __sanitizer_cov_trace_div4(uint32_t value);
extern void __sanitizer_cov_trace_div8(uint64_t value);
extern void __sanitizer_cov_trace_gep(uintptr_t index);

/* Functions of instrumented code write here when they find the stack lower than ever: never. */
ZAP_WEAK _Thread_local uintptr_t __sancov_lowest_stack = 0;

ZAP_WEAK void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop)
{
    (void)start;
    (void)stop;
}

ZAP_WEAK void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop)
{
    (void)start;
    (void)stop;
}

ZAP_WEAK void __sanitizer_cov_trace_pc_indir(uintptr_t callee)
{
    (void)callee;
}

ZAP_WEAK void __sanitizer_cov_trace_cmp1(uint8_t a, uint8_t b)
{
    (void)a;
    (void)b;
}

ZAP_WEAK void __sanitizer_cov_trace_cmp2(uint16_t a, uint16_t b)
{
    (void)a;
    (void)b;
}

ZAP_WEAK void __sanitizer_cov_trace_cmp4(uint32_t a, uint32_t b)
{
    (void)a;
    (void)b;
}

ZAP_WEAK void __sanitizer_cov_trace_cmp8(uint64_t a, uint64_t b)
{
    (void)a;
    (void)b;
}

ZAP_WEAK void __sanitizer_cov_trace_const_cmp1(uint8_t a, uint8_t b)
{
    (void)a;
    (void)b;
}

ZAP_WEAK void __sanitizer_cov_trace_const_cmp2(uint16_t a, uint16_t b)
{
    (void)a;
    (void)b;
}

ZAP_WEAK void __sanitizer_cov_trace_const_cmp4(uint32_t a, uint32_t b)
{
    (void)a;
    (void)b;
}

ZAP_WEAK void __sanitizer_cov_trace_const_cmp8(uint64_t a, uint64_t b)
{
    (void)a;
    (void)b;
}

ZAP_WEAK void __sanitizer_cov_trace_switch(uint64_t value, uint64_t *cases)
{
    (void)value;
    (void)cases;
}

ZAP_WEAK void __sanitizer_cov_trace_div4(uint32_t value)
{
    (void)value;
}

ZAP_WEAK void __sanitizer_cov_trace_div8(uint64_t value)
{
    (void)value;
}

ZAP_WEAK void __sanitizer_cov_trace_gep(uintptr_t index)
{
    (void)index;
}
