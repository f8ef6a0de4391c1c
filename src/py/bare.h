/* The bare loop: what plans of ZAP_SHAPE_BENCH cost without pyzap. */
#ifndef ZAP_PY_BARE_H
#define ZAP_PY_BARE_H

#include "py/session.h"

/* Make and tear down a module of 8 nodes, again and again, as plain C would.
 *
 * route    drop, collect or wipe
 * count    rounds; ends earlier when shared->stop is set
 * Returns  rounds done: none where this worker has not that route, or where taking it does not free
 * what the loop makes (collect before 3.4; drop and wipe where free-threaded)
 */
uint64_t zap_bare_run(unsigned route, uint64_t count);

#endif
