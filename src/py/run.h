/* One plan: build, route, judge, clean up. */
#ifndef ZAP_PY_RUN_H
#define ZAP_PY_RUN_H

#include "py/session.h"

/* Do all of a plan; its trace is in the shared block afterwards.
 *
 * plan           normal; borrowed until the call returns
 * flags          ZAP_RUN_*
 * ret_judgement  HARNESS where pyzap itself failed
 */
void zap_run_plan(const struct zap_plan *plan, uint32_t flags, struct zap_judgement *ret_judgement);

/* The same, for any plan: one whose route this build has not, or which it is known not to survive
 * (oracle/known.h; unless flags say ZAP_RUN_KNOWN), is not run; every verdict is SKIPPED then, and
 * the trace has no events. */
void zap_run_or_skip(const struct zap_plan *plan, uint32_t flags,
                     struct zap_judgement *ret_judgement);

/* Can the plan share the end of an interpreter with others, and is there nothing special about it?
 */
bool zap_run_is_independent(const struct zap_plan *plan, uint32_t flags);

/* The plan at work is about to do what this build is known not to survive. Returns whether that is
 * not to be done: its run is then good for nothing, goes on to its end, and is said to be skipped.
 */
bool zap_run_avoids(enum zap_feature_code known);

/* The plan at work has no end, and so this process has: the host tells it from a crash. known: the
 * way of having no end, ENDLESS_WIPE or an ENDLESS_NEW. */
ZAP_NORETURN void zap_run_endless(enum zap_feature_code known);

/* Writes the line counts of a CPython that is built with --coverage, which else happens at exit. */
extern ZAP_WEAK void __gcov_dump(void);

/* Garbage of earlier plans goes, and what was made since for the life of the process is put where
 * the collector does not look. */
void zap_run_collect(void);

/* Before a process is forked in which plans end an interpreter: what it would meet here is
 * collected, and what it would make, and could as well find, is made. Returns whether there was
 * anything. */
bool zap_run_warm(const struct zap_plan *plans, unsigned count);

/* For end.c and child.c: set the session up for a plan; say that a plan was not run, or not to its
 * end. */
void zap_run_start(const struct zap_plan *plan);
void zap_run_skip(enum zap_feature_code known, struct zap_judgement *ret_judgement);

/* For import.c. The first builds the objects (in C or from source, as the run wants); the second
 * begins the route; the third is the module's code on a reload. */
int zap_run_contents(void);
void zap_run_begin(void);
int zap_run_again(PyObject *dict);

#endif
