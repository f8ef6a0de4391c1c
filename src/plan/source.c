/* Plans as Python source: the acts, the sections that build a plan, and the stand-alone script.
 *
 * Three layers, each made of the one before. An act is a body of op.def with its placeholders
 * filled in. The sections are the plan's objects, links and bindings as code, cut where the
 * namespace changes that the code has to run in. The script is the sections as string literals,
 * between a head that explains it and those parts of prelude.py that the sections mention.
 *
 * Sections are executed with a module's namespace as globals and one shared scratch dict as locals:
 * functions get the right __globals__ and real LOAD_GLOBAL, and no helper variable lands in a
 * module. Classes are made by calls, not by class statements, because the body of one sees globals
 * but not scratch.
 */
#include "plan/source.h"

#include "base/check.h"

#include <string.h>

/* What the placeholders of a row of op.def or value.def stand for. */
struct fill {
    unsigned o, i, c, m, t;
    const struct zap_name_row *name; /* {n} and {k} */
    const struct zap_plan *plan;     /* {l}: the links `link` to `link_end` of it */
    unsigned link, link_end;
};

/* Append one placeholder. False where `letter` is none: a row's other braces are Python's. */
static bool add_placeholder(char letter, const struct fill *fill, struct zap_str *out)
{
    switch (letter) {
    case 'n':
        zap_str_add(out, fill->name->token);
        return true;
    case 'k':
        zap_str_add(out, fill->name->py);
        return true;
    case 'c':
        zap_str_printf(out, "%u", fill->c);
        return true;
    case 'i':
        zap_str_printf(out, "%u", fill->i);
        return true;
    case 'o':
        zap_str_printf(out, "%u", fill->o);
        return true;
    case 'm':
        zap_str_printf(out, "m%u", fill->m);
        return true;
    case 't':
        zap_str_printf(out, "o%u", fill->t);
        return true;
    case 'l':
        for (unsigned at = fill->link; at < fill->link_end; at++) {
            zap_str_printf(out, "%so%u,", at == fill->link ? "" : " ", fill->plan->links[at].to);
        }
        return true;
    default:
        return false;
    }
}

/* Append the line that starts at `line`, filled in and without its end; return where it ends. */
static const char *add_line(const char *line, const struct fill *fill, struct zap_str *out)
{
    for (; *line && *line != '\n'; line++) {
        if (line[0] == '{' && line[1] && line[2] == '}' && add_placeholder(line[1], fill, out)) {
            line += 2;
        } else {
            zap_str_add_bytes(out, line, 1);
        }
    }
    return line;
}

static bool is_global_statement(const char *line)
{
    return strncmp(line, "global ", 7) == 0;
}

/* The body of an act, from the column that fits. */
static const char *act_body(const struct zap_act *act, bool own)
{
    const struct zap_op_row *op = zap_op_row(act->op);
    ZAP_CHECK(op);
    if (own || op->operands == ZAP_OPERANDS_NONE) {
        bool by_key = op->operands == ZAP_OPERANDS_NAME && !zap_name_row(act->name)->identifier;
        return by_key ? op->key : op->own;
    }
    return op->other;
}

static void add_act(const struct zap_act *act, bool own, bool with_global, unsigned indent,
                    struct zap_str *out)
{
    struct fill fill = {
        .o = act->op, .i = act->module, .c = act->name, .name = zap_name_row(act->name)};
    const char *line = act_body(act, own);
    while (*line) {
        if (is_global_statement(line) && !with_global) {
            line += strcspn(line, "\n");
        } else {
            zap_str_printf(out, "%*s", (int)indent, "");
            line = add_line(line, &fill, out);
            zap_str_add(out, "\n");
        }
        line += *line == '\n';
    }
}

void zap_source_act(const struct zap_act *act, bool own, unsigned indent, struct zap_str *out)
{
    add_act(act, own, true, indent, out);
}

/* One global statement for a set of names: a function's must come before any use. */
static void add_global_statement(uint64_t names, unsigned indent, struct zap_str *out)
{
    const char *separator = "global ";
    if (names == 0) {
        return;
    }
    zap_str_printf(out, "%*s", (int)indent, "");
    for (unsigned code = 0; code < ZAP_NAME_END; code++) {
        if ((names >> code) & 1) {
            zap_str_printf(out, "%s%s", separator, zap_name_row(code)->token);
            separator = ", ";
        }
    }
    zap_str_add(out, "\n");
}

/* Does anything in the plan reach for the nodes' method? */
static bool uses_poke(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind == ZAP_VALUE_METHOD) {
            return true;
        }
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].op == ZAP_OP_CALL) {
            return true;
        }
    }
    return false;
}

/* The class of node i, in the namespace where it is defined. */
static void add_class(const struct zap_plan *plan, const struct zap_plan_index *index, unsigned i,
                      bool with_poke, struct zap_str *out)
{
    uint64_t names = 0;
    for (unsigned at = index->act_at[i]; at < index->act_at[i + 1]; at++) {
        const struct zap_act *act = &plan->acts[at];
        if (is_global_statement(act_body(act, act->module == plan->objects[i].module))) {
            names |= UINT64_C(1) << act->name;
        }
    }
    zap_str_printf(out, "def n%u_del(self, z=z):\n", i);
    add_global_statement(names, 4, out);
    zap_str_add(out, "    if z.skip(self):\n        return\n");
    for (unsigned at = index->act_at[i]; at < index->act_at[i + 1]; at++) {
        const struct zap_act *act = &plan->acts[at];
        add_act(act, act->module == plan->objects[i].module, false, 4, out);
    }
    if (with_poke) {
        zap_str_printf(out,
                       "def n%u_poke(self, z=z):\n    z.poked(self)\n"
                       "n%u = z.cls('n%u', n%u_del, n%u_poke)\n",
                       i, i, i, i, i);
    } else {
        zap_str_printf(out, "n%u = z.cls('n%u', n%u_del)\n", i, i, i);
    }
}

/* What an object's expression needs to be there before it. */
static void add_helpers(const struct zap_plan *plan, const struct zap_plan_index *index, unsigned i,
                        bool with_poke, struct zap_str *out)
{
    switch (plan->objects[i].kind) {
    case ZAP_VALUE_NODE:
        add_class(plan, index, i, with_poke, out);
        break;
    case ZAP_VALUE_FUNCTION:
        zap_str_printf(out, "def f%u():\n    return a\n", i);
        break;
    case ZAP_VALUE_GENERATOR:
        zap_str_printf(
            out, "def g%u(z=z):\n    try:\n        yield\n    finally:\n        z.fin(%u)\n", i, i);
        break;
    default:
        break;
    }
}

/* Sections are merged while the namespace stays the same. */
enum { CONTEXT_NONE = 0xfe };

static void enter_section(unsigned context, unsigned *at, struct zap_str *out)
{
    if (context == *at) {
        return;
    }
    *at = context;
    if (context == ZAP_ELSEWHERE) {
        zap_str_add(out, "#@ elsewhere\n");
    } else {
        zap_str_printf(out, "#@ %u\n", context);
    }
}

static void add_objects(const struct zap_plan *plan, const struct zap_plan_index *index,
                        unsigned *context, struct zap_str *out)
{
    bool with_poke = uses_poke(plan);
    for (unsigned i = 0; i < plan->objects_count; i++) {
        const struct zap_object *object = &plan->objects[i];
        const struct zap_value_row *row = zap_value_row(object->kind);
        struct fill fill = {.i = i,
                            .m = object->module,
                            .t = object->target,
                            .plan = plan,
                            .link = index->link_at[i],
                            .link_end = index->link_at[i + 1]};
        enter_section(row->place == ZAP_PLACE_NOWHERE ? ZAP_ELSEWHERE : object->module, context,
                      out);
        add_helpers(plan, index, i, with_poke, out);
        zap_str_printf(out, "o%u = ", i);
        add_line(row->py, &fill, out);
        zap_str_add(out, "\n");
    }
}

static void add_links(const struct zap_plan *plan, const struct zap_plan_index *index,
                      unsigned *context, struct zap_str *out)
{
    for (unsigned at = 0; at < plan->links_count; at++) {
        unsigned from = plan->links[at].from;
        unsigned to = plan->links[at].to;
        unsigned nth = at - index->link_at[from];
        uint8_t kind = plan->objects[from].kind;
        if (zap_value_row(kind)->links != ZAP_LINKS_MANY) {
            continue; /* they were given to its expression */
        }
        enter_section(ZAP_ELSEWHERE, context, out);
        switch (kind) {
        case ZAP_VALUE_NODE:
            zap_str_printf(out, "o%u.l%u = o%u\n", from, nth, to);
            break;
        case ZAP_VALUE_LIST:
            zap_str_printf(out, "o%u.append(o%u)\n", from, to);
            break;
        case ZAP_VALUE_DICT:
            zap_str_printf(out, "o%u[%u] = o%u\n", from, nth, to);
            break;
        default:
            ZAP_CHECK(!"a kind with links of any number that source.c does not know");
        }
    }
}

static void add_bindings(const struct zap_module *module, struct zap_str *out)
{
    uint64_t names = 0;
    for (unsigned i = 0; i < module->globals_count; i++) {
        if (zap_name_row(module->globals[i].name)->identifier) {
            names |= UINT64_C(1) << module->globals[i].name;
        }
    }
    add_global_statement(names, 0, out);
    for (unsigned i = 0; i < module->globals_count; i++) {
        const struct zap_global *global = &module->globals[i];
        const struct zap_name_row *name = zap_name_row(global->name);
        if (name->identifier) {
            zap_str_printf(out, "%s = o%u\n", name->token, global->object);
        } else {
            zap_str_printf(out, "z.globals()[%s] = o%u\n", name->py, global->object);
        }
    }
}

/* What the first module does when its code runs again: values made on the spot. */
static void add_rebindings(const struct zap_module *module, struct zap_str *out)
{
    uint64_t names = 0;
    for (unsigned i = 0; i < module->globals_count; i++) {
        const struct zap_global *global = &module->globals[i];
        if (global->again != ZAP_AGAIN_KEEP && zap_name_row(global->name)->identifier) {
            names |= UINT64_C(1) << global->name;
        }
    }
    add_global_statement(names, 0, out);
    for (unsigned i = 0; i < module->globals_count; i++) {
        const struct zap_global *global = &module->globals[i];
        const struct zap_name_row *name = zap_name_row(global->name);
        const char *value = global->again == ZAP_AGAIN_INT ? "z.fresh()" : "None";
        if (global->again == ZAP_AGAIN_KEEP) {
            continue;
        }
        if (name->identifier) {
            zap_str_printf(out, "%s = %s\n", name->token, value);
        } else {
            zap_str_printf(out, "z.store(z.globals(), %s, %s)\n", name->py, value);
        }
    }
}

void zap_source_sections(const struct zap_plan *plan, struct zap_str *out)
{
    struct zap_plan_index index;
    unsigned context = CONTEXT_NONE;
    zap_plan_index(plan, &index);
    add_objects(plan, &index, &context, out);
    add_links(plan, &index, &context, out);
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (plan->modules[m].globals_count > 0) {
            enter_section(m, &context, out);
            add_bindings(&plan->modules[m], out);
        }
    }
    if (plan->route == ZAP_ROUTE_FAILED_IMPORT) {
        enter_section(0, &context, out);
        zap_str_add(out, "z.begin()\nraise z.Error\n");
    }
    if (plan->route == ZAP_ROUTE_RELOAD) {
        zap_str_add(out, "#@ again\n");
        add_rebindings(&plan->modules[0], out);
    }
}
