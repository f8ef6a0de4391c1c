/* The CPython builds that this pyzap knows: which have a worker, and why the others have none. */
#ifndef ZAP_HOST_BUILDS_H
#define ZAP_HOST_BUILDS_H

#include "base/status.h"
#include "base/str.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct zap_builds_row {
    char name[64];         /* "3.11.7"; as in --python */
    char version[32];      /* "3.11.7", or "-" */
    char mode[16];         /* "static", "shared", or "-" */
    char python[PATH_MAX]; /* the interpreter that was looked at, or "-" */
    bool is_usable;
    char reason[256];      /* why not, unless is_usable */
    char worker[PATH_MAX]; /* the executable, if is_usable */
};

struct zap_builds {
    struct zap_builds_row *rows; /* owned; by name, versions in order */
    size_t count;
    char folder[PATH_MAX]; /* of the workers */
};

/* Read the list of builds: builds.tsv and the workers beside it.
 *
 * folder      borrowed, of the workers; NULL: where they stand, seen from this program's own file
 *             (../libexec/pyzap)
 * ret_builds  release it; it is empty where there is no folder or nothing in it
 * ret_why     on failure: one line
 * Returns     ZAP_OK, or ZAP_E_IO where something that is there cannot be read
 */
enum zap_status zap_builds_load(const char *folder, struct zap_builds *ret_builds,
                                struct zap_str *ret_why);

void zap_builds_release(struct zap_builds *builds);

/* The usable build that a --python means: a name, the start of one name only, or an interpreter's
 * path.
 *
 * ret_why  on failure: one line, which names the builds there are
 * Returns  NULL where there is none
 */
const struct zap_builds_row *zap_builds_find(const struct zap_builds *builds, const char *text,
                                             struct zap_str *ret_why);

size_t zap_builds_count_usable(const struct zap_builds *builds);

#endif
