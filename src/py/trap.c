/* Keys that take themselves out of a namespace while the clearing of it hashes them.
 *
 * The class has a __hash__ in Python, which calls zap_trap_spring. Two of its slots are hooked:
 * tp_hash, so that Python runs only where a key springs, and not for a script or an observer that
 * hashes one; and tp_dealloc.
 *
 * A key whose last reference is gone by the time its __hash__ returns is one that the interpreter
 * goes on with all the same. That is recorded there and then. What the interpreter does with it
 * next must not depend on what a freed block happens to hold: such a key is not deallocated but
 * kept as it is, with references to spare, until the plan is over.
 */
#include "py/trap.h"

#include "py/observe.h"
#include "py/run.h"

enum { REFS_TO_SPARE = 1 << 20 };

static PyTypeObject *trap; /* borrowed: z has it */
static hashfunc slot_hash;
static destructor slot_dealloc;

static PyObject *wiped_dict(void)
{
    return zap_session.spaces[zap_session.wiping].dict;
}

bool zap_trap_springs(PyObject *key)
{
    const struct zap_session *s = &zap_session;
    if (Py_TYPE(key) != trap || !s->active || s->wiping == ZAP_NO_MODULE ||
        s->by != ZAP_BY_INTERPRETER || s->hashed_key != NULL || wiped_dict() == NULL)
        return false;
    PyObject *other, *value;
    Py_ssize_t place = 0;
    while (PyDict_Next(wiped_dict(), &place, &other, &value))
        if (other == key)
            return true;
    return false;
}

static void record(enum zap_event_code kind, PyObject *key)
{
    struct zap_event *event = zap_record(kind);
    event->module = zap_session.wiping;
    event->name = zap_observe_name(key);
}

void zap_trap_spring(PyObject *key)
{
    struct zap_session *s = &zap_session;
    if (key != s->hashed_key || zap_run_avoids(ZAP_FEATURE_FREED_KEY))
        return;
    record(ZAP_EVENT_TRAP, key);
    s->by = ZAP_BY_KEY;
    if (PyDict_DelItem(wiped_dict(), key) < 0)
        PyErr_Clear();
    s->by = ZAP_BY_INTERPRETER;
}

static zap_py_hash hook_hash(PyObject *self)
{
    struct zap_session *s = &zap_session;
    if (!zap_trap_springs(self))
        return zap_py_native_type.tp_hash(self);
    uint32_t dead_before = s->dead_keys_count;
    s->hashed_key = self;
    zap_py_hash hash = slot_hash(self);
    if (s->dead_keys_count > dead_before)
        record(ZAP_EVENT_DEAD_KEY, self);
    /* What called this is about to set the name; on a version without the dict watcher it was
     * announced to nobody, because what it would find was not yet known. */
    zap_observe_none(s->wiping, self);
    s->hashed_key = NULL;
    return hash;
}

static void hook_dealloc(PyObject *self);

static void dealloc(PyObject *key)
{
    PyTypeObject *type =
        Py_TYPE(key); /* not always `trap`: an interpreter that has ended had its own */
    Py_INCREF(type);
    type->tp_dealloc = slot_dealloc; /* it looks for a base class that has another one */
    slot_dealloc(key);
    type->tp_dealloc = hook_dealloc;
    Py_DECREF(type);
}

static void hook_dealloc(PyObject *self)
{
    struct zap_session *s = &zap_session;
    if (self != s->hashed_key) {
        dealloc(self);
        return;
    }
    Py_SET_REFCNT(self, REFS_TO_SPARE);
    if (s->dead_keys_count < ZAP_DEAD_KEYS_MAX)
        s->dead_keys[s->dead_keys_count] = self; /* else it is never freed */
    s->dead_keys_count++;
}

void zap_trap_release(void)
{
    struct zap_session *s = &zap_session;
    for (uint32_t i = 0; i < s->dead_keys_count && i < ZAP_DEAD_KEYS_MAX; i++) {
        Py_SET_REFCNT(s->dead_keys[i], 0);
        dealloc(s->dead_keys[i]);
    }
    s->dead_keys_count = 0;
}

void zap_trap_class(PyTypeObject *type)
{
    trap = type;
    slot_hash = type->tp_hash;
    slot_dealloc = type->tp_dealloc;
    type->tp_hash = hook_hash;
    type->tp_dealloc = hook_dealloc;
}
