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

/* What is known of a frame. */
struct zap_stack_place {
    const char *function; /* as the compiler calls it; "" or NULL: not known */
    const char *module;   /* path of the executable or library; NULL: not known */
    const char *source;   /* path of the source file; NULL: not known */
    const char *unit;     /* path of the compile unit; NULL: as source */
    unsigned line;        /* 0: not known */
    uint64_t offset;      /* in the module, where there is no function */
};

/* A frame of it: names without what compilers add, paths without what differs between machines. */
void zap_stack_name(const struct zap_stack_place *place, struct zap_stack_frame *ret_frame);

/* Make a stack of all frames of a process.
 *
 * frames       innermost first
 * is_overflow  the C stack was full: what repeats is kept once, beginning with what is first in
 *              the alphabet, so that the same recursion gives the same stack wherever it ended
 */
void zap_stack_fold(const struct zap_stack_frame *frames, uint32_t count, bool is_overflow,
                    struct zap_stack *ret_stack);

/* Read the first stack of a sanitizer's report.
 *
 * report   from the line on that names the error
 * Returns  whether there is one
 */
bool zap_stack_parse(const char *report, struct zap_stack *ret_stack);

/* The topmost frames of CPython, innermost first: "insertdict < PyDict_SetItem < module_clear"; ""
 * where there is none. Three of them, or up to the deallocation of an object, whoever has caused
 * that. What tells one crash from another. */
void zap_stack_top(const struct zap_stack *stack, struct zap_str *out);

/* All of it, a frame a line, as debuggers print it: "#0  insertdict  Objects/dictobject.c:1234". */
void zap_stack_print(const struct zap_stack *stack, struct zap_str *out);

#endif
