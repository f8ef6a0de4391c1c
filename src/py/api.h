/* `z`: the module that scripts and generated sections see. What its functions mean is the same in a
 * worker (here) and in a stand-alone script (plan/prelude.py). */
#ifndef ZAP_PY_API_H
#define ZAP_PY_API_H

#include "py/session.h"

/* Make zap_session.z and what belongs to it. Returns 0, or -1 with a Python exception set. */
int zap_api_init(void);

/* The callback object of weak reference `number`; new reference or NULL with an exception. */
PyObject *zap_api_callback(uint8_t number);

/* An int that no plan has; new reference or NULL with an exception. */
PyObject *zap_api_fresh(void);

/* A full collection, recorded; by: see struct zap_event. Never fails: an error is unraisable. */
void zap_api_collect(uint8_t by);

/* Append a weak reference with callback `number` to the list outside. Returns 0 or -1. */
int zap_api_watch(PyObject *target, uint8_t number);

/* 60 tuples around each other, `inner` in the innermost; new reference or NULL. */
PyObject *zap_api_nest(PyObject *inner);

/* Register a class made for nodes, of source form: name, its __del__ and its method poke. */
PyObject *zap_api_class(PyObject *name, PyObject *del, PyObject *poke);

#endif
