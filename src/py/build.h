/* Making a plan's modules and objects. */
#ifndef ZAP_PY_BUILD_H
#define ZAP_PY_BUILD_H

#include "py/session.h"

/* Keys, classes and code that every plan shares. After zap_api_init. Returns 0, or -1 with a Python
 * exception set. */
int zap_build_init(void);

/* Make the code of a plan's scripts, which ends an interpreter in a process that is forked from
 * this one: here it serves all that are forked later. What cannot be made is made there, or fails
 * there. */
void zap_build_warm(const struct zap_plan *plan);

/* Set zap_session.module_names for the plan at work. Returns 0, or -1 with a Python exception set.
 */
int zap_build_names(void);

/* Make module `number` of the plan at work and list it in sys.modules; zap_session.modules[number]
 * owns a reference. Returns 0 or -1. */
int zap_build_module(unsigned number);

/* Take a module that the import system made as module `number`: its namespace gets __builtins__ and
 * is watched. module: borrowed. Returns 0 or -1. */
int zap_build_adopt(unsigned number, PyObject *module);

/* Make the plan's classes, objects and links, and bind the globals of all modules, which exist.
 * What is made belongs to the modules alone afterwards. Returns 0 or -1. */
int zap_build_contents(void);

/* What the first module's code does when it runs again. dict: borrowed. Returns 0 or -1. */
int zap_build_again(PyObject *dict);

/* A class for nodes with this __del__ and method (poke may be NULL), under observation; new
 * reference or NULL. Used where a plan is built from its source. */
PyObject *zap_build_class(PyObject *name, PyObject *del, PyObject *poke);

/* Where an instance of a node's class keeps its script (owned, a tuple of functions). */
PyObject **zap_build_script_at(PyObject *node);

#endif
