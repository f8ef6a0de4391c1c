/* The probe type: no Python, no cycle, so that its death is exactly the moment when its last
 * reference went, in every phase of every path. */
#include "py/cnode.h"

#include "py/batch.h"
#include "py/end.h"
#include "py/observe.h"

struct cnode {
    PyObject_HEAD uint8_t number;
    uint8_t run; /* whose */
};

static void cnode_dealloc(PyObject *self)
{
    uint8_t number = ((struct cnode *)self)->number;
    if (number >= ZAP_NODES_MAX) {
        zap_end_meets(number);
    } else {
        unsigned before = zap_batch_enter(((struct cnode *)self)->run);
        struct zap_event *event = zap_record(ZAP_EVENT_CNODE);
        event->node = number;
        event->module = zap_session.node_space[number];
        zap_observe_state(event->module, event);
        zap_batch_leave(before);
    }
    PyObject_Del(self);
}

static PyTypeObject cnode_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "pyzap.cnode",
    .tp_basicsize = sizeof(struct cnode),
    .tp_dealloc = cnode_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

int zap_cnode_init(void)
{
    return PyType_Ready(&cnode_type);
}

PyObject *zap_cnode_new(uint8_t number)
{
    struct cnode *node = PyObject_New(struct cnode, &cnode_type);
    if (node == NULL)
        return NULL;
    node->number = number;
    node->run = (uint8_t)zap_session.run;
    return (PyObject *)node;
}

uint8_t zap_cnode_of(PyObject *obj)
{
    return Py_TYPE(obj) == &cnode_type ? ((struct cnode *)obj)->number : ZAP_NO_NODE;
}
