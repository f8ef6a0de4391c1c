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

/* Do all of a plan whose route ends an interpreter, in a child of this process; what kills the
 * child kills this process in the same way, so that whoever watches it sees what there was to see.
 *
 * plan           normal; borrowed until the call returns
 * ret_judgement  HARNESS where pyzap itself failed; SKIPPED where the build is known not to survive
 * it
 */
void zap_end_run(const struct zap_plan *plan, uint32_t flags, struct zap_judgement *ret_judgement);

/* The end alone: fork, and end the interpreter, so many times. For benchmarks. Returns how often it
 * was done. */
uint64_t zap_end_bare(uint64_t count);

/* Do many plans, all of one route, in one end.
 *
 * plans   count of them, 1..ZAP_BATCH_MAX, each independent
 * count_  called in the child for each plan's judgement, in order, when all of them are there
 * Returns whether nothing was broken and nothing went wrong; else nothing was counted, and each is
 * to be run by itself
 */
bool zap_end_batch(const struct zap_plan *plans, unsigned count, uint32_t flags,
                   void (*take)(const struct zap_judgement *judgement));

#endif
