/* Keys that take themselves out of a namespace while the clearing of it hashes them: z.trap. */
#ifndef ZAP_PY_TRAP_H
#define ZAP_PY_TRAP_H

#include "py/session.h"

/* Watch a class of such keys. type: its __hash__ is Python; the change stays for its life. */
void zap_trap_class(PyTypeObject *type);

/* Is this key about to take itself out, if it is hashed now? Only in a wipe, by the interpreter,
 * and where the namespace being wiped holds this very object: not when a script or an observer
 * looks. */
bool zap_trap_springs(PyObject *key);

/* From its __hash__, borrowed: take it out. */
void zap_trap_spring(PyObject *key);

/* The plan is over, and its namespaces are empty: keys that died too early may now be freed. */
void zap_trap_release(void);

#endif
