/* Where a process was when it died: the innermost frames, with the names of their functions. */
#ifndef ZAP_HOST_STACK_H
#define ZAP_HOST_STACK_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { ZAP_STACK_MAX = 32 };

/* Whose code a frame runs. */
enum zap_stack_whose {
    ZAP_STACK_UNKNOWN, /* no library at hand names it */
    ZAP_STACK_CPYTHON,
    ZAP_STACK_OURS,   /* the worker's own */
    ZAP_STACK_SYSTEM, /* libc and the like; and what reports a fatal error, which says nothing */
};

struct zap_stack_frame {
    char function[64]; /* static ones too; "" where it is not known */
    char file[64];  /* "Objects/dictobject.c:1234", or what it is known of that; "" for nothing */
    uint32_t whose; /* enum zap_stack_whose */
};

/* Zeroed: nothing is known. */
struct zap_stack {
    uint32_t count;
    bool is_overflow; /* of the C stack: frames are those that repeat, once */
    struct zap_stack_frame frames[ZAP_STACK_MAX]; /* innermost first */
};

/* The topmost frames of CPython, innermost first: "insertdict < PyDict_SetItem < module_clear"; ""
 * where there is none. What tells one crash from another. */
void zap_stack_top(const struct zap_stack *stack, struct zap_str *out);

/* All of it, a frame a line, as debuggers print it: "#0  insertdict  Objects/dictobject.c:1234". */
void zap_stack_print(const struct zap_stack *stack, struct zap_str *out);

#endif
