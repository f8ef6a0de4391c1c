/* A folder of findings as it stands, read for people to look through: nothing in it is changed. */
#ifndef ZAP_HOST_SHELF_H
#define ZAP_HOST_SHELF_H

#include "base/status.h"
#include "base/str.h"
#include "plan/plan.h"

#include <stdbool.h>
#include <stddef.h>

/* A file's bytes, which may be anything. */
struct zap_shelf_file {
    char *bytes; /* owned; NUL-terminated; NULL: there is no such file */
    size_t len;
};

struct zap_shelf_finding {
    char *name; /* owned: of its folder, in the folder of findings: "3.13.0-I14", "flaky/..." */
    bool is_flaky;
    bool is_examined;
    /* From the first lines of min.plan, owned: */
    char *verdict;   /* "BROKEN" */
    char *build;     /* "3.13.0" */
    char *reason;    /* "I14", or how it died; one line */
    char *signature; /* "I14" */
    char *affected;  /* names of builds, a space between them */
    struct zap_plan plan;
    struct zap_shelf_file min, found, script, report, trace;
};

/* What is in the folder and no finding. */
struct zap_shelf_other {
    char *name; /* owned */
    char *why;  /* owned; one line */
};

struct zap_shelf {
    struct zap_shelf_finding *findings; /* owned; by name, the flaky ones last */
    size_t findings_count;
    struct zap_shelf_other *others; /* owned; in order of their names */
    size_t others_count;
};

/* Read all findings of a folder (finding.h: DIR). Drafts of a session at work, whose names begin
 * with a dot, are not looked at.
 *
 * ret_shelf  zap_shelf_release; untouched on failure
 * Returns    ZAP_OK, or ZAP_E_IO (errno) where the folder itself cannot be read
 */
enum zap_status zap_shelf_read(const char *dir, struct zap_shelf *ret_shelf);

void zap_shelf_release(struct zap_shelf *shelf);

#endif
