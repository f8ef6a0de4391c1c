/* Programming errors: always checked, in release builds too, because fuzzing happens there.
 *
 * ZAP_CHECK(cond) and ZAP_CHECK_CMP(a, op, b) print what was checked (the second with both
 * operands) and trap. They are for what cannot happen; what can is an enum zap_status.
 */
#ifndef ZAP_BASE_CHECK_H
#define ZAP_BASE_CHECK_H

#include "base/attr.h"

/* Print one line about a failed check on stderr, then trap. */
ZAP_NORETURN void zap_check_failed(const char *file, int line, const char *what);
ZAP_NORETURN void zap_check_cmp_failed(const char *file, int line, const char *what, long long a,
                                       long long b);

#define ZAP_CHECK(cond) ((cond) ? (void)0 : zap_check_failed(__FILE__, __LINE__, #cond))
#define ZAP_CHECK_CMP(a, op, b)                                                                    \
    (((a)op(b)) ? (void)0                                                                          \
                : zap_check_cmp_failed(__FILE__, __LINE__, #a " " #op " " #b, (long long)(a),      \
                                       (long long)(b)))

#endif
