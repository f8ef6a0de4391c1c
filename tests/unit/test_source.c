/* source: acts, sections and scripts as text. What they do when they run is
 * tests/worker/test_script.c. Fits the limits of a hostile build. */
#include "plan/source.h"

#include "plan/gen.h"
#include "plan/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static char text[ZAP_SOURCE_MAX];

static struct zap_plan parse(const char *lines)
{
    struct zap_plan plan;
    struct zap_text_error error;
    if (zap_text_parse(lines, strlen(lines), &plan, &error) != ZAP_OK) {
        fail_msg("line %u: %s", error.line, error.what);
    }
    return plan;
}

static const char *act_text(struct zap_act act, bool own, unsigned indent)
{
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_source_act(&act, own, indent, &out);
    assert_false(out.cut);
    return text;
}

static const char *sections_text(const struct zap_plan *plan)
{
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_source_sections(plan, &out);
    assert_false(out.cut);
    return text;
}

static const char *script_text(const struct zap_plan *plan)
{
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_source_script(plan, &out);
    assert_false(out.cut);
    return text;
}

static void act_takes_the_column_that_fits(void **state)
{
    (void)state;
    struct zap_act act = {.op = ZAP_OP_LOOK, .module = 1, .name = ZAP_NAME_U_A};
    assert_string_equal(act_text(act, true, 0), "try:\n"
                                                "    v = _a\n"
                                                "except:\n"
                                                "    v = z.missing\n"
                                                "z.look(self, 1, 9, v)\n"
                                                "v = None\n");
    assert_string_equal(act_text(act, false, 4), "    z.look(self, 1, 9, z.peek(1, '_a'))\n");
    act.name = ZAP_NAME_SPEC;
    assert_string_equal(act_text(act, true, 0),
                        "z.look(self, 1, 33, z.globals().get('__spec__', z.missing))\n");

    act = (struct zap_act){.op = ZAP_OP_BIND_NONE, .name = ZAP_NAME_A};
    assert_string_equal(act_text(act, true, 2), "  global a\n  a = None\n");
    act = (struct zap_act){.op = ZAP_OP_SET_BUILTINS};
    assert_string_equal(act_text(act, true, 0),
                        "z.store(z.globals(), '__builtins__', z.made({}))\n");
    assert_string_equal(act_text(act, false, 0), "z.poke(0, '__builtins__', z.made({}))\n");
    act = (struct zap_act){.op = ZAP_OP_BUILTIN};
    assert_string_equal(act_text(act, false, 0), "try:\n"
                                                 "    v = 1 + len(())\n"
                                                 "except:\n"
                                                 "    v = 0\n"
                                                 "z.done(self, 14, v)\n");
}

static void every_act_is_filled_in(void **state)
{
    (void)state;
    for (unsigned op = 0; op < 256; op++) {
        for (unsigned name = 0; zap_op_row(op) && name < ZAP_NAME_END; name++) {
            struct zap_act act = {.op = (uint8_t)op, .module = 1, .name = (uint8_t)name};
            if ((zap_op_row(op)->operands == ZAP_OPERANDS_NAME) != (zap_name_row(name) != NULL)) {
                continue;
            }
            for (int own = 0; own < 2; own++) {
                const char *body = act_text(act, own, 4);
                assert_memory_equal(body, "    ", 4);
                assert_int_equal(body[strlen(body) - 1], '\n');
                for (const char *brace = strchr(body, '{'); brace; brace = strchr(brace + 1, '{')) {
                    assert_int_equal(brace[1], '}'); /* an empty dict */
                }
            }
        }
    }
}

static void sections_follow_the_namespaces(void **state)
{
    (void)state;
    struct zap_plan plan = parse("pyzap plan 1\n"
                                 "route drop\n"
                                 "module m0\n"
                                 "module m1\n"
                                 "object o0 = node m0\n"
                                 "object o1 = function m0\n"
                                 "object o2 = tuple\n"
                                 "object o3 = list\n"
                                 "object o4 = node elsewhere\n"
                                 "object o5 = module m1\n"
                                 "global m0 _a = o0\n"
                                 "global m0 __doc__ = o1\n"
                                 "global m1 b = o4\n"
                                 "global m1 c = o5\n"
                                 "link o2 -> o1\n"
                                 "link o3 -> o2\n"
                                 "link o4 -> o3\n"
                                 "link o4 -> o4\n"
                                 "script o0\n"
                                 "    look m0 a\n"
                                 "    bind-int m0 a\n");
    assert_string_equal(sections_text(&plan), "#@ 0\n"
                                              "def n0_del(self, z=z):\n"
                                              "    global a\n"
                                              "    if z.skip(self):\n"
                                              "        return\n"
                                              "    try:\n"
                                              "        v = a\n"
                                              "    except:\n"
                                              "        v = z.missing\n"
                                              "    z.look(self, 0, 1, v)\n"
                                              "    v = None\n"
                                              "    a = z.fresh()\n"
                                              "n0 = z.cls('n0', n0_del)\n"
                                              "o0 = n0()\n"
                                              "def f1():\n"
                                              "    return a\n"
                                              "o1 = f1\n"
                                              "#@ elsewhere\n"
                                              "o2 = (o1,)\n"
                                              "o3 = []\n"
                                              "def n4_del(self, z=z):\n"
                                              "    pass\n"
                                              "n4 = z.cls('n4', n4_del)\n"
                                              "o4 = n4()\n"
                                              "#@ 1\n"
                                              "o5 = m1\n"
                                              "#@ elsewhere\n"
                                              "o3.append(o2)\n"
                                              "o4.l0 = o3\n"
                                              "o4.l1 = o4\n"
                                              "#@ 0\n"
                                              "global _a\n"
                                              "_a = o0\n"
                                              "z.globals()['__doc__'] = o1\n"
                                              "#@ 1\n"
                                              "global b, c\n"
                                              "b = o4\n"
                                              "c = o5\n");
}

static void nodes_have_a_method_where_it_is_asked_for(void **state)
{
    (void)state;
    struct zap_plan plan = parse("pyzap plan 1\n"
                                 "route drop\n"
                                 "module m0\n"
                                 "object o0 = node m0\n"
                                 "object o1 = method o0\n"
                                 "global m0 a = o1\n");
    assert_string_equal(sections_text(&plan), "#@ 0\n"
                                              "def n0_del(self, z=z):\n"
                                              "    pass\n"
                                              "def n0_poke(self, z=z):\n"
                                              "    z.poked(self)\n"
                                              "n0 = z.cls('n0', n0_del, n0_poke)\n"
                                              "o0 = n0()\n"
                                              "#@ elsewhere\n"
                                              "o1 = o0.poke\n"
                                              "#@ 0\n"
                                              "global a\n"
                                              "a = o1\n");
}

static void routes_that_import_have_an_end_of_their_own(void **state)
{
    (void)state;
    struct zap_plan plan = parse("pyzap plan 1\n"
                                 "route reload\n"
                                 "module m0\n"
                                 "object o0 = int\n"
                                 "global m0 a = o0\n"
                                 "global m0 b = o0\n"
                                 "global m0 __doc__ = o0\n");
    plan.modules[0].globals[0].again = ZAP_AGAIN_INT;
    plan.modules[0].globals[2].again = ZAP_AGAIN_NONE;
    assert_true(zap_plan_is_normal(&plan));
    assert_non_null(strstr(sections_text(&plan), "#@ again\n"
                                                 "global a\n"
                                                 "a = z.fresh()\n"
                                                 "z.store(z.globals(), '__doc__', None)\n"));
    plan.route = ZAP_ROUTE_FAILED_IMPORT;
    zap_plan_normalize(&plan);
    const char *sections = sections_text(&plan);
    assert_null(strstr(sections, "#@ again"));
    const char *end = strstr(sections, "z.begin()\n");
    assert_non_null(end);
    assert_string_equal(end, "z.begin()\nraise z.Error\n");
}

/* Is NAME, which a script calls z.NAME, defined in it? */
static bool is_defined(const char *script, const char *name, size_t len)
{
    static const char *const ways[] = {"    def %.*s(", "    %.*s = ", "    class %.*s(",
                                       " import ref as %.*s\n"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char line[64];
        struct zap_str out = zap_str_init(line, sizeof line);
        zap_str_printf(&out, ways[i], (int)len, name);
        if (strstr(script, line)) {
            return true;
        }
    }
    return false;
}

static void scripts_have_all_that_they_call(void **state)
{
    (void)state;
    unsigned calls = 0;
    for (unsigned i = 0; i < 300; i++) {
        struct zap_gen_config config = {
            .seed = 2, .size = ZAP_SIZE_MAX, .routes = i % 15 == 0 ? ZAP_ROUTES_THAT_END : 0};
        struct zap_plan plan;
        zap_gen_plan(&config, i, &plan);
        const char *script = script_text(&plan);
        const char *code = strstr(script, "\nBUILD = [");
        assert_non_null(code);
        for (const char *at = strchr(code, '.'); at; at = strchr(at + 1, '.')) {
            size_t len = strspn(at + 1, "abcdefghijklmnopqrstuvwxyzE_");
            if (at[-1] != 'z')
                continue;
            calls++;
            if (!is_defined(script, at + 1, len)) {
                fail_msg("plan %u: no z.%.*s", i, (int)len, at + 1);
            }
        }
    }
    assert_true(calls > 1000);
}

static void scripts_have_no_more_than_they_need(void **state)
{
    (void)state;
    struct zap_plan plan = parse("pyzap plan 1\nroute drop\nmodule m0\n"
                                 "object o0 = int\nglobal m0 a = o0\n");
    const char *script = script_text(&plan);
    assert_null(strstr(script, "def cls"));
    assert_null(strstr(script, "def state"));
    assert_null(strstr(script, "class Importer"));
    assert_null(strstr(script, "ctypes"));
    assert_null(strstr(script, "NAMES"));
    assert_null(strstr(script, "z.collect()"));
    assert_null(strstr(script, "#@"));
    assert_non_null(strstr(script, "\nz.end()\n"));

    plan.route = ZAP_ROUTE_WIPE;
    assert_non_null(strstr(script_text(&plan), "    import ctypes\n"));
    plan.route = ZAP_ROUTE_COLLECT;
    script = script_text(&plan);
    assert_non_null(strstr(script, "    def collect(self):\n"));
    assert_true(strstr(script, "modules[i] = None") < strstr(script, "\nz.collect()\nz.end()\n"));
}

/* The plan in a script's comments is the plan: who finds the script has the test case. */
static void scripts_carry_their_plan(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct zap_gen_config config = {.seed = 3, .routes = i % 15 == 0 ? ZAP_ROUTES_THAT_END : 0};
        static char lines[ZAP_TEXT_MAX];
        struct zap_str plan_text = zap_str_init(lines, sizeof lines);
        struct zap_plan plan, again;
        struct zap_text_error error;
        zap_gen_plan(&config, i, &plan);
        const char *line = strstr(script_text(&plan), "\n# pyzap plan 1\n");
        assert_non_null(line);
        for (line++; line[0] == '#'; line++) {
            size_t len = strcspn(line, "\n");
            zap_str_add_bytes(&plan_text, line + (line[1] == ' ' ? 2 : 1),
                              len - (line[1] == ' ' ? 2 : 1) + 1);
            line += len;
        }
        if (zap_text_parse(lines, plan_text.len, &again, &error) != ZAP_OK) {
            fail_msg("plan %u, line %u: %s", i, error.line, error.what);
        }
        assert_true(zap_plan_equal(&plan, &again));
    }
}

/* The longest that there can be: every limit reached, with the longest rows of the tables. */
static void the_longest_script_fits(void **state)
{
    (void)state;
    struct zap_plan plan;
    zap_plan_init(&plan);
    plan.modules_count = ZAP_MODULES_MAX;
    plan.objects_count = ZAP_OBJECTS_MAX;
    for (unsigned i = 0; i < ZAP_OBJECTS_MAX; i++) {
        plan.objects[i] = (struct zap_object){.kind = ZAP_VALUE_NODE, .module = i % 2};
    }
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        plan.modules[m].globals_count = ZAP_GLOBALS_MAX;
        for (unsigned i = 0; i < ZAP_GLOBALS_MAX; i++) {
            plan.modules[m].globals[i] =
                (struct zap_global){.name = (uint8_t)(ZAP_NAME_BUILTINS_0 - i),
                                    .object = (uint8_t)(i * ZAP_MODULES_MAX + m) % ZAP_OBJECTS_MAX};
        }
    }
    plan.acts_count = ZAP_ACTS_MAX;
    for (unsigned i = 0; i < ZAP_ACTS_MAX; i++) {
        plan.acts[i] = (struct zap_act){.node = (uint8_t)(i % ZAP_OBJECTS_MAX),
                                        .op = ZAP_OP_CALL,
                                        .module = 1,
                                        .name = ZAP_NAME_BUILTINS_0};
    }
    plan.links_count = ZAP_LINKS_MAX;
    for (unsigned i = 0; i < ZAP_LINKS_MAX; i++) {
        plan.links[i] = (struct zap_link){(uint8_t)(i % ZAP_OBJECTS_MAX), 0};
    }
    for (unsigned route = 0; route < 256; route++) {
        if (zap_route_row(route)) {
            plan.route = (uint8_t)route;
            zap_plan_normalize(&plan);
            assert_true(plan.acts_count > ZAP_ACTS_MAX / 2);
            assert_true(strlen(script_text(&plan)) < ZAP_SOURCE_MAX / 2);
        }
    }
}

/* Within the comment at the head: which parts come after it depends on all of the plan's code. */
static void what_does_not_fit_is_cut(void **state)
{
    (void)state;
    static char small[4096];
    struct zap_gen_config config = {.seed = 4};
    struct zap_plan plan;
    zap_gen_plan(&config, 0, &plan);
    const char *whole = script_text(&plan), *head_end = strstr(whole, "\nimport gc\n");
    assert_non_null(head_end);
    size_t head_len = (size_t)(head_end - whole);
    assert_true(head_len > 97);
    for (size_t size = 1; size <= head_len && size <= sizeof small; size += 97) {
        struct zap_str out = zap_str_init(small, size);
        zap_source_script(&plan, &out);
        assert_true(out.cut);
        assert_int_equal(out.len, size - 1);
        assert_memory_equal(small, whole, out.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(act_takes_the_column_that_fits),
        cmocka_unit_test(every_act_is_filled_in),
        cmocka_unit_test(sections_follow_the_namespaces),
        cmocka_unit_test(nodes_have_a_method_where_it_is_asked_for),
        cmocka_unit_test(routes_that_import_have_an_end_of_their_own),
        cmocka_unit_test(scripts_have_all_that_they_call),
        cmocka_unit_test(scripts_have_no_more_than_they_need),
        cmocka_unit_test(scripts_carry_their_plan),
        cmocka_unit_test(the_longest_script_fits),
        cmocka_unit_test(what_does_not_fit_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
