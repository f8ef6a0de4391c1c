/* Traces as text, and their comparison.
 *
 * A trace is printed as one line for the build and one line an event:
 *
 *     del o3 m0 refs=1 how=refcount bound=a,_b none=c builtins=same size=7
 *
 * The first word is the event's token. What follows are its fields in the order that event.def
 * gives:
 *
 *     m  m0, or - for no module of the plan
 *     n  name=a            a token of name.def; other: a key that is not in the table
 *     o  o3, or - for no node of ours; what scripts make is numbered after the plan's objects
 *     p  pass=1            0 where the setter was no pass
 *     b  by=o3             or route, or interpreter
 *     r  refs=2
 *     h  how=refcount      or gc, gc-clear, call
 *     s  bound=a,_b none=c builtins=same size=7
 *                          sets of names in code order, - for the empty one;
 *                          builtins: same, other or missing;
 *                          gone=yes, instead of all of it, where there is no namespace any more
 *     v  seen=bound        or none, missing
 *     i, x                 called and worded as event.def says; a flag is yes or no
 *
 * No field is ever left out and no value holds a space, so lines can be split, diffed and cut. The
 * stand-alone script of a plan prints the same lines for what Python code can see: route,
 * route-end, del, del-end, look, look-all, done, poked, callback, finally, cnode, collect,
 * collect-end, spawn, kept, failed, reloaded. In those refs, how and size say something only in a
 * worker's trace, because Python code changes the first, cannot see the second, and has names of
 * its own in the namespace; who compares the two drops those fields first. A script that bears
 * witness (zap_source_repro) prints more kinds, and oracle/script.c reads them all back.
 *
 * Indentation, two spaces a level, is by what is open: an event between DEL and DEL_END, WIPE and
 * WIPE_END, EMPTY and EMPTY_END, MODULE_GONE and MODULE_END, COLLECT and COLLECT_END, ATEXIT and
 * ATEXIT_END is inside. A worker that dies leaves things open, and a namespace that a call empties
 * has no EMPTY_END, so an end closes the youngest open event that it fits and all that was opened
 * after it, and one that fits none closes nothing.
 *
 * Printing is total: a trace may come from the memory of a worker that was shot while it wrote.
 */
#include "oracle/trace.h"

#include <string.h>

static const struct zap_event_row event_rows[ZAP_EVENT_END] = {
#define ZAP_EVENT(code, id, token, fields, info, flag, text)                                       \
    [code] = {code, token, fields, info, flag, text},
#include "oracle/event.def"
#undef ZAP_EVENT
};

const struct zap_event_row *zap_event_row(unsigned code)
{
    return code < ZAP_EVENT_END && event_rows[code].token ? &event_rows[code] : NULL;
}

const char *zap_observer_token(unsigned number)
{
    static const struct {
        uint32_t bit;
        const char *token;
    } rows[] = {
#define ZAP_OBSERVER(bit, id, token, text) {bit, token},
#include "oracle/observer.def"
#undef ZAP_OBSERVER
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (number < 32 && rows[i].bit == UINT32_C(1) << number) {
            return rows[i].token;
        }
    }
    return NULL;
}

/* The word for a small number, or the number where there is no word for it. */
static void add_word(const char *const *words, size_t words_count, unsigned number,
                     struct zap_str *out)
{
    if (number < words_count) {
        zap_str_add(out, words[number]);
    } else {
        zap_str_printf(out, "%u", number);
    }
}

static void add_name(unsigned code, struct zap_str *out)
{
    const struct zap_name_row *row = zap_name_row(code);
    if (row) {
        zap_str_add(out, row->token);
    } else if (code == ZAP_NAME_NO) {
        zap_str_add(out, "other");
    } else {
        zap_str_printf(out, "name%u", code);
    }
}

static void add_names(uint64_t names, struct zap_str *out)
{
    if (names == 0) {
        zap_str_add(out, "-");
        return;
    }
    bool is_first = true;
    for (unsigned code = 0; code < ZAP_NAME_END; code++) {
        if ((names >> code) & 1) {
            zap_str_add(out, is_first ? "" : ",");
            add_name(code, out);
            is_first = false;
        }
    }
}

static void add_state(const struct zap_event *event, struct zap_str *out)
{
    if (event->flags & ZAP_FLAG_NO_STATE) {
        zap_str_add(out, " gone=yes");
        return;
    }
    zap_str_add(out, " bound=");
    add_names(event->bound, out);
    zap_str_add(out, " none=");
    add_names(event->none, out);
    zap_str_printf(out, " builtins=%s size=%u",
                   !(event->flags & ZAP_FLAG_BUILTINS) ? "missing"
                   : event->flags & ZAP_FLAG_SAME      ? "same"
                                                       : "other",
                   event->size);
}

static void add_by(uint8_t by, struct zap_str *out)
{
    switch (by) {
    case ZAP_BY_ROUTE:
        zap_str_add(out, " by=route");
        break;
    case ZAP_BY_INTERPRETER:
        zap_str_add(out, " by=interpreter");
        break;
    case ZAP_BY_KEY:
        zap_str_add(out, " by=key");
        break;
    case ZAP_BY_UNNUMBERED:
        zap_str_add(out, " by=-");
        break;
    default:
        zap_str_printf(out, " by=o%u", by);
    }
}

/* Field i, as the info column of its row says: "LABEL", "LABEL:WORD|WORD|..." or "LABEL:*TABLE". */
static void add_info(const char *column, unsigned info, struct zap_str *out)
{
    size_t label_len = strcspn(column, ":");
    zap_str_add(out, " ");
    zap_str_add_bytes(out, column, label_len);
    zap_str_add(out, "=");
    const char *words = column[label_len] ? column + label_len + 1 : "";
    const char *token = NULL;
    if (strcmp(words, "*route") == 0) {
        const struct zap_route_row *row = zap_route_row(info);
        token = row ? row->token : NULL;
    } else if (strcmp(words, "*op") == 0) {
        const struct zap_op_row *row = zap_op_row(info);
        token = row ? row->token : NULL;
    } else {
        for (unsigned i = 0; *words; i++) {
            size_t len = strcspn(words, "|");
            if (i == info) {
                zap_str_add_bytes(out, words, len);
                return;
            }
            words += len + (words[len] == '|');
        }
    }
    if (token) {
        zap_str_add(out, token);
    } else {
        zap_str_printf(out, "%u", info);
    }
}

static void add_field(const struct zap_event_row *row, char field, const struct zap_event *event,
                      struct zap_str *out)
{
    static const char *const hows[] = {"refcount", "gc", "gc-clear", "call"};
    static const char *const seens[] = {"missing", "none", "bound"};
    switch (field) {
    case 'm':
        if (event->module == ZAP_NO_MODULE) {
            zap_str_add(out, " -");
        } else {
            zap_str_printf(out, " m%u", event->module);
        }
        break;
    case 'n':
        zap_str_add(out, " name=");
        add_name(event->name, out);
        break;
    case 'o':
        if (event->node == ZAP_NO_NODE) {
            zap_str_add(out, " -");
        } else {
            zap_str_printf(out, " o%u", event->node);
        }
        break;
    case 'p':
        zap_str_printf(out, " pass=%u", event->info);
        break;
    case 'b':
        add_by(event->by, out);
        break;
    case 'r':
        zap_str_printf(out, " refs=%u", event->refs);
        break;
    case 'h':
        zap_str_add(out, " how=");
        add_word(hows, sizeof(hows) / sizeof(hows[0]), event->how, out);
        break;
    case 's':
        add_state(event, out);
        break;
    case 'v':
        zap_str_add(out, " seen=");
        add_word(seens, sizeof(seens) / sizeof(seens[0]), event->how, out);
        break;
    case 'i':
        add_info(row->info, event->info, out);
        break;
    case 'x':
        zap_str_printf(out, " %s=%s", row->flag, event->flags & ZAP_FLAG_X ? "yes" : "no");
        break;
    }
}

void zap_trace_print_one(const struct zap_event *event, struct zap_str *out)
{
    const struct zap_event_row *row = zap_event_row(event->kind);
    if (!row) {
        zap_str_printf(out, "event%u", event->kind);
        return;
    }
    zap_str_add(out, row->token);
    for (const char *field = row->fields; *field; field++) {
        add_field(row, *field, event, out);
    }
}

void zap_trace_print_event(const struct zap_trace *trace, uint32_t i, struct zap_str *out)
{
    zap_trace_print_one(&trace->events[i], out);
}

void zap_trace_print_state(uint64_t bound, uint64_t none, struct zap_str *out)
{
    bool is_first = true;
    for (unsigned code = 0; code < ZAP_NAME_END; code++) {
        bool is_none = (none >> code) & 1;
        if (is_none || ((bound >> code) & 1)) {
            zap_str_add(out, is_first ? "" : " ");
            add_name(code, out);
            zap_str_add(out, is_none ? "=None" : "");
            is_first = false;
        }
    }
    zap_str_add(out, is_first ? "-" : "");
}

void zap_trace_print_build(const struct zap_build *build, struct zap_str *out)
{
    zap_str_printf(out, "build %.*s version=%u.%u.%u", (int)sizeof(build->name), build->name,
                   build->version >> 16, (build->version >> 8) & 0xff, build->version & 0xff);
    switch (build->level) {
    case 0xa:
        zap_str_add(out, " level=alpha");
        break;
    case 0xb:
        zap_str_add(out, " level=beta");
        break;
    case 0xc:
        zap_str_add(out, " level=candidate");
        break;
    case 0xf:
        zap_str_add(out, " level=final");
        break;
    default:
        zap_str_printf(out, " level=%u", build->level);
    }
    zap_str_printf(out, " debug=%s nogil=%s static=%s sees=", build->debug ? "yes" : "no",
                   build->nogil ? "yes" : "no", build->is_static ? "yes" : "no");
    bool is_first = true;
    for (unsigned i = 0; zap_observer_token(i); i++) {
        if ((build->observers >> i) & 1) {
            zap_str_printf(out, "%s%s", is_first ? "" : ",", zap_observer_token(i));
            is_first = false;
        }
    }
    zap_str_add(out, is_first ? "-" : "");
}

/* The kind of event that this kind ends; 0 where it ends none. */
static unsigned begin_of(unsigned kind)
{
    switch (kind) {
    case ZAP_EVENT_WIPE_END:
        return ZAP_EVENT_WIPE;
    case ZAP_EVENT_EMPTY_END:
        return ZAP_EVENT_EMPTY;
    case ZAP_EVENT_MODULE_END:
        return ZAP_EVENT_MODULE_GONE;
    case ZAP_EVENT_DEL_END:
        return ZAP_EVENT_DEL;
    case ZAP_EVENT_COLLECT_END:
        return ZAP_EVENT_COLLECT;
    case ZAP_EVENT_ATEXIT_END:
        return ZAP_EVENT_ATEXIT;
    default:
        return 0;
    }
}

static bool opens(const struct zap_event *event)
{
    switch (event->kind) {
    case ZAP_EVENT_EMPTY:
        return event->how != ZAP_HOW_CALL;
    case ZAP_EVENT_WIPE:
    case ZAP_EVENT_MODULE_GONE:
    case ZAP_EVENT_DEL:
    case ZAP_EVENT_COLLECT:
    case ZAP_EVENT_ATEXIT:
        return true;
    default:
        return false;
    }
}

void zap_trace_print(const struct zap_trace *trace, struct zap_str *out)
{
    /* deeper than this is not indented further: a chain of destructors can be as long as the trace
     */
    enum { INDENT_MAX = 32 };
    uint16_t open[ZAP_EVENTS_MAX]; /* indices of the events that are open, oldest first */
    uint32_t open_count = 0;
    uint32_t count =
        trace->events_count < ZAP_EVENTS_MAX ? trace->events_count : (uint32_t)ZAP_EVENTS_MAX;
    zap_trace_print_build(&trace->build, out);
    zap_str_add(out, "\n");
    for (uint32_t i = 0; i < count; i++) {
        const struct zap_event *event = &trace->events[i];
        unsigned begin = begin_of(event->kind);
        for (uint32_t at = begin ? open_count : 0; at > 0; at--) {
            const struct zap_event *candidate = &trace->events[open[at - 1]];
            if (candidate->kind == begin && candidate->module == event->module &&
                candidate->node == event->node) {
                open_count = at - 1;
                break;
            }
        }
        for (uint32_t level = 0; level < open_count && level < INDENT_MAX; level++) {
            zap_str_add(out, "  ");
        }
        zap_trace_print_event(trace, i, out);
        zap_str_add(out, "\n");
        if (opens(event)) {
            open[open_count++] = (uint16_t)i;
        }
    }
    if (trace->is_cut) {
        zap_str_printf(out, "cut after %u events: more happened\n", count);
    }
}

uint32_t zap_trace_diff(const struct zap_trace *a, const struct zap_trace *b)
{
    uint32_t i = 0;
    while (i < a->events_count && i < b->events_count) {
        if (memcmp(&a->events[i], &b->events[i], sizeof(a->events[i])) != 0) {
            return i;
        }
        i++;
    }
    bool is_same = a->events_count == b->events_count && !a->is_cut == !b->is_cut;
    return is_same ? UINT32_MAX : i;
}
