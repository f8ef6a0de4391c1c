/* Building a plan from its own Python source, to hold the builder in C against it. */
#ifndef ZAP_PY_SOURCE_H
#define ZAP_PY_SOURCE_H

#include "py/session.h"

/* Execute the sections of plan/source.h of the plan at work, whose modules exist. For route
 * failed-import they end with z.begin() and the exception. Returns 0, or -1 with an exception set.
 */
int zap_source_contents(void);

/* Execute what the first module's code does again. dict: borrowed. Returns 0 or -1. */
int zap_source_again(PyObject *dict);

/* z.begin(): the plan is built; drop what only the building needed. */
void zap_source_built(void);

#endif
