/* The end of an interpreter, and the modules of a plan in it. */
#ifndef ZAP_PY_END_H
#define ZAP_PY_END_H

#include "py/session.h"

/* Numbers of C nodes that are no plan's (py/cnode.h), from ZAP_NODES_MAX on. */
enum {
    ZAP_CNODE_CODECS = 0xfc,   /* in the registry of codecs, where a script asks for one */
    ZAP_CNODE_GARBAGE = 0xfd,  /* in a cycle that is garbage before the end begins */
    ZAP_CNODE_SENTINEL = 0xfe, /* in the main interpreter, while a subinterpreter ends */
};

/* May a script ask for a codec? Not where that is known to crash the build (zap_run_avoids). */
bool zap_end_has_codecs(void);

/* One of them is deallocated. */
void zap_end_meets(uint8_t number);

/* Is this key of sys.modules "__main__"? No Python code, no new objects. */
bool zap_end_is_main(const PyObject *key);

/* What is looked at while an interpreter ends: names, and its sys. After zap_api_init. Returns 0,
 * or -1 with a Python exception set. */
int zap_end_init(void);

/* The exit status of a process whose plan could not be built. */
enum { ZAP_END_FAILED = 70 };

/* Make the interpreter that a plan's route ends, where it is not the one that is there. Else
 * zap_end_with() does. Ends the process where it cannot be made. */
void zap_end_enter(const struct zap_plan *plan);

/* Build plans that share a route, and let their interpreter end. What is left of the process is
 * good for zap_end_begin_again(), or nothing.
 *
 * plans   count of them, 1..ZAP_BATCH_MAX, normal; borrowed until the call returns
 * traces  as many, in memory that others see: it may be the last they see
 */
void zap_end_with(const struct zap_plan *plans, unsigned count, uint32_t flags,
                  struct zap_trace *traces);

/* Another interpreter in place of the one that has ended, for the same plan. */
void zap_end_begin_again(const struct zap_plan *plan);

#endif
