/* gc.freeze(), and the same for versions that have it not.
 *
 * A full collection walks through all objects there are, and an interpreter has some ten thousand
 * before the first plan. From 3.7 on gc.freeze() moves them to a list of their own. Before, the
 * lists of the three generations are an array whose first member is exported (_PyGC_generation0),
 * so the same can be done from here: after a full collection everything is in the oldest
 * generation, whose members are linked into our list instead. Objects leave that list when they are
 * untracked, as they leave any other.
 */
#include "py/freeze.h"

#if ZAP_HAS_FREEZE

void zap_freeze(void)
{
    PyObject *result = PyObject_CallObject(zap_session.gc_freeze, NULL);
    Py_XDECREF(result);
    PyErr_Clear();
}

#else

/* Modules/gcmodule.c, the same from 2.7 to 3.6. */
struct generation {
    PyGC_Head head;
    int threshold;
    int count;
};

static PyGC_Head frozen = {{&frozen, &frozen, 0}};

void zap_freeze(void)
{
    PyGC_Head *oldest = &((struct generation *)_PyGC_generation0)[2].head;
    if (oldest->gc.gc_next == oldest)
        return;
    PyGC_Head *first = oldest->gc.gc_next, *last = oldest->gc.gc_prev, *tail = frozen.gc.gc_prev;
    tail->gc.gc_next = first;
    first->gc.gc_prev = tail;
    last->gc.gc_next = &frozen;
    frozen.gc.gc_prev = last;
    oldest->gc.gc_next = oldest->gc.gc_prev = oldest;
}

#endif
