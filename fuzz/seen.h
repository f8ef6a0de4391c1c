/* What a campaign has found already, in a file that all of its processes share.
 *
 * A finding that one plan in ten shows would end the process at every tenth plan and hide all that
 * is rarer, and each end costs an engine a new start. So each traps ZAP_SEEN_MAX times, for the
 * sake of small examples, and goes by from then on. A signature is what broke, not where: see
 * fuzz.c. */
#ifndef ZAP_FUZZ_SEEN_H
#define ZAP_FUZZ_SEEN_H

#include "proto/proto.h"

enum { ZAP_SEEN_MAX = 8 };

/* Map the file that PYZAP_FUZZ_SEEN names, of ZAP_SEEN_SIZE bytes. Where it is not set nothing has
 * ever been seen. Where it names no such file: one line on stderr, and the process ends with
 * status 2. */
void zap_seen_start(void);

/* Count a signature once more. Returns whether it had been counted ZAP_SEEN_MAX times before. Any
 * number of processes may do this at the same time. */
bool zap_seen_enough(uint64_t signature);

#endif
