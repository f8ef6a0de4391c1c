/* shrink: its laws on random plans, with predicates in the place of a CPython. Fits the limits of a
 * hostile build. */
#include "plan/gen.h"
#include "plan/shrink.h"
#include "plan/text.h"
#include "plan/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PLANS = 300 };

/* ------------------------------------------------------------------ what must stay true */

static bool is_bound(const struct zap_plan *plan, unsigned object, enum zap_name_class cls)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
            const struct zap_global *global = &plan->modules[m].globals[i];
            if (global->object == object && zap_name_row(global->name)->cls == cls) {
                return true;
            }
        }
    }
    return false;
}

/* A node raises that is bound under a name that begins with an underscore. */
static bool raises_underscored(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (plan->acts[i].op == ZAP_OP_RAISE &&
            is_bound(plan, plan->acts[i].node, ZAP_CLASS_UNDERSCORE)) {
            return true;
        }
    }
    return false;
}

/* A node of a class of its module's own looks at a name that is bound in that module. */
static bool looks_at_home(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        if (act->op != ZAP_OP_LOOK || plan->objects[act->node].module != act->module) {
            continue;
        }
        const struct zap_module *module = &plan->modules[act->module];
        for (unsigned j = 0; j < module->globals_count; j++) {
            if (module->globals[j].name == act->name) {
                return true;
            }
        }
    }
    return false;
}

static bool has_held_module(const struct zap_plan *plan)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (plan->modules[m].held) {
            return true;
        }
    }
    return false;
}

/* Two modules hold one object between them. */
static bool shares(const struct zap_plan *plan)
{
    uint64_t seen = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        uint64_t here = 0;
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
            here |= UINT64_C(1) << plan->modules[m].globals[i].object;
        }
        if (seen & here) {
            return true;
        }
        seen |= here;
    }
    return false;
}

static bool has_weakref(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind == ZAP_VALUE_WEAKREF) {
            return true;
        }
    }
    return false;
}

static bool anything(const struct zap_plan *plan)
{
    (void)plan;
    return true;
}

static bool nothing(const struct zap_plan *plan)
{
    (void)plan;
    return false;
}

static bool has_setting(const struct zap_plan *plan)
{
    return zap_plan_has_setting(plan, ZAP_SETTING_GC_ON);
}

static bool has_unlisted(const struct zap_plan *plan)
{
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (plan->modules[m].unlisted) {
            return true;
        }
    }
    return false;
}

static bool parks_module(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->parks_count; i++) {
        if (plan->parks[i].is_module) {
            return true;
        }
    }
    return false;
}

/* A node that C code or a container there holds. */
static bool parks_node(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        if (!park->is_module && park->place == ZAP_PARK_C &&
            plan->objects[park->what].kind == ZAP_VALUE_NODE) {
            return true;
        }
    }
    return false;
}

/* No rhyme or reason: a third of all plans, and those that are asked about keep their answers. */
static bool whim(const struct zap_plan *plan)
{
    uint8_t wire[ZAP_WIRE_MAX];
    size_t len = zap_wire_encode(plan, wire);
    uint32_t sum = 7;
    for (size_t i = 0; i < len; i++) {
        sum = sum * 31 + wire[i];
    }
    return (sum >> 8) % 3 == 0;
}

static const struct {
    const char *what;
    bool (*holds)(const struct zap_plan *plan);
    /* The one plan that is smallest, in text without its route, which is exit where `ends` is set
     * and else drop; NULL where there are several. */
    const char *smallest;
    bool ends;
} predicates[] = {
    {"anything", anything, "module m0\n", false},
    {"raises under an underscore", raises_underscored,
     "module m0\nobject o0 = node elsewhere\nglobal m0 _a = o0\nscript o0\n    raise\n", false},
    {"looks at home", looks_at_home,
     "module m0\nobject o0 = node m0\nglobal m0 a = o0\nscript o0\n    look m0 a\n", false},
    {"is held", has_held_module, "module m0 held\n", false},
    {"shares", shares,
     "module m0\nmodule m1\nobject o0 = int\nglobal m0 a = o0\nglobal m1 a = o0\n", false},
    {"has a setting", has_setting, "setting gc-on\nmodule m0\n", true},
    {"has an unlisted module", has_unlisted, "module m0 unlisted\n", true},
    {"parks a module", parks_module, "module m0\npark module m0 sys\n", true},
    {"parks a node", parks_node, "module m0\nobject o0 = node elsewhere\npark object o0 c\n", true},
    {"has a weak reference", has_weakref, NULL,
     false}, /* to the node of a global, or to one that a list holds, which a bound method holds */
    {"a whim", whim, NULL, false},
};
enum { PREDICATES_COUNT = sizeof predicates / sizeof predicates[0] };

/* ------------------------------------------------------------------ laws */

/* Shrink to the end, and see that every candidate keeps the contract. */
static void shrink_all(const struct zap_plan *plan, bool (*holds)(const struct zap_plan *plan),
                       struct zap_shrink *shrink)
{
    struct zap_plan candidate;
    zap_shrink_init(plan, shrink);
    while (zap_shrink_next(shrink, &candidate)) {
        assert_true(zap_plan_is_normal(&candidate));
        assert_true(zap_shrink_measure(&candidate) < zap_shrink_measure(&shrink->best));
        if (holds(&candidate)) {
            zap_shrink_accept(shrink);
            assert_true(zap_plan_equal(&shrink->best, &candidate));
        } else {
            zap_shrink_reject(shrink);
        }
    }
}

static void assert_is_text(const struct zap_plan *plan, const char *route, const char *expected)
{
    char text[4096], whole[4096];
    struct zap_str printed = zap_str_init(text, sizeof text);
    struct zap_str wanted = zap_str_init(whole, sizeof whole);
    struct zap_plan parsed;
    struct zap_text_error error;
    zap_text_print(plan, &printed);
    zap_str_printf(&wanted, "pyzap plan 1\nroute %s\n%s", route, expected);
    if (zap_text_parse(whole, wanted.len, &parsed, &error) != ZAP_OK) {
        fail_msg("line %u: %s", error.line, error.what);
    }
    if (!zap_plan_equal(plan, &parsed)) {
        fail_msg("expected\n%s\nfound\n%s", whole, text);
    }
}

static void smaller_and_still_true(void **state)
{
    (void)state;
    static struct zap_shrink shrink, again;
    uint32_t most = 0, all = 0, shrunk = 0;
    for (unsigned p = 0; p < PREDICATES_COUNT; p++) {
        unsigned seen = 0;
        for (uint64_t index = 0; index < PLANS; index++) {
            const struct zap_gen_config config = {.seed = 77,
                                                  .size = index % 3 ? 0 : ZAP_SIZE_MAX,
                                                  .shape = ZAP_SHAPE_RANDOM,
                                                  .routes = index % 2 ? 0 : ZAP_ROUTES_THAT_END};
            struct zap_plan plan;
            /* of each other block that ends an interpreter the last one: it may have settings */
            zap_gen_plan(&config, index * ZAP_BLOCK + index / 2 % 2 * (ZAP_BLOCK - 1), &plan);
            if (!predicates[p].holds(&plan)) {
                continue;
            }
            seen++;
            shrink_all(&plan, predicates[p].holds, &shrink);
            assert_true(predicates[p].holds(&shrink.best));
            assert_true(zap_shrink_measure(&shrink.best) <= zap_shrink_measure(&plan));
            assert_true(shrink.tries < ZAP_SHRINK_TRIES_MAX);
            if (predicates[p].smallest != NULL) {
                assert_is_text(&shrink.best, predicates[p].ends ? "exit" : "drop",
                               predicates[p].smallest);
            }
            if (config.size == 0) {
                most = shrink.tries > most ? shrink.tries : most;
                all += shrink.tries;
                shrunk++;
            }
            shrink_all(&shrink.best, predicates[p].holds, &again);
            assert_true(zap_plan_equal(&shrink.best, &again.best));
        }
        print_message("%-28s %3u plans\n", predicates[p].what, seen);
        assert_true(seen > 0);
    }
    print_message("default size: %u candidates on average, %u at most\n", all / shrunk, most);
}

/* As full as can be: every count is at its limit. */
static void fill(unsigned variant, struct zap_plan *ret_plan)
{
    zap_plan_init(ret_plan);
    ret_plan->route = variant % 2 ? ZAP_ROUTE_RELOAD : ZAP_ROUTE_SUBINTERP_GIL;
    ret_plan->settings = 0xff;
    for (; ret_plan->parks_count < ZAP_PARKS_MAX; ret_plan->parks_count++) {
        ret_plan->parks[ret_plan->parks_count] =
            (struct zap_park){.place = ZAP_PARK_C,
                              .is_module = ret_plan->parks_count == 0,
                              .what = (uint8_t)(ret_plan->parks_count % ZAP_OBJECTS_MAX)};
    }
    ret_plan->modules_count = ZAP_MODULES_MAX;
    ret_plan->objects_count = ZAP_OBJECTS_MAX;
    ret_plan->links_count = ZAP_LINKS_MAX;
    ret_plan->acts_count = ZAP_ACTS_MAX;
    for (unsigned i = 0; i < ZAP_OBJECTS_MAX; i++) {
        ret_plan->objects[i] = (struct zap_object){
            .kind = ZAP_VALUE_NODE, .module = (uint8_t)((i + variant) % ZAP_MODULES_MAX)};
    }
    for (unsigned m = 0, i = 0; m < ZAP_MODULES_MAX; m++) {
        ret_plan->modules[m].held = 1;
        ret_plan->modules[m].unlisted = 1;
        for (unsigned g = 0; g < ZAP_GLOBALS_MAX; g++, i++) {
            ret_plan->modules[m].globals_count++;
            ret_plan->modules[m].globals[g] =
                (struct zap_global){.name = (uint8_t)(ZAP_NAME_DUNDER_A + g),
                                    .object = (uint8_t)((i + variant) % ZAP_OBJECTS_MAX),
                                    .again = ZAP_AGAIN_NONE};
        }
    }
    for (unsigned i = 0; i < ZAP_LINKS_MAX; i++) {
        ret_plan->links[i] = (struct zap_link){(uint8_t)(i % ZAP_OBJECTS_MAX),
                                               (uint8_t)((i + variant) % ZAP_OBJECTS_MAX)};
    }
    for (unsigned i = 0; i < ZAP_ACTS_MAX; i++) {
        ret_plan->acts[i] = (struct zap_act){.node = (uint8_t)(i % ZAP_OBJECTS_MAX),
                                             .op = ZAP_OP_LOOK,
                                             .module = (uint8_t)((i + variant) % ZAP_MODULES_MAX),
                                             .name = (uint8_t)(ZAP_NAME_U_LONG - i % 20)};
    }
    zap_plan_normalize(ret_plan);
    assert_int_equal(ret_plan->parks_count, variant % 2 ? 0 : ZAP_PARKS_MAX);
    assert_int_equal(ret_plan->links_count, ZAP_LINKS_MAX);
    assert_int_equal(ret_plan->acts_count, ZAP_ACTS_MAX);
}

static void the_fullest_plan_ends_within_the_bound(void **state)
{
    (void)state;
    static struct zap_shrink shrink;
    struct zap_plan plan;
    uint32_t most = 0;
    for (unsigned variant = 0; variant < 8; variant++) {
        fill(variant, &plan);
        for (unsigned p = 0; p < PREDICATES_COUNT; p++) {
            shrink_all(&plan, predicates[p].holds, &shrink);
            most = shrink.tries > most ? shrink.tries : most;
        }
        shrink_all(&plan, nothing, &shrink);
        assert_true(zap_plan_equal(&shrink.best, &plan));
        most = shrink.tries > most ? shrink.tries : most;
    }
    print_message("%u candidates at most\n", most);
    assert_in_range(most, 1, ZAP_SHRINK_TRIES_MAX - 1);
}

static void nothing_accepted_nothing_changed(void **state)
{
    (void)state;
    static struct zap_shrink shrink;
    const struct zap_gen_config config = {.seed = 5};
    uint32_t all = 0, most = 0;
    for (uint64_t index = 0; index < PLANS; index++) {
        struct zap_plan plan, candidate, before;
        zap_gen_plan(&config, index, &plan);
        zap_shrink_init(&plan, &shrink);
        memset(&before, 0, sizeof before);
        while (zap_shrink_next(&shrink, &candidate)) {
            assert_false(zap_plan_equal(&candidate, &before));
            before = candidate;
            zap_shrink_reject(&shrink);
        }
        assert_true(zap_plan_equal(&shrink.best, &plan));
        assert_int_equal(shrink.tries, shrink.rejected_count);
        assert_false(zap_shrink_next(&shrink, &candidate)); /* over is over */
        all += shrink.tries;
        most = shrink.tries > most ? shrink.tries : most;
    }
    print_message("default size: %u candidates on average, %u at most\n", all / PLANS, most);
}

static void given_up_it_has_the_best_so_far(void **state)
{
    (void)state;
    static struct zap_shrink shrink;
    const struct zap_gen_config config = {.seed = 5};
    struct zap_plan plan, candidate;
    zap_gen_plan(&config, 3, &plan);
    zap_shrink_init(&plan, &shrink);
    assert_true(zap_plan_equal(&shrink.best, &plan));
    assert_true(zap_shrink_next(&shrink, &candidate));
    zap_shrink_accept(&shrink);
    assert_true(zap_plan_equal(&shrink.best, &candidate));
    struct zap_plan more;
    assert_true(zap_shrink_next(&shrink, &more) || zap_plan_equal(&shrink.best, &candidate));
    assert_true(zap_plan_equal(&shrink.best, &candidate));
}

/* ------------------------------------------------------------------ single simplifications */

static void shrink_to(const char *text, bool (*holds)(const struct zap_plan *plan),
                      const char *route, const char *expected)
{
    static struct zap_shrink shrink;
    struct zap_plan plan;
    struct zap_text_error error;
    if (zap_text_parse(text, strlen(text), &plan, &error) != ZAP_OK) {
        fail_msg("line %u: %s", error.line, error.what);
    }
    shrink_all(&plan, holds, &shrink);
    assert_is_text(&shrink.best, route, expected);
}

static void shrink_text(const char *text, bool (*holds)(const struct zap_plan *plan),
                        const char *expected)
{
    shrink_to(text, holds, "drop", expected);
}

static bool has_two_globals(const struct zap_plan *plan)
{
    return plan->modules[0].globals_count >= 2;
}

static bool has_cnode(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (plan->objects[i].kind == ZAP_VALUE_CNODE) {
            return true;
        }
    }
    return false;
}

static bool has_link_to_cnode(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->links_count; i++) {
        if (plan->objects[plan->links[i].to].kind == ZAP_VALUE_CNODE) {
            return true;
        }
    }
    return false;
}

/* Two nodes, each under a name of its own, in whichever modules. */
static bool binds_two_nodes(const struct zap_plan *plan)
{
    uint64_t nodes = 0;
    unsigned count = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
            unsigned object = plan->modules[m].globals[i].object;
            bool is_new = plan->objects[object].kind == ZAP_VALUE_NODE && !(nodes >> object & 1);
            nodes |= is_new ? UINT64_C(1) << object : 0;
            count += is_new;
        }
    }
    return count >= 2;
}

static bool parks_another_module(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->parks_count; i++) {
        if (plan->parks[i].is_module && plan->parks[i].what > 0) {
            return true;
        }
    }
    return false;
}

static bool parks_beside_another(const struct zap_plan *plan)
{
    return parks_module(plan) && plan->modules_count >= 2;
}

static bool binds_kind(const struct zap_plan *plan, unsigned m, unsigned kind)
{
    for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
        if (plan->objects[plan->modules[m].globals[i].object].kind == kind) {
            return true;
        }
    }
    return false;
}

/* A module that is parked binds a node, and any module a C node. */
static bool parks_a_node_binder(const struct zap_plan *plan)
{
    bool binds_cnode = false;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        binds_cnode = binds_cnode || binds_kind(plan, m, ZAP_VALUE_CNODE);
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        if (park->is_module && binds_kind(plan, park->what, ZAP_VALUE_NODE)) {
            return binds_cnode;
        }
    }
    return false;
}

/* Of one module, and all that it takes: only one step leads here from what the tests give. */
static bool parks_only_a_node_binder(const struct zap_plan *plan)
{
    return plan->modules_count == 1 && plan->parks_count == 1 &&
           plan->modules[0].globals_count == 1 && binds_kind(plan, 0, ZAP_VALUE_NODE);
}

static bool parks_only_a_keeper(const struct zap_plan *plan)
{
    return plan->objects_count == 1 && plan->parks_count == 1 && plan->acts_count == 1;
}

static bool names_a_global(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (zap_op_row(plan->acts[i].op)->operands == ZAP_OPERANDS_NAME) {
            return true;
        }
    }
    return false;
}

static void simplifications(void **state)
{
    (void)state;
    /* containers that only lead to something go */
    shrink_text("pyzap plan 1\nroute wipe\nmodule m0\nobject c = cnode\nobject t = tuple\n"
                "object l = dict\nglobal m0 __builtins__ = l\nlink t -> c\nlink l -> t\n",
                has_cnode, "module m0\nobject o0 = cnode\nglobal m0 a = o0\n");
    /* one that is needed becomes a list */
    shrink_text(
        "pyzap plan 1\nroute collect\nmodule m0\nobject c = cnode\nobject t = cell\n"
        "global m0 int(7) = t\nlink t -> c\n",
        has_link_to_cnode,
        "module m0\nobject o0 = cnode\nobject o1 = list\nglobal m0 a = o1\nlink o1 -> o0\n");
    /* odd names become ordinary ones; what is bound to them an int, and only one */
    shrink_text("pyzap plan 1\nroute drop\nmodule m0 held\nobject n = node m0\nobject c = cnode\n"
                "global m0 _ = n\nglobal m0 __spec__ = c\n",
                has_two_globals,
                "module m0\nobject o0 = int\nglobal m0 a = o0\nglobal m0 b = o0\n");
    /* what only needs one module is in the first */
    shrink_text("pyzap plan 1\nroute drop\nmodule m0\nmodule m1\nobject n = node m1\n"
                "global m0 _a = n\nscript n\n    look m1 b\n    raise\n",
                raises_underscored,
                "module m0\nobject o0 = node elsewhere\nglobal m0 _a = o0\nscript o0\n    raise\n");
    /* two modules become one, whose names all differ */
    shrink_text("pyzap plan 1\nroute wipe\nmodule m0\nmodule m1\nobject n = node m0\n"
                "object o = node m1\nglobal m0 a = n\nglobal m1 a = o\n",
                binds_two_nodes,
                "module m0\nobject o0 = node elsewhere\nobject o1 = node elsewhere\n"
                "global m0 a = o0\nglobal m0 b = o1\n");
    /* two nodes become one, which does what either does; what it does, the simplest of its kind */
    shrink_text("pyzap plan 1\nroute reload\nmodule m0\nobject n = node m0\nobject o = node m0\n"
                "object l = list\nglobal m0 a = n\nglobal m0 b = l\nlink n -> o\nlink o -> l\n"
                "script o\n    bind-node m0 _b\n",
                names_a_global,
                "module m0\nobject o0 = node elsewhere\nglobal m0 a = o0\nscript o0\n"
                "    look m0 a\n");
    /* what was only parked is bound, where no end is needed; and no longer unlisted, or set */
    shrink_text("pyzap plan 1\nroute subinterp\nsetting gc-on\nsetting hook-none\n"
                "module m0 unlisted\nobject c = cnode\nobject l = list\npark object l c\n"
                "park module m0 main\nlink l -> c\n",
                has_cnode, "module m0\nobject o0 = cnode\nglobal m0 a = o0\n");
    /* a park stays with the module that it is about, and its place becomes a simple one */
    shrink_to("pyzap plan 1\nroute subinterp-gil\nmodule m0\nmodule m1\nobject n = node m0\n"
              "global m0 a = n\npark module m0 sys\npark module m1 context\n"
              "park object n thread\n",
              parks_another_module, "exit", "module m0\nmodule m1\npark module m1 sys\n");
}

static void parks_follow_what_they_hold(void **state)
{
    (void)state;
    shrink_to("pyzap plan 1\nroute exit\nmodule m0\nmodule m1\npark module m1 builtins\n",
              parks_beside_another, "exit", "module m0\nmodule m1\npark module m0 sys\n");
    /* modules are left out, and merged */
    shrink_to("pyzap plan 1\nroute exit\nmodule m0\nmodule m1\nobject n = node elsewhere\n"
              "object i = int\nglobal m0 a = i\nglobal m1 a = n\npark module m1 sys\n",
              parks_only_a_node_binder, "exit",
              "module m0\nobject o0 = node elsewhere\nglobal m0 a = o0\npark module m0 sys\n");
    shrink_to("pyzap plan 1\nroute exit\nmodule m0\nmodule m1\nobject n = node elsewhere\n"
              "object c = cnode\nglobal m1 b = n\nglobal m0 a = c\npark module m1 sys\n",
              parks_a_node_binder, "exit",
              "module m0\nobject o0 = node elsewhere\nobject o1 = cnode\n"
              "global m0 a = o1\nglobal m0 b = o0\npark module m0 sys\n");
    /* what a container holds takes its place */
    shrink_to("pyzap plan 1\nroute exit\nmodule m0\nobject n = node elsewhere\nobject l = list\n"
              "link l -> n\npark object l sys\nscript n\n    keep\n",
              parks_only_a_keeper, "exit",
              "module m0\nobject o0 = node elsewhere\npark object o0 sys\nscript o0\n    keep\n");
}

/* All ways to a plan that ends no interpreter are tried before others that do, simplest first. */
static void simpler_routes(void **state)
{
    (void)state;
    static const uint8_t routes[] = {
        ZAP_ROUTE_DROP,          ZAP_ROUTE_COLLECT,   ZAP_ROUTE_RELOAD,
        ZAP_ROUTE_FAILED_IMPORT, ZAP_ROUTE_WIPE,      ZAP_ROUTE_WIPE_UNHELD,
        ZAP_ROUTE_EXIT,          ZAP_ROUTE_SUBINTERP, ZAP_ROUTE_SUBINTERP_GIL};
    enum { ROUTES = sizeof routes };
    for (unsigned given = 0; given < ROUTES; given++) {
        static struct zap_shrink shrink;
        struct zap_plan plan, candidate;
        zap_plan_init(&plan);
        plan.route = routes[given];
        zap_shrink_init(&plan, &shrink);
        unsigned tried = 0;
        while (zap_shrink_next(&shrink, &candidate)) {
            assert_int_equal(candidate.route, routes[tried++]);
            zap_shrink_reject(&shrink);
        }
        assert_int_equal(tried, given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smaller_and_still_true),
        cmocka_unit_test(the_fullest_plan_ends_within_the_bound),
        cmocka_unit_test(nothing_accepted_nothing_changed),
        cmocka_unit_test(given_up_it_has_the_best_so_far),
        cmocka_unit_test(simplifications),
        cmocka_unit_test(parks_follow_what_they_hold),
        cmocka_unit_test(simpler_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
