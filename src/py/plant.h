/* Planted bugs: a worker built with ZAP_PLANT can misbehave on purpose, to prove that it is caught. */
#ifndef ZAP_PY_PLANT_H
#define ZAP_PY_PLANT_H

#include "py/session.h"

/* The planted function in a planted build, the real one in every other. */
#ifdef ZAP_PLANT
#define ZAP_PLANTABLE(planted, real) planted
#else
#define ZAP_PLANTABLE(planted, real) real
#endif

#ifdef ZAP_PLANT
enum zap_plant {
    ZAP_PLANT_NONE,
#define ZAP_PLANT_ROW(id, token, text, caught_by) ZAP_PLANT_##id,
#include "py/plant.def"
#undef ZAP_PLANT_ROW
};

/* The bug chosen by the environment (PYZAP_PLANT=token). An unknown token ends the worker, with a line
 * that names the known ones. */
enum zap_plant zap_plant_init(void);

void zap_plant_wipe(PyObject *module);                /* for _PyModule_Clear */
PyObject *zap_plant_reload(PyObject *module);         /* for PyImport_ReloadModule */
void zap_plant_finalize(PyObject *self);              /* for the class's finalizer slot */
void zap_plant_module_dealloc(PyObject *self);        /* for module_dealloc */
int zap_plant_dict_clear(PyObject *self);             /* for dict's tp_clear */
PyObject *zap_plant_collect(void);                    /* for gc.collect() */
#endif

#endif
