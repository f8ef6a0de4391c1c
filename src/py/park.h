/* Things held elsewhere than in the plan's modules, and what an interpreter is like when it ends.
 */
#ifndef ZAP_PY_PARK_H
#define ZAP_PY_PARK_H

#include "py/session.h"

/* Has this build all places that the plan holds things in? */
bool zap_park_has_all(const struct zap_plan *plan);

/* Hold what the plan at work says, in its order. made: the plan's objects by number, borrowed.
 * Returns 0, or -1 with a Python exception set. */
int zap_park_all(PyObject *const *made);

/* Have a search function in the registry of codecs that holds a thing. Returns 0, or -1 with a
 * Python exception set. */
int zap_park_in_codecs(PyObject *thing);

/* Make the plan's settings so. Returns 0, or -1 with a Python exception set. */
int zap_park_settings(void);

#endif
