/* The child processes in which interpreters end: one plan in each, or many. */
#ifndef ZAP_PY_CHILD_H
#define ZAP_PY_CHILD_H

#include "py/session.h"

/* Do all of a plan whose route ends an interpreter, in a new child of this process; what kills the
 * child kills this process in the same way, so that whoever watches it sees what there was to see.
 *
 * plan           normal; borrowed until the call returns
 * ret_judgement  HARNESS where pyzap itself failed; SKIPPED where the build is known not to survive
 * it
 */
void zap_child_run(const struct zap_plan *plan, uint32_t flags,
                   struct zap_judgement *ret_judgement);

/* The same in a child that is there already, and has been taken back since the plan before.
 *
 * Returns whether there is one, and nothing was broken and nothing went wrong; else it counts for
 * nothing, and zap_child_run() is to say what the plan does.
 */
bool zap_child_run_again(const struct zap_plan *plan, uint32_t flags,
                         struct zap_judgement *ret_judgement);

/* Do many plans, all of one route, in one end.
 *
 * plans    count of them, 1..ZAP_BATCH_MAX, each independent
 * take     called in the child for each plan's judgement, in order, when all of them are there
 * Returns  whether nothing was broken and nothing went wrong; else nothing was counted, and each is
 *          to be run by itself
 */
bool zap_child_run_all(const struct zap_plan *plans, unsigned count, uint32_t flags,
                       void (*take)(const struct zap_judgement *judgement));

/* The end alone: fork, and end the interpreter, so many times. For benchmarks. Returns how often it
 * was done. */
uint64_t zap_child_bare(uint64_t count);

#endif
