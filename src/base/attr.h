/* The compiler extensions we use, all of them, in one place. */
#ifndef ZAP_BASE_ATTR_H
#define ZAP_BASE_ATTR_H

#define ZAP_NORETURN           __attribute__((noreturn))
#define ZAP_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define ZAP_WEAK               __attribute__((weak)) /* may be missing: then NULL */
#define ZAP_LIKELY(x)          __builtin_expect(!!(x), 1)
#define ZAP_UNLIKELY(x)        __builtin_expect(!!(x), 0)

#endif
