/* A plan in words, for `pyzap show` and for the explanation beside a finding. */
#ifndef ZAP_ORACLE_EXPLAIN_H
#define ZAP_ORACLE_EXPLAIN_H

#include "base/str.h"
#include "plan/plan.h"

/* No plan's explanation is longer than this. */
enum { ZAP_EXPLAIN_MAX = 64 * 1024 };

/* Append what a plan is and what to expect of it: modules and their names in order, objects and
 * what they hold, what each __del__ does, and how each module's globals go, by which path and why.
 *
 * plan  normal
 * Same  for the same plan, on every machine; no build is asked, so versions are named in the text
 */
void zap_explain_plan(const struct zap_plan *plan, struct zap_str *out);

#endif
