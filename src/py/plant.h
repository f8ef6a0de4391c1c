/* Planted bugs: a worker built with ZAP_PLANT can misbehave on purpose, to prove that it is caught.
 *
 * In every other build zap_planted(id) is a constant false, and nothing of this is compiled in: ask
 * it in the condition itself, from which every compiler, at every level, takes what cannot be
 * called out.
 */
#ifndef ZAP_PY_PLANT_H
#define ZAP_PY_PLANT_H

#include "py/session.h"

enum zap_plant {
    ZAP_PLANT_NONE,
#define ZAP_PLANT_ROW(id, token, text, caught_by, feature, finder) ZAP_PLANT_##id,
#include "py/plant.def"
#undef ZAP_PLANT_ROW
};

#ifdef ZAP_PLANT
#define ZAP_PLANTED_BUILD 1
/* Is this a bug that the environment asks for (PYZAP_PLANT=token,...)? */
bool zap_planted(enum zap_plant plant);

/* Read the environment. An unknown token ends the worker, with a line that names the known ones. */
void zap_plant_init(void);

/* How many references to a value in a namespace are the plant's own. */
uint32_t zap_plant_hidden_refs(void);
#else
#define ZAP_PLANTED_BUILD       0
#define zap_planted(plant)      false
#define zap_plant_hidden_refs() 0u
#endif

/* Each does its bug's part, and whatever else the real thing does. Called only when planted. */
void zap_plant_wipe(PyObject *module, bool is_second);       /* for _PyModule_Clear */
PyObject *zap_plant_reload(PyObject *module);                /* for PyImport_ReloadModule */
bool zap_plant_before_del(PyObject *self, bool by_refcount); /* true: do not call __del__ */
void zap_plant_after_del(PyObject *self, bool has_grown);
PyObject *zap_plant_hold_values(PyObject *dict); /* a list, to be given to the next */
void zap_plant_drop_backwards(PyObject *values);
void zap_plant_before_collect(void);
void zap_plant_zap(PyObject *module, PyObject *dict);
void zap_plant_unbind_all(PyObject *dict);

#endif
