/* A trace: what happened in one run, as data. Made by a worker, read by judges, printable,
 * comparable. */
#ifndef ZAP_ORACLE_TRACE_H
#define ZAP_ORACLE_TRACE_H

#include "base/str.h"
#include "plan/plan.h"

enum zap_event_code {
#define ZAP_EVENT(code, id, token, fields, info, flag, text) ZAP_EVENT_##id = code,
#include "oracle/event.def"
#undef ZAP_EVENT
    ZAP_EVENT_END = 64,
};

enum {
    ZAP_EVENTS_MAX = 4096,
    ZAP_NO_NODE = 0xff,   /* event.node: no node, or not one of ours */
    ZAP_NODES_MAX = 0xf0, /* node numbers: the plan's objects, then what scripts made */
    ZAP_NO_MODULE = 0xff, /* event.module: no module of the plan */
};

/* event.flags */
enum {
    ZAP_FLAG_BUILTINS = 1, /* B: state: '__builtins__' is a key */
    ZAP_FLAG_SAME = 2, /* S: state: ... and its value is the object that it was before the route */
    ZAP_FLAG_X = 4,    /* X: see event.def */
    ZAP_FLAG_NO_STATE =
        8, /* the namespace is gone, or there is none: bound, none, B and S are empty */
};

/* event.how: what made it happen */
enum zap_how {
    ZAP_HOW_REFCOUNT, /* the last reference went */
    ZAP_HOW_GC,       /* the collector, before it clears anything */
    ZAP_HOW_GC_CLEAR, /* a consequence of the collector's tp_clear phase */
    ZAP_HOW_CALL,     /* a call from a script or from the route */
};

/* event.value: a name as a look finds it, and an entry's value */
enum zap_seen { ZAP_SEEN_MISSING, ZAP_SEEN_NONE, ZAP_SEEN_BOUND };

/* PHASE: how far the end of an interpreter has got, by what can be seen in it from anywhere
 * (Python/pylifecycle.c:finalize_modules; Python/import.c:PyImport_Cleanup before 3.10). The order
 * is that of 3.4 and newer; 2.7 empties sys.modules last, and has no REMOVING. */
enum zap_end_phase {
    ZAP_END_FINALIZING = 1, /* Py_IsInitialized() is 0: atexit is over, the first collection is
                               next; not of subinterpreters */
    ZAP_END_SYS,            /* sys.path is None */
    ZAP_END_REMOVING,       /* the first entry of sys.modules is None */
    ZAP_END_EMPTIED,        /* sys.modules is empty, or gone */
    ZAP_END_SYS_WIPED,      /* what sys has is None */
    ZAP_END_BUILTINS_WIPED, /* what builtins has is None */
    ZAP_END_OVER,           /* Py_FinalizeEx or Py_EndInterpreter has returned */
};

/* event.by: node number of the script that did it, or one of these */
enum {
    ZAP_BY_UNNUMBERED = 0xfc,  /* a node for which there was no number left */
    ZAP_BY_KEY = 0xfd,         /* the __hash__ of a key */
    ZAP_BY_INTERPRETER = 0xfe, /* the clearing of a namespace */
    ZAP_BY_ROUTE = 0xff,       /* the route itself, a module's own code included */
};

/* 32 bytes; members that a kind does not use are 0 (module and node: ZAP_NO_MODULE, ZAP_NO_NODE).
 */
struct zap_event {
    uint8_t kind; /* enum zap_event_code */
    uint8_t module;
    uint8_t name; /* enum zap_name_code */
    uint8_t node;
    uint8_t flags;
    uint8_t by;
    uint8_t how; /* enum zap_how; LOOK, ENTRY and changes of a name: enum zap_seen */
    uint8_t
        info; /* SET_NONE: the pass, 1 or 2 (0 where the setter was no pass); else see event.def */
    uint32_t refs; /* refcount of what the kind is about (nodes and dicts only), the collector's own
                      included */
    uint32_t
        size; /* state: how many keys the namespace has, those outside the name table included */
    uint64_t bound; /* state: bit per name code: a key whose value is not None */
    uint64_t none;  /* state: bit per name code: a key whose value is None */
};

/* What a worker says about its build; part of every trace. */
struct zap_build {
    uint32_t version;   /* major << 16 | minor << 8 | micro */
    uint8_t debug;      /* asserts on (Py_DEBUG) */
    uint8_t nogil;      /* free-threaded (Py_GIL_DISABLED) */
    uint8_t level;      /* 0xa alpha, 0xb beta, 0xc candidate, 0xf final */
    uint8_t is_static;  /* libpython is part of the worker */
    uint32_t observers; /* bits ZAP_SEES_* */
    uint32_t routes;    /* bit per route code that this worker has */
    char name[64];      /* "3.11.7", "3.13.5-debian", as in `pyzap pythons` and --python */
    char banner[192];   /* sys.version, one line */
};

/* build.observers: bits, and what they are called. */
enum {
#define ZAP_OBSERVER(bit, id, token, text) ZAP_SEES_##id = bit,
#include "oracle/observer.def"
#undef ZAP_OBSERVER
};
/* The word for observers number 0, 1, 2, ... (bit 1 << number); NULL past the last one. */
const char *zap_observer_token(unsigned number);

struct zap_trace {
    struct zap_build build;
    uint32_t events_count;
    uint32_t is_cut;    /* more happened than ZAP_EVENTS_MAX: what is here is true, but not all */
    uint32_t is_shared; /* other plans, whose events are not here, had the same interpreter */
    struct zap_event events[ZAP_EVENTS_MAX];
};

struct zap_event_row {
    uint8_t code;
    const char *token;
    const char *fields;
    const char *info; /* see event.def; "" where there is no field i */
    const char *flag; /* "" where there is no field x */
    const char *text;
};
/* NULL for a code that is not assigned. */
const struct zap_event_row *zap_event_row(unsigned code);

/* No trace's text is longer than this, whatever its bytes are. */
enum { ZAP_TRACE_TEXT_MAX = (ZAP_EVENTS_MAX + 2) * 1280 };

/* Append a trace as text: a header line for the build, then one line an event, indented by how deep
 * inside other things it happened. The same trace gives the same text on every machine. */
void zap_trace_print(const struct zap_trace *trace, struct zap_str *out);

/* Append one event in that form, without indentation and newline. */
void zap_trace_print_event(const struct zap_trace *trace, uint32_t i, struct zap_str *out);
void zap_trace_print_one(const struct zap_event *event, struct zap_str *out);

/* Append the line about the build, without newline. */
void zap_trace_print_build(const struct zap_build *build, struct zap_str *out);

/* Append a set of names: "a _b=None", or "-" for the empty set. */
void zap_trace_print_state(uint64_t bound, uint64_t none, struct zap_str *out);

/* The first event in which two traces of one plan differ, or UINT32_MAX; builds are not compared.
 *
 * Every byte of an event counts, refs too: this is for runs that must not differ at all (the same
 * build twice, or once from C and once from source). Where one trace goes on after the other's end,
 * or one is cut there, that is the event. */
uint32_t zap_trace_diff(const struct zap_trace *a, const struct zap_trace *b);

#endif
