/* Breaks no rule: constants, tables of pointers and the C library's string functions are fine. */
#include "base/good.h"

#include <string.h>

static const char *const names[] = {"one", "two"};

size_t zap_good_len(unsigned n)
{
    return n < 2 ? strlen(names[n]) : 0;
}
