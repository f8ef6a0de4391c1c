/* Failed checks: one line on stderr, then a trap that a debugger, a fuzzer and the host all see. */
#include "base/check.h"

#include <stdio.h>

void zap_check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "pyzap: %s:%d: check failed: %s\n", file, line, what);
    fflush(stderr);
    __builtin_trap();
}

void zap_check_cmp_failed(const char *file, int line, const char *what, long long a, long long b)
{
    fprintf(stderr, "pyzap: %s:%d: check failed: %s (%lld and %lld)\n", file, line, what, a, b);
    fflush(stderr);
    __builtin_trap();
}
