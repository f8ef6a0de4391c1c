/* Findings: plans with a verdict worth a person's time, each filed in a folder of its own. */
#ifndef ZAP_HOST_FINDING_H
#define ZAP_HOST_FINDING_H

#include "host/worker.h"

#include <limits.h>

/* Does the plan do it in a worker that has run nothing else? */
enum zap_finding_alone { ZAP_ALONE_UNKNOWN, ZAP_ALONE_YES, ZAP_ALONE_NO };

/* What an engine left behind that shows the finding. */
struct zap_finding_artefact {
    const char *engine; /* "libfuzzer" */
    const char *target; /* "teardown" */
    const char *name;   /* of the engine's file */
    const uint8_t *bytes;
    size_t len;
};

/* Everything there is to say about one; all pointers are borrowed. */
struct zap_finding_facts {
    const char *build;  /* its name, fit for a file name */
    const char *python; /* its interpreter, or "-" */
    /* Where the plan comes from: an engine, or, where this is NULL, ... */
    const struct zap_finding_artefact *artefact;
    const struct zap_gen_config *gen; /* ... the session that it is of ... */
    uint64_t index;                   /* ... and its number */
    enum zap_verdict verdict;
    const char *signature; /* invariant id, or how the worker died: fit for a file name */
    const struct zap_plan *plan;
    const struct zap_plan *original;       /* as found, where plan was made smaller; else NULL */
    enum zap_finding_alone alone;          /* YES where there is an original */
    const struct zap_trace *trace;         /* as far as it got */
    const struct zap_judgement *judgement; /* of a BROKEN one, else NULL */
    const struct zap_death *death;         /* of all others, else NULL */
};

/* The folder that zap_finding_file makes: DIR/BUILD-SIGNATURE-INDEX; of what an engine found
 * DIR/BUILD-SIGNATURE-fuzz. So what engines find has one folder for each kind, and who finds it
 * again finds the folder.
 *
 * Returns  false (errno) where that is too long
 */
bool zap_finding_path(const char *dir, const struct zap_finding_facts *facts,
                      char ret_path[PATH_MAX]);

/* File a finding in that folder:
 *   plan.plan  the plan as text      trace.txt  what happened
 *   repro.py   a stand-alone script  why.txt    what was promised, and what happened instead
 *   original.plan   the plan as found, where plan.plan was made smaller
 *   artefact.zap    the bytes that the engine left, where it was one
 * DIR is made when it is not there. The folder appears whole or not at all; in one that is there,
 * from an earlier run or from before the plan was made smaller, each file is replaced at once.
 *
 * ret_path  of the folder, at least PATH_MAX bytes
 * ret_why   on failure: one line
 * Returns   ZAP_OK or ZAP_E_IO
 */
enum zap_status zap_finding_file(const char *dir, const struct zap_finding_facts *facts,
                                 char *ret_path, struct zap_str *ret_why);

#endif
