/* Plans as Python source, for a bare interpreter and for the worker's own comparison. */
#ifndef ZAP_PLAN_SOURCE_H
#define ZAP_PLAN_SOURCE_H

#include "base/str.h"
#include "plan/plan.h"

/* No plan's script is longer than this. */
enum { ZAP_SOURCE_MAX = 256 * 1024 };

/* Append a stand-alone program that does what the plan says and prints what happens. It needs
 * nothing but the standard library and runs on 2.7 and on 3.x alike. source.c says how its lines
 * compare with a worker's trace.
 *
 * plan  normal
 */
void zap_source_script(const struct zap_plan *plan, struct zap_str *out);

/* The same for a bug report.
 *
 * doc         words for its docstring; NULL: none
 * is_witness  say as well what namespaces are like before and after the route, when a wipe begins
 *             and ends, and which changes scripts make: what oracle/script.h needs to judge it
 */
void zap_source_repro(const struct zap_plan *plan, const char *doc, bool is_witness,
                      struct zap_str *out);

/* Append one act's body (from op.def, placeholders filled in), indented by `indent` spaces.
 *
 * own  the node's class is defined in the module that the act is about
 */
void zap_source_act(const struct zap_act *act, bool own, unsigned indent, struct zap_str *out);

/* Append the part that makes the plan's objects and binds its globals, as the worker executes it
 * when it builds from source: a sequence of sections, each a line "#@ CONTEXT\n" followed by code.
 * CONTEXT is the number of the module in whose namespace the code runs, or "elsewhere".
 *
 * Every section runs with that namespace as globals and one shared scratch dict as locals, which is
 * thrown away at the end. Before the first section scratch holds `z` and the modules as `m0`, `m1`,
 * ...; afterwards it also holds object i as `o<i>`, for who wants to know. Beside what bodies of
 * op.def and expressions of value.def say, sections call:
 *
 * - z.cls(name, del[, poke]): the class of the node whose number follows the n in its name: in a
 *   worker a plain call of type(); poke is left out where nothing in the plan asks for it
 * - z.skip(self): in a __del__; true when the script must not run
 * - z.poked(self) and z.fin(i): from poke, and from the finally of generator i
 * - z.begin(): route failed-import only, in the line before the last one, `raise z.Error`: drop all
 *   in scratch but `z`, and begin the route
 *
 * Route reload has one more section at the end, "#@ again": what module 0 executes when it is
 * reloaded, in its own namespace, with a new scratch dict that holds `z`.
 */
void zap_source_sections(const struct zap_plan *plan, struct zap_str *out);

#endif
