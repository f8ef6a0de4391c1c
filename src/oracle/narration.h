/* What an interpreter narrates when it runs with -vv: a text in, one thing told after the other
 * out.
 *
 * Lines of the formats below are told by CPython; all others are somebody else's, the script's own
 * among them. Python/import.c, Python/pylifecycle.c, Objects/moduleobject.c.
 */
#ifndef ZAP_ORACLE_NARRATION_H
#define ZAP_ORACLE_NARRATION_H

#include "base/status.h"
#include "base/str.h"
#include "oracle/profile.h"

enum zap_told_kind {
    ZAP_TOLD_NOTHING,  /* by CPython: text is the line */
    ZAP_TOLD_CLEAR,    /* "# clear sys.path": a name of sys or builtins; text: "sys.path" */
    ZAP_TOLD_RESTORE,  /* "# restore sys.stdin"; text: "sys.stdin" */
    ZAP_TOLD_REMOVING, /* "# cleanup[2] removing NAME" (3.4 on): of sys.modules */
    ZAP_TOLD_DESTROY,  /* "# destroy NAME" (3.4 on): a module's deallocation begins */
    /* The clearing of a module begins, of sys and builtins too: "# cleanup[3] wiping NAME" (3.4
     * on),
     * "# cleanup[1] NAME", "# cleanup[2] NAME", "# cleanup NAME" (before). pass: that number, or 0
     */
    ZAP_TOLD_WIPING,
    ZAP_TOLD_NAME, /* "#   clear[1] NAME": a name is about to be set to None, in pass 1 or 2 */
};

struct zap_told {
    enum zap_told_kind kind;
    uint8_t pass;
    const char *text; /* borrowed from the narration, not ended by a NUL */
    size_t len;
};

/* Take the next line.
 *
 * at       where to go on, and where to go on after that
 * Returns  false where no line is left
 */
bool zap_narration_next(const char **at, struct zap_told *ret_told);

/* Does the narration of an interpreter's end keep to the order that CPython has (I16)? What comes
 * before the end is not looked at.
 *
 * 3.4 on: names of sys and builtins are cleared; then modules are removed from sys.modules; then
 * those that are left are wiped, each of which was removed; then sys; then builtins. Before: names;
 * __main__; modules that nobody else holds; the others; sys; builtins. Names of a module are told
 * of while it is wiped, those of the first pass first.
 *
 * said      borrowed; from where the interpreter begins to end
 * what      where it does not: the line, and what is wrong with it, is appended
 * ret_count  how many lines keep to it
 */
bool zap_narration_keeps_order(const char *said, zap_profile profile, struct zap_str *what,
                               uint32_t *ret_count);

#endif
