/* C nodes: objects of a C type that the collector does not track and whose deallocation is
 * recorded. */
#ifndef ZAP_PY_CNODE_H
#define ZAP_PY_CNODE_H

#include "py/session.h"

/* Make the type ready. Returns 0, or -1 with a Python exception set. */
int zap_cnode_init(void);

/* A new reference, or NULL with a Python exception set. number: of the object in the plan. */
PyObject *zap_cnode_new(uint8_t number);

#endif
