/* A stack in words. */
#include "host/stack.h"

enum { TOP = 3 };

void zap_stack_top(const struct zap_stack *stack, struct zap_str *out)
{
    unsigned named = 0;
    for (uint32_t i = 0; i < stack->count && named < TOP; i++) {
        const struct zap_stack_frame *frame = &stack->frames[i];
        if (frame->whose != ZAP_STACK_CPYTHON || !frame->function[0])
            continue;
        zap_str_printf(out, "%s%s", named ? " < " : "", frame->function);
        named++;
    }
}

void zap_stack_print(const struct zap_stack *stack, struct zap_str *out)
{
    for (uint32_t i = 0; i < stack->count; i++) {
        const struct zap_stack_frame *frame = &stack->frames[i];
        zap_str_printf(out, "#%-2u %s%s%s\n", (unsigned)i,
                       frame->function[0] ? frame->function : "?", frame->file[0] ? "  " : "",
                       frame->file);
    }
    if (stack->is_overflow)
        zap_str_add(out, "and so on, until the C stack is full\n");
}
