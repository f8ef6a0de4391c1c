/* Plans as Python source: the acts, the sections that build a plan, and the stand-alone script.
 *
 * Three layers, each made of the one before. An act is a body of op.def with its placeholders
 * filled in. The sections are the plan's objects, links and bindings as code, cut where the
 * namespace changes that the code has to run in. The script is the sections as string literals,
 * between a head that explains it and those parts of prelude.py that the sections mention.
 *
 * A script prints the lines of a worker's trace (oracle/trace.c) for what Python code can see, not
 * indented. Fields refs and how are left out: Python code does not know them. A
 * namespace that has left sys.modules has no state where only sys.modules leads to it: for C nodes,
 * and for nodes of a class from elsewhere.
 *
 * Sections are executed with a module's namespace as globals and one shared scratch dict as locals:
 * functions get the right __globals__ and real LOAD_GLOBAL, and no helper variable lands in a
 * module. Classes are made by calls, not by class statements, because the body of one sees globals
 * but not scratch.
 */
#include "plan/source.h"

#include "base/check.h"
#include "plan/text.h"

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

/* What a script that bears witness says before bytecode changes a name: the line is a body's, and
 * begins at `*line` with the change. Steps over what it has written. */
static void add_witness(const char **line, const struct fill *fill, unsigned indent,
                        struct zap_str *out)
{
    static const char bind[] = "{n} = ", unbind[] = "    del {n}";
    if (strncmp(*line, bind, strlen(bind)) == 0) {
        const char *value = *line + strlen(bind);
        zap_str_printf(out, "%*s%s = z.put(z.globals(), %s, ", (int)indent, "", fill->name->token,
                       fill->name->py);
        *line = add_line(value, fill, out);
        zap_str_add(out, ")\n");
    } else if (strncmp(*line, unbind, strlen(unbind)) == 0) {
        zap_str_printf(out, "%*s    z.cut(z.globals(), %s)\n", (int)indent, "", fill->name->py);
    }
}

static void add_act(const struct zap_act *act, bool own, bool with_global, bool is_witness,
                    unsigned indent, struct zap_str *out)
{
    struct fill fill = {
        .o = act->op, .i = act->module, .c = act->name, .name = zap_name_row(act->name)};
    const char *line = act_body(act, own);
    while (*line) {
        if (is_global_statement(line) && !with_global) {
            line += strcspn(line, "\n");
        } else {
            const char *begin = line;
            if (is_witness) {
                add_witness(&line, &fill, indent, out);
            }
            if (line == begin) {
                zap_str_printf(out, "%*s", (int)indent, "");
                line = add_line(line, &fill, out);
                zap_str_add(out, "\n");
            }
        }
        line += *line == '\n';
    }
}

void zap_source_act(const struct zap_act *act, bool own, unsigned indent, struct zap_str *out)
{
    add_act(act, own, true, false, indent, out);
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

/* The body of the __del__ of node i. A script says itself when it begins and ends, in the function
 * that CPython calls and not around it: up to 3.9 it matters who calls a function. */
static void add_del_body(const struct zap_plan *plan, const struct zap_plan_index *index,
                         unsigned i, bool is_script, bool is_witness, struct zap_str *out)
{
    static const char skip[] = "%*sif z.skip(self):\n%*s    return\n";
    bool is_empty = index->act_at[i] == index->act_at[i + 1];
    int indent = is_script ? 8 : 4;
    if (is_script) {
        zap_str_add(out, "    z.enter(self, z.globals())\n");
        zap_str_add(out, is_empty ? "" : "    try:\n");
    }
    if (!is_empty) {
        zap_str_printf(out, skip, indent, "", indent, "");
    } else if (!is_script) {
        zap_str_add(out, "    pass\n");
    }
    for (unsigned at = index->act_at[i]; at < index->act_at[i + 1]; at++) {
        const struct zap_act *act = &plan->acts[at];
        add_act(act, act->module == plan->objects[i].module, false, is_witness, (unsigned)indent,
                out);
    }
    if (is_script) {
        zap_str_printf(out, "%s    z.leave(self, z.globals())\n",
                       is_empty ? "" : "    finally:\n    ");
    }
}

/* The class of node i, in the namespace where it is defined. */
static void add_class(const struct zap_plan *plan, const struct zap_plan_index *index, unsigned i,
                      bool with_poke, bool is_script, bool is_witness, struct zap_str *out)
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
    add_del_body(plan, index, i, is_script, is_witness, out);
    if (with_poke) {
        zap_str_printf(out,
                       "def n%u_poke(self, z=z):\n    z.poked(self)\n"
                       "n%u = z.cls('n%u', n%u_del, n%u_poke)\n",
                       i, i, i, i, i);
    } else {
        zap_str_printf(out, "n%u = z.cls('n%u', n%u_del)\n", i, i, i);
    }
}

/* Code on its way to where it is executed: marked sections, or elements of a script's list. */
struct sections {
    struct zap_str *out;
    bool is_script;
    bool is_witness;  /* a script that says more: see Witness in prelude.py */
    unsigned context; /* of the section that is open; sections are merged while it stays the same */
};

enum { CONTEXT_NONE = 0xfe };

static void leave_section(struct sections *to)
{
    if (to->is_script && to->context != CONTEXT_NONE) {
        zap_str_add(to->out, "\"\"\"),\n");
    }
    to->context = CONTEXT_NONE;
}

/* context: a module's number or ZAP_ELSEWHERE */
static void enter_section(struct sections *to, unsigned context)
{
    if (context == to->context) {
        return;
    }
    leave_section(to);
    to->context = context;
    zap_str_add(to->out, to->is_script ? "('" : "#@ ");
    if (context == ZAP_ELSEWHERE) {
        zap_str_add(to->out, "elsewhere");
    } else {
        zap_str_printf(to->out, to->is_script ? "m%u" : "%u", context);
    }
    zap_str_add(to->out, to->is_script ? "', r\"\"\"\n" : "\n");
}

/* What an object's expression needs to be there before it. */
static void add_helpers(const struct zap_plan *plan, const struct zap_plan_index *index, unsigned i,
                        bool with_poke, struct sections *to)
{
    struct zap_str *out = to->out;
    switch (plan->objects[i].kind) {
    case ZAP_VALUE_NODE:
        add_class(plan, index, i, with_poke, to->is_script, to->is_witness, out);
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

static void add_objects(const struct zap_plan *plan, const struct zap_plan_index *index,
                        struct sections *to)
{
    struct zap_str *out = to->out;
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
        enter_section(to, row->place == ZAP_PLACE_NOWHERE ? ZAP_ELSEWHERE : object->module);
        add_helpers(plan, index, i, with_poke, to);
        zap_str_printf(out, "o%u = ", i);
        add_line(row->py, &fill, out);
        zap_str_add(out, "\n");
    }
}

static void add_links(const struct zap_plan *plan, const struct zap_plan_index *index,
                      struct sections *to)
{
    struct zap_str *out = to->out;
    for (unsigned at = 0; at < plan->links_count; at++) {
        unsigned from = plan->links[at].from;
        unsigned end = plan->links[at].to;
        unsigned nth = at - index->link_at[from];
        uint8_t kind = plan->objects[from].kind;
        if (zap_value_row(kind)->links != ZAP_LINKS_MANY) {
            continue; /* they were given to its expression */
        }
        enter_section(to, ZAP_ELSEWHERE);
        switch (kind) {
        case ZAP_VALUE_NODE:
            zap_str_printf(out, "o%u.l%u = o%u\n", from, nth, end);
            break;
        case ZAP_VALUE_LIST:
            zap_str_printf(out, "o%u.append(o%u)\n", from, end);
            break;
        case ZAP_VALUE_DICT:
            zap_str_printf(out, "o%u[%u] = o%u\n", from, nth, end);
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
static void add_rebindings(const struct zap_module *module, bool is_witness, struct zap_str *out)
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
        if (name->identifier && is_witness) {
            zap_str_printf(out, "%s = z.put(z.globals(), %s, %s)\n", name->token, name->py, value);
        } else if (name->identifier) {
            zap_str_printf(out, "%s = %s\n", name->token, value);
        } else {
            zap_str_printf(out, "z.store(z.globals(), %s, %s)\n", name->py, value);
        }
    }
}

static void add_sections(const struct zap_plan *plan, struct sections *to)
{
    struct zap_plan_index index;
    zap_plan_index(plan, &index);
    add_objects(plan, &index, to);
    add_links(plan, &index, to);
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (plan->modules[m].globals_count > 0) {
            enter_section(to, m);
            add_bindings(&plan->modules[m], to->out);
        }
    }
    if (plan->route == ZAP_ROUTE_FAILED_IMPORT) {
        enter_section(to, 0);
        zap_str_add(to->out, "z.begin()\nraise z.Error\n");
    }
    leave_section(to);
}

void zap_source_sections(const struct zap_plan *plan, struct zap_str *out)
{
    struct sections to = {.out = out, .context = CONTEXT_NONE};
    add_sections(plan, &to);
    if (plan->route == ZAP_ROUTE_RELOAD) {
        zap_str_add(out, "#@ again\n");
        add_rebindings(&plan->modules[0], false, out);
    }
}

/* ---- the script ---- */

/* prelude.py, which cmake/Embed.cmake makes a string literal. */
static const char prelude[] =
#include "plan/prelude.py.h"
    ;

/* A piece of the prelude: the words behind its marker, and its text. */
struct piece {
    const char *words, *text, *end;
};

static const char piece_mark[] = "\n#@ ";

/* The piece whose marker comes first after `at`; false where there is none. */
static bool find_piece(const char *at, struct piece *piece)
{
    const char *mark = strstr(at, piece_mark);
    if (!mark) {
        return false;
    }
    piece->words = mark + strlen(piece_mark);
    piece->text = piece->words + strcspn(piece->words, "\n") + 1;
    const char *next = strstr(piece->text - 1, piece_mark);
    piece->end = next ? next + 1 : piece->text + strlen(piece->text);
    return true;
}

static size_t word_len(const char *word)
{
    return strcspn(word, " \n");
}

static bool is_word(const char *word, const char *wanted)
{
    return word_len(word) == strlen(wanted) && strncmp(word, wanted, strlen(wanted)) == 0;
}

enum { WORD_BITS = 64, PIECES_MAX = 2 * WORD_BITS };

/* All pieces, in their order, and which of them are wanted. */
struct pieces {
    struct piece all[PIECES_MAX];
    unsigned count;
    uint64_t wanted[PIECES_MAX / WORD_BITS];
};

static void find_pieces(struct pieces *pieces)
{
    const char *at = prelude;
    pieces->count = 0;
    memset(pieces->wanted, 0, sizeof pieces->wanted);
    do {
        ZAP_CHECK_CMP(pieces->count, <, PIECES_MAX);
        ZAP_CHECK(find_piece(at, &pieces->all[pieces->count]));
        at = pieces->all[pieces->count++].end - 1;
    } while (at[1] != '\0');
}

static bool has_piece(const struct pieces *pieces, unsigned number)
{
    return pieces->wanted[number / WORD_BITS] >> number % WORD_BITS & 1;
}

/* Add the part that is called so, and all that it needs. */
static void want(const char *name, size_t len, struct pieces *pieces)
{
    for (unsigned number = 0; number < pieces->count; number++) {
        const char *words = pieces->all[number].words;
        if (word_len(words) != len || strncmp(words, name, len) != 0 || has_piece(pieces, number)) {
            continue;
        }
        pieces->wanted[number / WORD_BITS] |= UINT64_C(1) << number % WORD_BITS;
        for (const char *word = words + len; *word == ' '; word += word_len(word)) {
            word++;
            want(word, word_len(word), pieces);
        }
    }
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Want every NAME that the text mentions as z.NAME. (By strchr: AddressSanitizer measures all of
 * the text at each strstr.) */
static void want_mentioned(const char *text, struct pieces *pieces)
{
    for (const char *at = strchr(text, '.'); at; at = strchr(at + 1, '.')) {
        size_t len = 0;
        if (at == text || at[-1] != 'z')
            continue;
        while (is_name_char(at[1 + len])) {
            len++;
        }
        want(at + 1, len, pieces);
    }
}

/* What is done when the modules are built: things are held elsewhere, the interpreter is made what
 * the plan wants it to be; and the modules that are not listed. */
static void add_beside(const struct zap_plan *plan, struct zap_str *out)
{
    zap_str_add(out, "BESIDE = [\n");
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        zap_str_printf(out, "    \"z.park_%s('zap_park%u', %c%u)\",\n",
                       zap_park_row(park->place)->token, i, park->is_module ? 'm' : 'o',
                       park->what);
    }
    for (unsigned code = 0; code < ZAP_SETTING_END; code++) {
        if (zap_setting_row(code) && zap_plan_has_setting(plan, code))
            zap_str_printf(out, "    \"%s\",\n", zap_setting_row(code)->py);
    }
    zap_str_add(out, "]\nUNLISTED = [");
    const char *separator = "";
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (plan->modules[m].unlisted) {
            zap_str_printf(out, "%s%u", separator, m);
            separator = ", ";
        }
    }
    zap_str_add(out, "]\n");
}

/* The pieces of the prelude that a plan needs. Its sections are written to find out, and erased. */
static void want_all(const struct zap_plan *plan, bool is_witness, struct zap_str *out,
                     struct pieces *pieces)
{
    char name[32];
    struct zap_str route = zap_str_init(name, sizeof name);
    zap_str_printf(&route, "%s:%s", is_witness ? "witness" : "route",
                   zap_route_row(plan->route)->token);
    want(route.data, route.len, pieces);
    if (!zap_plan_ends(plan))
        want("end", strlen("end"), pieces);
    if (is_witness)
        want("witness", strlen("witness"), pieces);
    want("always", strlen("always"), pieces);
    want("data", strlen("data"), pieces);

    struct zap_str before = *out;
    zap_source_sections(plan, out);
    add_beside(plan, out);
    want_mentioned(out->data + before.len, pieces);
    *out = before;
    out->data[out->len] = '\0';
}

/* What the script is about in words, as its docstring: without what would end one, and without
 * what 2.7 takes in no file. */
static void add_docstring(const char *doc, struct zap_str *out)
{
    zap_str_add(out, "\"\"\"");
    for (; *doc; doc++) {
        bool is_ascii = (*doc >= ' ' && *doc <= '~') || *doc == '\n';
        zap_str_add_bytes(out, *doc == '"' || *doc == '\\' ? "'" : is_ascii ? doc : "?", 1);
    }
    zap_str_add(out, "\"\"\"\n");
}

static void add_head(const struct zap_plan *plan, const char *doc, struct zap_str *out)
{
    char text[ZAP_TEXT_MAX];
    struct zap_str plan_text = zap_str_init(text, sizeof text);
    zap_text_print(plan, &plan_text);
    zap_str_add(out, "#!/usr/bin/env python3\n");
    if (doc)
        add_docstring(doc, out);
    zap_str_add(
        out,
        "# Tears modules down and prints what the finalizers of their objects see. Made by pyzap\n"
        "# from the plan below; needs only the standard library of any CPython from 2.7 on:\n"
        "#\n"
        "#     python3 -VV; python3 THIS_FILE\n"
        "#\n"
        "# Before 3.6 the order of a dict depends on hashes: set PYTHONHASHSEED=0 for 3.3 to 3.5.\n"
        "#\n");
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        zap_str_add(out, len > 0 ? "# " : "#");
        zap_str_add_bytes(out, line, len);
        zap_str_add(out, "\n");
        line += len + (line[len] == '\n');
    }
    zap_str_add(out, "\n");
}

/* Names that an event can show: what every module has from the start, and what the plan speaks of.
 */
static uint64_t names_of(const struct zap_plan *plan)
{
    uint64_t names = UINT64_C(1) << ZAP_NAME_BUILTINS | UINT64_C(1) << ZAP_NAME_NAME |
                     UINT64_C(1) << ZAP_NAME_DOC | UINT64_C(1) << ZAP_NAME_SPEC |
                     UINT64_C(1) << ZAP_NAME_PACKAGE | UINT64_C(1) << ZAP_NAME_LOADER;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
            names |= UINT64_C(1) << plan->modules[m].globals[i].name;
        }
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        names |= UINT64_C(1) << plan->acts[i].name;
    }
    return names & ~(UINT64_C(1) << ZAP_NAME_NO);
}

/* The module whose namespace the events of object i show, or ZAP_ELSEWHERE. */
static unsigned home_of(const struct zap_plan *plan, const struct zap_plan_index *index, unsigned i)
{
    const struct zap_object *object = &plan->objects[i];
    if (object->kind == ZAP_VALUE_NODE && object->module != ZAP_ELSEWHERE) {
        return object->module;
    }
    bool has_state = object->kind == ZAP_VALUE_NODE || object->kind == ZAP_VALUE_CNODE;
    return has_state && index->home_name[i] != ZAP_NAME_NO ? index->home_module[i] : ZAP_ELSEWHERE;
}

static void add_tables(const struct zap_plan *plan, struct zap_str *out)
{
    struct zap_plan_index index;
    zap_plan_index(plan, &index);
    uint64_t names = names_of(plan);
    zap_str_add(out, "NAMES = {  # code: (key, how it is printed)\n");
    for (unsigned code = 0; code < ZAP_NAME_END; code++) {
        if ((names >> code) & 1) {
            const struct zap_name_row *row = zap_name_row(code);
            zap_str_printf(out, "    %u: (%s, r'%s'),\n", code, row->py, row->token);
        }
    }
    zap_str_add(out, "}\nHOMES = {");
    const char *separator = "";
    for (unsigned i = 0; i < plan->objects_count; i++) {
        unsigned home = home_of(plan, &index, i);
        if (home != ZAP_ELSEWHERE) {
            zap_str_printf(out, "%s%u: %u", separator, i, home);
            separator = ", ";
        }
    }
    zap_str_add(out, "}  # node: the module whose namespace is printed with its events\n");
}

/* How events call the actions that say z.done. */
static void add_ops(const struct zap_plan *plan, struct zap_str *out)
{
    uint64_t ops = 0;
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_op_row *row = zap_op_row(plan->acts[i].op);
        if (strstr(row->own, "z.done(") && !((ops >> row->code) & 1)) {
            zap_str_printf(out, "%s%u: '%s'", ops == 0 ? "OPS = {" : ", ", row->code, row->token);
            ops |= UINT64_C(1) << row->code;
        }
    }
    zap_str_add(out, ops == 0 ? "" : "}\n");
}

static bool has_kind(const struct zap_plan *plan, uint8_t kind)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind == kind) {
            return true;
        }
    }
    return false;
}

/* Which objects a script that bears witness watches. */
static void add_watched(const struct zap_plan *plan, struct zap_str *out)
{
    static const struct {
        uint8_t kind;
        const char *name;
    } kinds[] = {{ZAP_VALUE_NODE, "NODES"}, {ZAP_VALUE_CNODE, "CNODES"}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        const char *separator = "";
        zap_str_printf(out, "%s = [", kinds[k].name);
        for (unsigned i = 0; i < plan->objects_count; i++) {
            if (plan->objects[i].kind == kinds[k].kind) {
                zap_str_printf(out, "%s%u", separator, i);
                separator = ", ";
            }
        }
        zap_str_add(out, "]\n");
    }
}

/* What the prelude wants to know of a plan, and the plan's code. */
static void add_data(const struct zap_plan *plan, bool is_witness, struct zap_str *out)
{
    zap_str_printf(out, "ROUTE = '%s'\nMODULES = %u\nOBJECTS = %u\nHELD = [",
                   zap_route_row(plan->route)->token, plan->modules_count, plan->objects_count);
    const char *separator = "";
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (plan->modules[m].held) {
            zap_str_printf(out, "%s%u", separator, m);
            separator = ", ";
        }
    }
    zap_str_add(out, "]\n");
    if (is_witness) {
        add_watched(plan, out);
    }
    if (is_witness || has_kind(plan, ZAP_VALUE_NODE) || has_kind(plan, ZAP_VALUE_CNODE)) {
        add_tables(plan, out);
        add_ops(plan, out);
    }
    zap_str_add(
        out,
        "\n# (whose namespace, code): objects in the order in which they are made, links, globals\n"
        "BUILD = [\n");
    struct sections build = {
        .out = out, .is_script = true, .is_witness = is_witness, .context = CONTEXT_NONE};
    add_sections(plan, &build);
    zap_str_add(out, "]\n");
    if (zap_plan_ends(plan)) {
        add_beside(plan, out);
    }
    if (plan->route == ZAP_ROUTE_RELOAD) {
        struct sections again = {.out = out, .is_script = true, .context = CONTEXT_NONE};
        zap_str_add(out, "AGAIN = [\n");
        enter_section(&again, 0);
        add_rebindings(&plan->modules[0], is_witness, out);
        leave_section(&again);
        zap_str_add(out, "]\n");
    }
}

static void add_script(const struct zap_plan *plan, const char *doc, bool is_witness,
                       struct zap_str *out)
{
    add_head(plan, doc, out);
    struct pieces pieces;
    find_pieces(&pieces);
    want_all(plan, is_witness, out, &pieces);
    for (unsigned number = 0; number < pieces.count; number++) {
        const struct piece *piece = &pieces.all[number];
        if (has_piece(&pieces, number)) {
            zap_str_add_bytes(out, piece->text, (size_t)(piece->end - piece->text));
            if (is_word(piece->words, "data")) {
                add_data(plan, is_witness, out);
            }
        }
    }
}

void zap_source_script(const struct zap_plan *plan, struct zap_str *out)
{
    add_script(plan, NULL, false, out);
}

void zap_source_repro(const struct zap_plan *plan, const char *doc, bool is_witness,
                      struct zap_str *out)
{
    add_script(plan, doc, is_witness, out);
}
