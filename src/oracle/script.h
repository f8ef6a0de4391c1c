/* What a plan's stand-alone script printed, as a trace that can be judged.
 *
 * A script of zap_source_repro that bears witness says what Python code can see and what the
 * script itself does. What the interpreter does between two of its lines (it sets names to None, it
 * empties a dict) follows from the states before and after, and is put in here.
 */
#ifndef ZAP_ORACLE_SCRIPT_H
#define ZAP_ORACLE_SCRIPT_H

#include "oracle/judge.h"

/* Read what a script printed, stderr included: lines that are no events are passed over, but for
 * those in which CPython says that it ignores an exception.
 *
 * plan       the script's; normal
 * build      of the interpreter that ran it; its observers do not matter
 * said       borrowed
 * ret_trace  all of it is set; build.observers is what a script sees
 */
void zap_script_read(const struct zap_plan *plan, const struct zap_build *build, const char *said,
                     struct zap_trace *ret_trace);

/* Judge such a trace. What no script can witness is SKIPPED. */
void zap_script_judge(const struct zap_plan *plan, const struct zap_trace *trace,
                      struct zap_judgement *ret_judgement);

/* The part of a worker's trace that a script of the plan would print, read as above: does it still
 * show what the whole trace shows? */
void zap_script_part(const struct zap_plan *plan, const struct zap_trace *trace,
                     struct zap_trace *ret_trace);

/* What it takes to see that an invariant is broken, where the part of the trace that a script
 * prints does not show it: the C API whose absence from the trace makes it look well. Several are
 * joined by " and ".
 *
 * plan, trace  trace is a worker's, and breaks the invariant
 * scratch      for traces without something
 */
void zap_script_needs(const struct zap_plan *plan, const struct zap_trace *trace,
                      enum zap_invariant_code invariant, struct zap_trace *scratch,
                      struct zap_str *out);

#endif
