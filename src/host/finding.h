/* Findings: plans with a verdict worth a person's time, each filed in a folder of its own. */
#ifndef ZAP_HOST_FINDING_H
#define ZAP_HOST_FINDING_H

#include "host/worker.h"

#include <limits.h>

/* Everything there is to say about one; all pointers are borrowed. */
struct zap_finding_facts {
    const char *build;                /* its name, fit for a file name */
    const char *python;               /* its interpreter, or "-" */
    const struct zap_gen_config *gen; /* the session that the plan is of ... */
    uint64_t index;                   /* ... and its number */
    enum zap_verdict verdict;
    const char *signature; /* invariant id, or how the worker died: fit for a file name */
    const struct zap_plan *plan;
    const struct zap_trace *trace;         /* as far as it got */
    const struct zap_judgement *judgement; /* of a BROKEN one, else NULL */
    const struct zap_death *death;         /* of all others, else NULL */
};

/* File a finding as DIR/BUILD-SIGNATURE-INDEX/ with
 *   plan.plan  the plan as text      trace.txt  what happened
 *   repro.py   a stand-alone script  why.txt    what was promised, and what happened instead
 * DIR is made when it is not there. The folder appears whole or not at all; one that is there from
 * an earlier run is replaced.
 *
 * ret_path  of the folder, at least PATH_MAX bytes
 * ret_why   on failure: one line
 * Returns   ZAP_OK or ZAP_E_IO
 */
enum zap_status zap_finding_file(const char *dir, const struct zap_finding_facts *facts,
                                 char *ret_path, struct zap_str *ret_why);

#endif
