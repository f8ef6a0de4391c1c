/* The ways in which a worker can fail, on demand, through the same doors as the real ones: a real
 * bad access in CPython's own code, CPython's own fatal error, a real exit, a loop without end,
 * memory that is really touched, and a namespace that is really changed behind the interpreter's
 * back. */
#include "py/canary.h"

#include "py/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void grow_for_ever(void)
{
    enum { STEP = 1 << 20 };
    for (;;) {
        char *block = malloc(STEP);
        if (block == NULL)
            abort();
        memset(block, 1, STEP);
        (void)*(volatile char *)block; /* or clang does neither */
    }
}

/* One global that is there and gone, or gone and there, without anything having done it. */
static void break_invariant(struct zap_judgement *ret_judgement)
{
    struct zap_plan plan;
    zap_plan_init(&plan);
    plan.route = ZAP_ROUTE_DROP;
    plan.modules[0].held = 1;
    plan.modules[0].globals_count = 1;
    plan.modules[0].globals[0] = (struct zap_global){.name = ZAP_NAME_A, .object = 0};
    plan.objects_count = 1;
    plan.objects[0].kind = ZAP_VALUE_INT;
    zap_plan_normalize(&plan);
    zap_run_plan(&plan, 0, ret_judgement);
    struct zap_trace *trace = zap_session.trace;
    for (uint32_t i = 0; i < trace->events_count; i++)
        if (trace->events[i].kind == ZAP_EVENT_AFTER)
            trace->events[i].bound ^= UINT64_C(1) << ZAP_NAME_A;
    zap_judge(&plan, trace, ret_judgement);
}

/* An object whose type is nowhere. */
static void touch_nowhere(void)
{
    static PyObject object;
    volatile uintptr_t nowhere = 64; /* UBSan would see 0, and the compiler a constant */
    object.ob_type = (PyTypeObject *)nowhere;
    PyObject *text = PyObject_Repr(&object);
    Py_XDECREF(text);
}

void zap_canary_sing(enum zap_canary canary, struct zap_judgement *ret_judgement)
{
    atomic_store(&zap_session.shared->phase, ZAP_PHASE_CANARY);
    switch (canary) {
    case ZAP_CANARY_SEGV:
        touch_nowhere();
        break;
    case ZAP_CANARY_ABORT:
        Py_FatalError("a canary's fatal error");
        break;
    case ZAP_CANARY_EXIT:
        _exit(0);
    case ZAP_CANARY_HANG:
        for (;;)
            pause();
    case ZAP_CANARY_MEMORY:
        grow_for_ever();
        break;
    case ZAP_CANARY_BROKEN:
        break_invariant(ret_judgement);
        return;
    case ZAP_CANARY_END:
        break;
    }
    ZAP_CHECK(!"a canary came back");
}
