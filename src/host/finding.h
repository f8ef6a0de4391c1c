/* Findings: plans with a verdict worth a person's time, each filed in a folder of its own. */
#ifndef ZAP_HOST_FINDING_H
#define ZAP_HOST_FINDING_H

#include "host/worker.h"

#include <limits.h>

struct zap_examination;

/* The folder in DIR that flaky findings are in, and the line of min.plan that says that a finding
 * was not examined yet. */
#define ZAP_FINDING_FLAKY        "flaky"
#define ZAP_FINDING_NOT_EXAMINED "# not examined yet\n"

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
    /* The header of the found.plan of an earlier session, whose plan this still is; NULL: ours. */
    const char *earlier;
    enum zap_verdict verdict;
    const char *signature;        /* fit for a file name; equal on one build: the same finding */
    const struct zap_plan *found; /* the plan as it was found */
    const struct zap_plan *plan;  /* the smallest one known that does it; may be equal to found */
    /* What repro.py is made of; NULL: plan. */
    const struct zap_plan *repro;
    const struct zap_examination *examination; /* NULL: not examined yet */
    const struct zap_trace *trace;             /* of plan, as far as it got */
    const struct zap_judgement *judgement;     /* of a BROKEN one, else NULL */
    const struct zap_death *death;             /* of all others, else NULL */
    bool is_flaky; /* it did not happen again: trace and death are those of the one time */
};

/* The folder that zap_finding_file makes: DIR/BUILD-SIGNATURE, so that who finds it again finds the
 * folder; of a flaky one DIR/flaky/BUILD-SIGNATURE.
 *
 * Returns  false (errno) where that is too long
 */
bool zap_finding_path(const char *dir, const struct zap_finding_facts *facts,
                      char ret_path[PATH_MAX]);

/* File a finding in that folder:
 *   min.plan   the plan as text       found.plan  the plan as it was found
 *   repro.py   a stand-alone script   trace.txt   what happened
 *   report.md  all of it, to be sent  artefact.zap  the bytes that the engine left, where it was
 * one DIR is made when it is not there. The folder appears whole or not at all; in one that is
 * there, from before the plan was made smaller and examined, each file is replaced at once,
 * min.plan last.
 *
 * ret_path  of the folder, at least PATH_MAX bytes
 * ret_why   on failure: one line
 * Returns   ZAP_OK or ZAP_E_IO
 */
enum zap_status zap_finding_file(const char *dir, const struct zap_finding_facts *facts,
                                 char *ret_path, struct zap_str *ret_why);

/* The same for a finding that has just been met. Where its folder is there, from an earlier
 * session, nothing in it is replaced: the plan is put beside the others, as again.plan, until
 * somebody has tried whether the folder's own still does it.
 *
 * ret_was_there  is that so?
 */
enum zap_status zap_finding_file_first(const char *dir, const struct zap_finding_facts *facts,
                                       char *ret_path, bool *ret_was_there,
                                       struct zap_str *ret_why);

/* What a folder holds. */
struct zap_finding_filed {
    struct zap_plan found, min;
    char header[1024]; /* comment lines of found.plan, each with its newline */
    bool is_examined;  /* as far as that ever goes */
};

/* Read a folder back; false where there is no plan that can be read. */
bool zap_finding_read(const char *path, struct zap_finding_filed *ret_filed);

/* Take again.plan out of a folder. With `instead`, what was found first is kept as earlier.plan,
 * because its smallest plan does not do it any more. */
enum zap_status zap_finding_settle_again(const char *path, bool instead, struct zap_str *ret_why);

/* Move a folder that is of this session to where flaky ones are. */
enum zap_status zap_finding_set_apart(const char *dir, const struct zap_finding_facts *facts,
                                      struct zap_str *ret_why);

/* Remove the drafts that sessions left in DIR which were killed. */
void zap_finding_tidy(const char *dir);

/* For report.c: how the plan was found, in one line or two, each beginning with `comment`. */
void zap_finding_origin(const struct zap_finding_facts *facts, const char *comment,
                        struct zap_str *out);

/* For report.c: the options of `pyzap check` that make the session's plans again. */
void zap_finding_options(const struct zap_finding_facts *facts, struct zap_str *out);

/* The text of repro.py; is_witness of zap_source_repro follows from the verdict. */
void zap_finding_script(const struct zap_finding_facts *facts, struct zap_str *out);

#endif
