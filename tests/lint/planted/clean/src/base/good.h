/* How long the names of numbers are. */
#ifndef ZAP_BASE_GOOD_H
#define ZAP_BASE_GOOD_H

#include <stddef.h>

/* Returns the length of n's name, 0 where it has none. */
size_t zap_good_len(unsigned n);

#endif
