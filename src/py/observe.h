/* What sees a teardown happen, without taking part in it. */
#ifndef ZAP_PY_OBSERVE_H
#define ZAP_PY_OBSERVE_H

#include "py/session.h"

/* Install the observers for the life of the process: after Py_Initialize, GIL held.
 *
 * Returns the observers that this build has (ZAP_SEES_*), or -1 with a Python exception set.
 */
int zap_observe_install(void);

/* The name code of a key, or ZAP_NAME_NO; no Python code, no new objects. key: borrowed. */
uint8_t zap_observe_name(PyObject *key);

/* From now on events about this namespace are recorded (while a route is at work). */
void zap_observe_space(struct zap_space *space);

/* The same for what becomes of entries of sys.modules while an interpreter ends. */
void zap_observe_modules(void);

/* Route a class's finalizer and its memory through the observers. type: a heap type whose __del__
 * is set; the change stays for the type's life. */
void zap_observe_class(PyTypeObject *type);

/* Before the route: remember the layout of a namespace, and record ENTRY and BEFORE events. */
void zap_observe_before(int space);

/* A script has made this object. What was __builtins__ before the route is another one, even if
 * that is gone and this one is where it was. */
void zap_observe_made(const PyObject *object);

/* After the route: record AFTER for a namespace that is still there. */
void zap_observe_after(int space);

/* Write the state of a namespace (bound, none, size, flags) into an event; no Python code, no new
 * objects. space: an index, or ZAP_NO_MODULE. Where the dict is gone: ZAP_FLAG_NO_STATE. */
void zap_observe_state(uint8_t space, struct zap_event *event);
void zap_observe_dict(const struct zap_space *space, PyObject *dict, struct zap_event *event);

/* The clearing of a namespace begins (route wipe, or module dealloc before 3.4). */
void zap_observe_pass_reset(struct zap_space *space);

/* A key of this namespace was hashed by what is about to set it to None, and no watcher will say
 * so: record that. Does nothing on versions that have the dict watcher. */
void zap_observe_none(int space, PyObject *key);

/* An exception that nobody can catch was reported. */
void zap_observe_unraisable(void);

#endif
