/* Names for program counters. One memory of them for the whole process: not for several threads. */
#ifndef ZAP_HOST_SYMBOLS_H
#define ZAP_HOST_SYMBOLS_H

#include "host/stack.h"
#include "proto/proto.h"

/* The stack of a worker that is gone, from what its handler wrote.
 *
 * crash      anything may stand in it
 * ret_stack  as far as it is known
 */
void zap_symbols_stack(const struct zap_crash *crash, struct zap_stack *ret_stack);

/* Forget all names, and close the files that they came from. Fine at any time. */
void zap_symbols_release(void);

#endif
