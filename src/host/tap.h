/* Replays as TAP version 13, the Test Anything Protocol. */
#ifndef ZAP_HOST_TAP_H
#define ZAP_HOST_TAP_H

#include "host/replay.h"

#include <stdio.h>

/* The version and the plan: so many points follow. */
void zap_tap_begin(size_t count, FILE *out);

/* One test point. `ok` for what is as expected and no finding; a known finding is `not ok` with the
 * directive that keeps it from counting; all else that is not fine is `not ok` without one. */
void zap_tap_point(const struct zap_replay_point *point, FILE *out);

#endif
