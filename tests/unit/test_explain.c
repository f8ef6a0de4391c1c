/* Plans in words. Whole texts are compared once; the rest looks for the sentence that a plan is
 * about. */
#include "oracle/explain.h"
#include "plan/gen.h"
#include "plan/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[ZAP_EXPLAIN_MAX];

static const char *explain_plan(const struct zap_plan *plan)
{
    struct zap_str str = zap_str_init(text, sizeof(text));
    zap_explain_plan(plan, &str);
    assert_false(str.cut);
    return text;
}

static const char *explain(const char *source)
{
    struct zap_plan plan;
    struct zap_text_error error = {0};
    if (zap_text_parse(source, strlen(source), &plan, &error) != ZAP_OK) {
        fail_msg("line %u: %s", error.line, error.what);
    }
    return explain_plan(&plan);
}

/* Does `part` occur, where a line's end counts as a space? */
static bool says(const char *whole, const char *part)
{
    size_t len = strlen(part);
    for (; *whole; whole++) {
        size_t at = 0;
        while (at < len && (whole[at] == part[at] || (whole[at] == '\n' && part[at] == ' '))) {
            at++;
        }
        if (at == len) {
            return true;
        }
    }
    return false;
}

#define assert_says(whole, part)                                                                   \
    do {                                                                                           \
        if (!says(whole, part)) {                                                                  \
            fail_msg("does not say \"%s\":\n%s", part, whole);                                     \
        }                                                                                          \
    } while (0)

static void a_whole_text(void **state)
{
    (void)state;
    assert_string_equal(
        explain("pyzap plan 1\nroute collect\nmodule m0\n"
                "object x = node m0\nobject l = list\nobject c = cnode\n"
                "global m0 a = x\nglobal m0 _b = l\nglobal m0 c = x\n"
                "link l -> c\nlink l -> x\n"
                "script x\n look m0 _b\n raise\n"),
        "1 module and 3 objects, by the route collect: drop, then a full collection.\n"
        "\n"
        "m0 binds, in this order:\n"
        "    a = o0, an instance of a class that m0 defines\n"
        "    _b = o1, a list; it holds o2 and o0\n"
        "    c = o0, which is also a of m0\n"
        "\n"
        "Objects without a name of their own:\n"
        "    o2, a C node, which only records that it is deallocated\n"
        "\n"
        "The __del__ of o0\n"
        "    looks at _b in m0\n"
        "    raises an exception\n"
        "\n"
        "What to expect, if no script interferes:\n"
        "\n"
        "m0 defines the class of o0, so its dict is in a cycle and only the collector can free it "
        "(path\n"
        "G, 3.4 on). Every __del__ finds all names in place, underscore or not; afterwards the "
        "dict "
        "is\n"
        "emptied.\n"
        "\n"
        "In 2.7 m0 is cleared in two passes, in hash order, when the module object goes (path Z). "
        "Pass 1\n"
        "sets _b to None. Pass 2 sets a and c to None.\n"
        "\n"
        "Free-threaded builds leave every module to the collector.\n"
        "\n"
        "The finalizers that the collector runs come in about the order in which the objects were "
        "made:\n"
        "o0.\n");
}

static void data_goes_in_dict_order(void **state)
{
    (void)state;
    const char *told = explain("pyzap plan 1\nroute drop\nmodule m0\n"
                               "object x = node elsewhere\nobject c = cnode\n"
                               "global m0 b = x\nglobal m0 _a = c\n");
    assert_says(told, "No cycle reaches m0's dict");
    assert_says(told,
                "(path D, 3.4 on), and its values go in dict order, underscore or not: b and _a.");
    assert_says(told, "Pass 1 sets _a to None. Pass 2 sets b to None.");
    assert_says(told, "an instance of a class that no module of the plan defines");
    assert_says(told, "The __del__ of o0 only records that it ran.");
    assert_false(says(told, "path G"));
}

/* Each kind that refers to its module's globals, and how that is told. */
static void what_refers_to_the_dict_makes_a_cycle(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        const char *why;
        bool waits_in_27;
    } cases[] = {
        {"function m0", "m0's own names lead to o1, and that leads back to its dict", false},
        {"lambda m0", "m0's own names lead to o1, and that leads back to its dict", false},
        {"generator m0", "m0's own names lead to o1, and that leads back to its dict", false},
        {"globals m0", "m0's own names lead to o1, and that leads back to its dict", false},
        {"module m0", "m0's own names lead to o1, and that leads back to its dict", true},
        {"class m0", "m0 defines the class of o1, so its dict is in a cycle", false},
        {"node m0", "m0 defines the class of o1, so its dict is in a cycle", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char source[256];
        struct zap_str str = zap_str_init(source, sizeof(source));
        zap_str_printf(&str,
                       "pyzap plan 1\nroute drop\nmodule m0\nobject c = cnode\nobject x = %s\n"
                       "global m0 a = c\nglobal m0 b = x\n",
                       cases[i].kind);
        const char *told = explain(source);
        assert_says(told, cases[i].why);
        assert_says(told, "only the collector can free it (path G");
        assert_says(told, "This route does not collect");
        assert_int_equal(says(told, "In 2.7 m0 waits for the collector too"), cases[i].waits_in_27);
    }
}

static void modules_depend_on_each_other(void **state)
{
    (void)state;
    const char *told = explain("pyzap plan 1\nroute drop\nmodule m0\nmodule m1\n"
                               "object c = cnode\nobject f = function m0\n"
                               "global m0 a = c\nglobal m1 a = f\n");
    assert_says(told, "No cycle reaches m0's dict");
    assert_says(told, "That is not before o1 is gone.");
    told = explain("pyzap plan 1\nroute drop\nmodule m0\nmodule m1\n"
                   "object f = function m0\nobject l = list\n"
                   "global m1 a = l\nlink l -> l\nlink l -> f\n");
    assert_says(told, "m0's dict hangs off a cycle, by way of o0, so it goes with that");
    assert_says(told, "o1 is in a cycle without any module, and waits for the collector.");
    told = explain("pyzap plan 1\nroute drop\nmodule m0 held\nmodule m1\n"
                   "object f = function m1\nobject c = cnode\n"
                   "global m0 a = f\nglobal m1 a = c\n");
    assert_says(told, "whose __dict__ somebody else holds");
    assert_says(told, "m0's dict is held, so from 3.4 on the module object goes alone");
    assert_says(told, "m1's dict can be reached from what stays until the route is over");
    told = explain("pyzap plan 1\nroute failed-import\nmodule m0\nmodule m1\n"
                   "object x = node m0\nobject c = cnode\n"
                   "global m0 a = c\nglobal m1 a = x\n");
    assert_says(told, "takes m0 out of sys.modules and drops it. The others stay.");
    assert_says(told, "m0's dict can be reached from what stays");
}

static void a_method_holds_and_a_weakref_does_not(void **state)
{
    (void)state;
    const char *told = explain("pyzap plan 1\nroute collect\nmodule m0\n"
                               "object x = node elsewhere\nobject w = weakref x\n"
                               "global m0 a = x\nglobal m0 b = w\nlink x -> w\n");
    assert_false(says(told, "without any module"));
    assert_says(told, "a weak reference to o0");
    told = explain("pyzap plan 1\nroute collect\nmodule m0\n"
                   "object x = node elsewhere\nobject w = method x\n"
                   "global m0 a = x\nglobal m0 b = w\nlink x -> w\n");
    assert_says(told, "o0 and o1 are in cycles without any module, and wait for the collector. "
                      "In 2.7 a __del__ in a cycle never runs.");
}

static void a_wipe_has_two_passes(void **state)
{
    (void)state;
    const char *told = explain("pyzap plan 1\nroute wipe\nmodule m0\n"
                               "object c = cnode\nobject n = none\n"
                               "global m0 a = c\nglobal m0 _a = c\nglobal m0 _b = n\n"
                               "global m0 int(7) = c\n");
    assert_says(told, "m0 is wiped (path W)");
    assert_says(told, "Pass 1 sets _a to None. Pass 2 sets a to None. It leaves alone int(7).");
    told = explain("pyzap plan 1\nroute wipe\nmodule m0\nobject c = cnode\n"
                   "global m0 u\"_u\" = c\nglobal m0 a = c\nglobal m0 __builtins__ = c\n");
    assert_says(told,
                "Pass 1 sets u\"_u\" to None. Pass 2 sets a to None. It leaves alone __builtins__. "
                "In 2.7 it leaves alone u\"_u\" and __builtins__.");
    told = explain("pyzap plan 1\nroute wipe\nmodule m0\nobject n = none\nglobal m0 a = n\n");
    assert_says(told, "Of the plan's names there is none to set to None.");
}

static void a_reload_binds_again(void **state)
{
    (void)state;
    const char *told = explain("pyzap plan 1\nroute reload\nmodule m0\n"
                               "object c = cnode\nobject d = cnode\nobject e = cnode\n"
                               "global m0 b = c again int\nglobal m0 _a = d again none\n"
                               "global m0 c = e\n");
    assert_says(told,
                "b = o0, a C node, which only records that it is deallocated; the second time, "
                "an int");
    assert_says(told, "as these names are bound again: b, _a.");
    told = explain("pyzap plan 1\nroute reload\nmodule m0\n");
    assert_says(told, "m0 binds no names.");
    assert_says(told, "and no name is bound again.");
}

static void the_end_of_an_interpreter(void **state)
{
    (void)state;
    const char *told =
        explain("pyzap plan 1\nroute exit\nsetting hook-none\nmodule m0\nmodule m1 unlisted held\n"
                "object x = node m0\nobject l = list\nglobal m0 _a = x\nglobal m1 b = l\n"
                "park module m0 sys\npark object l c\n");
    assert_says(told, "by the route exit: the interpreter ends: Py_FinalizeEx.");
    assert_says(told, "m1, which was taken out of sys.modules and whose __dict__ somebody else "
                      "holds until the route is over, binds");
    assert_says(told, "\n\nBeside the modules\n    an attribute of sys holds m0\n    C code holds "
                      "o1 and never lets go\n\n");
    assert_says(told, "When the interpreter ends\n    sys.unraisablehook is None\n\n");
    assert_says(told, "m0 is still there when sys.modules has let go of it, so it is wiped (path "
                      "W). Pass 1 sets _a to None. Pass 2 finds none of the plan's names.");
    assert_says(told, "m1 is not in sys.modules, so the interpreter never wipes it: it goes with "
                      "its last reference.");
    assert_says(told, "o1 stays for ever.");
    told = explain("pyzap plan 1\nroute exit\nmodule m0\nmodule m1\nobject y = node m1\n"
                   "object z = cnode\nglobal m0 a = z\nglobal m1 a = y\npark object y atexit\n"
                   "park module m0 builtins\n");
    assert_says(told,
                "\n\nBeside the modules\n    an atexit callback holds o0; called, it runs the "
                "script of a node\n    an attribute of builtins holds m0\n\n");
    assert_says(told, "First the atexit callbacks are called, the last one first. Then there is a "
                      "full collection, with all modules in place, up to 3.5 and from 3.14.0 to "
                      "3.14.4 only");
    assert_says(told, "m0 goes when builtins loses what was added to it (path D), and its values "
                      "go in dict order, underscore or not: a.");
    assert_says(told, "m1 defines the class of o0, so its dict is in a cycle and only a collection "
                      "can free it (path G): the first one after m1 is gone, which is when "
                      "sys.modules lets go of it.");
    assert_says(told, "o0 stays at least until the atexit callbacks are over.");
    assert_false(says(told, "This route does not collect"));
}

static void ends_differ(void **state)
{
    (void)state;
    const char *told = explain("pyzap plan 1\nroute exit\nsetting gc-on\nmodule m0\n");
    assert_says(told, "First there is a full collection, with all modules in place.");
    told = explain("pyzap plan 1\nroute subinterp\nmodule m0\npark module m0 atexit\n");
    assert_says(told, "First the atexit callbacks are called, the last one first; before 3.7 they "
                      "are not. There is no collection before modules go");
    assert_says(told, "m0 goes when sys.modules lets go of it (path D).");
    told = explain("pyzap plan 1\nroute subinterp-gil\nmodule m0 unlisted\n");
    assert_says(told, "m0, which was taken out of sys.modules, binds no names.");
    assert_says(told, "There is no collection before modules go");
    /* listed again, as another module's attribute, and through what refers to its dict alone */
    told = explain("pyzap plan 1\nroute exit\nmodule m0 unlisted\nmodule m1\n"
                   "object m = module m1\nglobal m0 a = m\npark module m0 main\n"
                   "park module m0 context\n");
    assert_says(told, "m0 is still there when sys.modules has let go of it, so it is wiped");
    assert_says(told, "m1 is still there when sys.modules has let go of it, so it is wiped");
    told = explain("pyzap plan 1\nroute exit\nmodule m0\nobject f = function m0\n"
                   "park object f codecs\n");
    assert_says(told, "m0 goes when sys.modules lets go of it, but its dict can be reached from "
                      "what stays longer, so nobody wipes it");
    told = explain("pyzap plan 1\nroute exit\nmodule m0 unlisted\npark module m0 c\n");
    assert_says(told, "its last reference, which is one that is still there when all others are "
                      "wiped.");
}

static void scripts_say_how_they_reach_a_name(void **state)
{
    (void)state;
    const char *told = explain("pyzap plan 1\nroute wipe\nmodule m0\nmodule m1\n"
                               "object x = node m0\nglobal m0 a = x\n"
                               "script x\n look m1 a\n raise\n");
    assert_says(told, "looks at a in m1, through sys.modules");
    told = explain("pyzap plan 1\nroute wipe\nmodule m0\nobject x = node m0\nglobal m0 a = x\n"
                   "script x\n raise\n keep\n");
    assert_says(told, "raises an exception     and never gets to what follows:     puts itself");
}

/* Every row of the tables has words of its own, and nothing is left of a pattern. */
static void every_plan_can_be_told(void **state)
{
    (void)state;
    uint64_t kinds = 0;
    uint64_t ops = 0;
    uint64_t places = 0;
    unsigned settings = 0;
    for (unsigned size = ZAP_SIZE_MIN; size <= ZAP_SIZE_MAX; size += 31) {
        struct zap_gen_config config = {.seed = 2, .size = (uint8_t)size};
        for (uint64_t i = 0; i < 3000; i++) {
            struct zap_plan plan;
            config.routes = i % 4 == 0 ? 1u << ZAP_ROUTE_EXIT | 1u << ZAP_ROUTE_SUBINTERP : 0;
            /* of each other block that ends an interpreter the last one: it may have settings */
            zap_gen_plan(&config, i * ZAP_BLOCK + i / 4 % 2 * (ZAP_BLOCK - 1), &plan);
            const char *told = explain_plan(&plan);
            assert_null(strstr(told, "of kind"));
            assert_null(strpbrk(told, "{}?"));
            for (unsigned p = 0; p < plan.parks_count; p++) {
                places |= UINT64_C(1) << plan.parks[p].place;
            }
            settings |= plan.settings;
            for (unsigned o = 0; o < plan.objects_count; o++) {
                kinds |= UINT64_C(1) << plan.objects[o].kind;
            }
            for (unsigned a = 0; a < plan.acts_count; a++) {
                ops |= UINT64_C(1) << plan.acts[a].op;
            }
            const char *prose = strstr(told, "What to expect");
            assert_non_null(prose);
            for (size_t width = 0; *prose; prose++) {
                width = *prose == '\n' ? 0 : width + 1;
                assert_true(width <= 96 || !strchr(prose, ' '));
            }
        }
    }
    for (unsigned code = 0; code < 64; code++) {
        assert_int_equal((kinds >> code) & 1, zap_value_row(code) != NULL);
        assert_int_equal((ops >> code) & 1, zap_op_row(code) != NULL);
        assert_int_equal((places >> code) & 1, zap_park_row(code) != NULL);
        assert_int_equal(settings << 1 >> (code & 15) & 1, zap_setting_row(code & 15) != NULL);
    }
}

/* The plan with the most of everything fits. */
static void the_longest_text_fits(void **state)
{
    (void)state;
    struct zap_plan plan = {.route = ZAP_ROUTE_COLLECT, .modules_count = ZAP_MODULES_MAX};
    while (plan.objects_count < ZAP_OBJECTS_MAX) {
        plan.objects[plan.objects_count++] =
            (struct zap_object){.kind = ZAP_VALUE_NODE, .module = ZAP_ELSEWHERE};
    }
    unsigned o = 0;
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        for (unsigned name = ZAP_NAME_UNI;
             plan.modules[m].globals_count < ZAP_GLOBALS_MAX && name > 0; name--) {
            plan.modules[m].globals[plan.modules[m].globals_count++] = (struct zap_global){
                .name = (uint8_t)name, .object = (uint8_t)(o++ % ZAP_OBJECTS_MAX)};
        }
    }
    while (plan.links_count < ZAP_LINKS_MAX) {
        plan.links[plan.links_count++] = (struct zap_link){0, ZAP_OBJECTS_MAX - 1};
    }
    for (unsigned a = 0; a < ZAP_ACTS_MAX; a++) {
        plan.acts[plan.acts_count++] =
            (struct zap_act){.node = (uint8_t)(a / ZAP_SCRIPT_MAX), .op = ZAP_OP_SET_BUILTINS};
    }
    zap_plan_normalize(&plan);
    assert_int_equal(plan.acts_count, ZAP_ACTS_MAX);
    assert_int_equal(plan.links_count, ZAP_LINKS_MAX);
    assert_true(strlen(explain_plan(&plan)) < ZAP_EXPLAIN_MAX / 2);
    plan.route = ZAP_ROUTE_EXIT;
    plan.settings = 0xff;
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        plan.modules[m].held = plan.modules[m].unlisted = 1;
    }
    while (plan.parks_count < ZAP_PARKS_MAX) {
        plan.parks[plan.parks_count] = (struct zap_park){ZAP_PARK_ATEXIT, 0, plan.parks_count};
        plan.parks_count++;
    }
    zap_plan_normalize(&plan);
    assert_int_equal(plan.parks_count, ZAP_PARKS_MAX);
    assert_true(strlen(explain_plan(&plan)) < ZAP_EXPLAIN_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_text),
        cmocka_unit_test(data_goes_in_dict_order),
        cmocka_unit_test(what_refers_to_the_dict_makes_a_cycle),
        cmocka_unit_test(modules_depend_on_each_other),
        cmocka_unit_test(a_method_holds_and_a_weakref_does_not),
        cmocka_unit_test(a_wipe_has_two_passes),
        cmocka_unit_test(a_reload_binds_again),
        cmocka_unit_test(the_end_of_an_interpreter),
        cmocka_unit_test(ends_differ),
        cmocka_unit_test(scripts_say_how_they_reach_a_name),
        cmocka_unit_test(every_plan_can_be_told),
        cmocka_unit_test(the_longest_text_fits),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
