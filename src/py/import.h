/* Modules that the import system makes: routes reload and failed-import, and plans built from
 * source. */
#ifndef ZAP_PY_IMPORT_H
#define ZAP_PY_IMPORT_H

#include "py/session.h"

/* Put our finder on sys.meta_path. Returns 0, or -1 with a Python exception set. */
int zap_import_init(void);

/* Import module 0 of the plan at work through the import system. When the plan's route is
 * failed-import, its code raises z.Error at its end. Returns a new reference, or NULL with the
 * exception that came out. */
PyObject *zap_import_first(void);

/* Called by the finder: is this name ours to import now? name: borrowed. */
bool zap_import_is_plan(PyObject *name);

/* Called by the loader, as the module's code: builds the plan the first time, does what the code
 * does again the second time. module: borrowed. Returns 0 or -1. */
int zap_import_body(PyObject *module);

#endif
