/* The one struct of mutable state of a worker. CPython's callbacks carry no user data on every
 * version, so it is a global; everything in src/py reads and writes it.
 *
 * A worker runs one plan at a time. `active` is set from the moment when the route begins until it
 * is over; scripts do nothing and observers record nothing at other times. Pointers to a plan's own
 * objects are borrowed, for identity only, and are forgotten by the observer that sees them go: a
 * strong reference would keep alive what the plan wants dead.
 */
#ifndef ZAP_PY_SESSION_H
#define ZAP_PY_SESSION_H

#include "py/compat.h"

#include "base/attr.h"
#include "base/check.h"
#include "proto/proto.h"

enum {
    ZAP_SCRIPT_RUNS_MAX = 4, /* how often one node's script runs: 2.7 finalizes again and again */
    ZAP_ORDER_MAX = 64,      /* namespace entries whose place is remembered */
    ZAP_DEAD_KEYS_MAX = 64,
    /* So many instances, each made by the __del__ of the one before, and there is no end to it.
     * What ends does so far earlier. Where each dies within the __del__ of the one before, the
     * recursion limit ends it (1000 calls; from 3.13 on). In a wipe of 2.7 each new name is as
     * likely to land behind the loop, which ends it, as ahead: ten for each __del__ that can begin
     * such a row are more than any plan needs. */
    ZAP_AGAIN_MAX = 2048,
    ZAP_AGAIN_SHORT = 16,      /* with ZAP_RUN_SHORT */
    ZAP_BATCH_MAX = ZAP_BLOCK, /* plans that share the end of an interpreter */
};
_Static_assert(ZAP_AGAIN_MAX > 1000, "more than sys.getrecursionlimit()");
_Static_assert((int)ZAP_AGAIN_MAX > ZAP_OBJECTS_MAX * ZAP_SCRIPT_RUNS_MAX * 10, "ten for each");
_Static_assert((int)ZAP_AGAIN_MAX > ZAP_NODES_MAX, "it is long without numbers by then");

/* The namespace of one module of the plan. */
struct zap_space {
    PyObject *dict;     /* borrowed; NULL once its deallocation has begun */
    PyObject *module;   /* borrowed; NULL once its deallocation has begun */
    PyObject *builtins; /* borrowed, identity only: '__builtins__' as it was before the route */
    uint8_t object_of[ZAP_NAME_END]; /* name code -> object bound to it by the module's own code */
    /* The keys in dict order when the route began, for identity: makes reading a namespace fast,
     * and tells whether the order is still the same. */
    uint32_t order_count;
    PyObject *order[ZAP_ORDER_MAX]; /* borrowed, identity only */
    uint8_t order_name[ZAP_ORDER_MAX];
    bool was_wiped;        /* by the end of an interpreter */
    bool saw_pass_two;     /* the clearing at work is in its second pass */
    Py_ssize_t last_place; /* of the last name that its first pass has set, as PyDict_Next has it */
};

/* What belongs to the plan at work comes first, up to `shared`: where several plans share the end
 * of an interpreter, that part is exchanged (py/batch.h). */
struct zap_session {
    struct zap_trace *trace;
    const struct zap_plan *plan; /* the plan at work */
    struct zap_plan_index index;
    unsigned run; /* its number among those that share an end */

    uint32_t flags; /* ZAP_RUN_* of the plan at work */
    /* What this build is known not to survive and the plan at work led to, which was not done
     * therefore; ZAP_FEATURE_COUNT: nothing. */
    enum zap_feature_code known;
    bool active;          /* a route is at work */
    bool ends;            /* ... that ends an interpreter */
    uint8_t phases;       /* bit per enum zap_end_phase that was recorded */
    uint8_t by;           /* who acts: a node number, ZAP_BY_INTERPRETER or ZAP_BY_ROUTE */
    uint8_t gc_clears;    /* depth of tp_clear calls of watched dicts */
    uint8_t wiping;       /* the module that the route is wiping, or ZAP_NO_MODULE */
    PyObject *dead_dict;  /* owned: the dict of that module, kept from dying */
    PyObject *hashed_key; /* trap.c: whose __hash__ is at work; borrowed */
    uint32_t dead_keys_count;
    PyObject *dead_keys[ZAP_DEAD_KEYS_MAX]; /* trap.c: without references, but still there */
    uint8_t spaces_count;
    struct zap_space spaces[ZAP_MODULES_MAX];
    PyObject *module_names[ZAP_MODULES_MAX]; /* borrowed: names[run] */

    /* Nodes of the plan by number (other kinds: NULL), then those that scripts make. A C node knows
     * its own number and is not here. */
    uint32_t nodes_count;
    uint32_t node_hint; /* the node found last: it is asked for several times in a row */
    PyObject *nodes[ZAP_NODES_MAX];    /* borrowed */
    uint8_t node_space[ZAP_NODES_MAX]; /* whose namespace its state is, or ZAP_NO_MODULE */
    uint8_t node_runs[ZAP_NODES_MAX];
    bool node_again[ZAP_NODES_MAX]; /* made by `again`, to do what its maker does */
    bool has_again;                 /* the plan has such an act: nodes without a number are its */
    bool made_again;                /* the __del__ at work has made its one */
    uint32_t again_depth;           /* their __del__ calls at work */
    bool again_is_nested; /* was one ever in another's? Since the same moment as the next */
    uint32_t again_count; /* made since one of the plan's own nodes made one */
    uint32_t again_names; /* bound */
    uint64_t only_looks;  /* objects whose script does nothing but look */
    long fresh;           /* next z.fresh() */

    /* Owned references of the plan at work. */
    PyObject *modules[ZAP_MODULES_MAX];
    PyObject *held[ZAP_MODULES_MAX]; /* dicts */

    struct zap_shared *shared;
    zap_profile profile;
    /* Called when a route begins, and when an interpreter has ended; NULL: nobody wants to know. */
    void (*on_route)(void), (*on_end_in_child)(void), (*on_end_in_parent)(void);

    /* For the life of the process; all owned. */
    PyObject *z;          /* the module that scripts see */
    PyObject *z_defaults; /* (z,) */
    PyObject *outside;    /* list: z.outside */
    PyObject *missing;    /* z.missing */
    PyObject *error;      /* z.Error */
    PyObject *keys[ZAP_NAME_END];
    PyObject *names[ZAP_BATCH_MAX][ZAP_MODULES_MAX]; /* of modules: m0, m1, ...; made on demand */
    PyObject *new_module;
    PyObject *sys_modules; /* while an interpreter ends: borrowed, NULL when it is gone */
    PyObject *sys_dict;
    PyObject *builtins;               /* dict */
    PyObject *gc_collect, *gc_freeze; /* freeze may be NULL */
    PyObject *gc_garbage;             /* list */
    PyObject *empty_tuple;
    PyObject *elsewhere_dict; /* globals of what is defined elsewhere */
    PyTypeObject *elsewhere;  /* the class of nodes of ZAP_ELSEWHERE */
    bool is_dirty;            /* garbage of earlier plans is waiting for a collection */
    bool cache_grew;          /* code was made that the collector should never look at again */
    uint32_t plans_since_collection;
};

extern struct zap_session zap_session;

/* Record how far the end of an interpreter has got since the last event (py/end.c). */
void zap_end_look(void);

/* Record an event of the plan at work. The caller fills in the rest; where nothing may be recorded
 * (no route at work, trace full) what it fills in goes nowhere. */
static inline struct zap_event *zap_record(enum zap_event_code kind)
{
    static struct zap_event nowhere;
    struct zap_trace *trace = zap_session.trace;
    struct zap_event *event = &nowhere;
    if (ZAP_LIKELY(zap_session.active)) {
        if (ZAP_UNLIKELY(zap_session.ends))
            zap_end_look();
        if (ZAP_LIKELY(trace->events_count < ZAP_EVENTS_MAX))
            event = &trace->events[trace->events_count++];
        else
            trace->is_cut = 1;
    }
    *event =
        (struct zap_event){.kind = (uint8_t)kind, .module = ZAP_NO_MODULE, .node = ZAP_NO_NODE};
    return event;
}

/* Which space has this dict? -1: none. */
static inline int zap_space_of(const PyObject *dict)
{
    for (int i = 0; i < zap_session.spaces_count; i++)
        if (zap_session.spaces[i].dict == dict)
            return i;
    return -1;
}

/* The number of a node of an own or foreign class, or ZAP_NO_NODE; identity only. */
uint8_t zap_node_of(PyObject *obj);

/* The number of a C node (cnode.c), or ZAP_NO_NODE. */
uint8_t zap_cnode_of(PyObject *obj);

#endif
