/* The interpreter inside this worker. */
#ifndef ZAP_PY_INTERP_H
#define ZAP_PY_INTERP_H

#include "py/session.h"

/* Start it, isolated from the user's environment, and prepare the session: observers, z, what plans
 * share; automatic collection off, heap collected and frozen. zap_session.shared and .trace are set
 * before. Fills in trace->build. Returns 0; on failure prints why on stderr and returns -1. */
int zap_interp_start(void);

/* The same once more, when the first one has ended. Returns 0, or -1. */
int zap_interp_restart(void);

/* In a new subinterpreter, the current one: make all again that the session needs. What it was for
 * the main interpreter is forgotten. Returns 0, or -1, perhaps with a Python exception set. */
int zap_interp_prepare(void);

#endif
