/* One CPython in this process, for a program that brings its own plans and is no worker: the fuzz
 * targets. No Python.h here: such a program sees plans, traces and judgements only. */
#ifndef ZAP_PY_EMBED_H
#define ZAP_PY_EMBED_H

#include "oracle/judge.h"

/* Start the interpreter, once per process. Returns 0; on failure prints why on stderr and returns
 * -1. */
int zap_embed_start(void);

/* Call this each time a route begins, when the plan's modules have been built and nothing has been
 * torn down yet; NULL: nothing. */
void zap_embed_on_route(void (*on_route)(void));

/* Call these when an interpreter that ran in a child of this process has ended: the first in the
 * child, and then the second in this process. What the child counts is else lost with it. */
void zap_embed_on_end(void (*in_child)(void), void (*in_parent)(void));

/* Run a plan and judge what happened. What this build has no route for, or is known not to survive,
 * is not run: then every verdict is SKIPPED, and the trace has no events.
 *
 * plan           normal; borrowed until the call returns
 * flags          ZAP_RUN_* (proto/proto.h)
 * ret_judgement  HARNESS where pyzap itself failed
 * Returns        the trace: borrowed, until the next call
 */
const struct zap_trace *zap_embed_run(const struct zap_plan *plan, uint32_t flags,
                                      struct zap_judgement *ret_judgement);

/* Make and tear down the objects of a plan of ZAP_SHAPE_BENCH without pyzap, so many times, as
 * zap_bare_run does (py/bare.h): for benchmarks. Returns how often it was done. */
uint64_t zap_embed_bare(unsigned route, uint64_t count);

#endif
