/* The last words of a process that a signal ends: where it was. Needs no Python.h. */
#ifndef ZAP_PY_CRASH_H
#define ZAP_PY_CRASH_H

#include "proto/proto.h"

/* From now on, a signal that ends the process by a fault or an abort() is told in the block first.
 * The process ends by the same signal as it would without; children that it forks do the same.
 * Signals that somebody handles already (a sanitizer that was told to) are left alone.
 *
 * crash  in memory that outlives the process; borrowed for its life
 */
void zap_crash_install(struct zap_crash *crash);

#endif
