/* How modules go: one function per row of route.def. */
#ifndef ZAP_PY_ROUTE_H
#define ZAP_PY_ROUTE_H

#include "py/session.h"

/* Make the modules of the plan at work, as the plan's route wants them made. For failed-import this
 * is the route already. Returns 0, or -1 with a Python exception set. */
int zap_route_build(void);

/* Take the route. GIL held, no exception set; never fails: what goes wrong is in the trace. */
void zap_route_take(void);

/* Bit per route code that this worker has. */
uint32_t zap_route_bits(void);

#endif
