/* Plans as Python source, for a bare interpreter and for the worker's own comparison. */
#ifndef ZAP_PLAN_SOURCE_H
#define ZAP_PLAN_SOURCE_H

#include "base/str.h"
#include "plan/plan.h"

/* No plan's script is longer than this. */
enum { ZAP_SOURCE_MAX = 256 * 1024 };

/* Append a stand-alone program that does what the plan says and prints what happens. It needs nothing
 * but the standard library and runs on 2.7 and on 3.x alike. source.c says how its lines compare with a
 * worker's trace.
 *
 * plan  normal
 */
void zap_source_script(const struct zap_plan *plan, struct zap_str *out);

/* Append one act's body (from op.def, placeholders filled in), indented by `indent` spaces.
 *
 * own  the node's class is defined in the module that the act is about
 */
void zap_source_act(const struct zap_act *act, bool own, unsigned indent, struct zap_str *out);

/* Append the part that makes the plan's objects and binds its globals, as the worker executes it when
 * it builds from source: a sequence of sections, each a line "#@ CONTEXT\n" followed by code, where
 * CONTEXT is the number of the module in whose namespace the code runs, or "elsewhere". Every section
 * runs with one shared scratch dict as its locals, which is thrown away at the end, and with `z` in it.
 */
void zap_source_sections(const struct zap_plan *plan, struct zap_str *out);

#endif
