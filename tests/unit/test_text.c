/* text: what people type, what is printed, and what the errors say. Fits a hostile build's limits.
 */
#include "plan/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START "pyzap plan 1\nroute drop\nmodule m\n"

/* From memory that ends where the text does. */
static enum zap_status parse(const char *text, size_t len, struct zap_plan *ret_plan,
                             struct zap_text_error *ret_error)
{
    char *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, text, len);
    enum zap_status status = zap_text_parse(exact, len, ret_plan, ret_error);
    free(exact);
    return status;
}

static void parse_good(const char *text, struct zap_plan *ret_plan)
{
    struct zap_text_error error;
    memset(ret_plan, 0xa5, sizeof *ret_plan);
    if (parse(text, strlen(text), ret_plan, &error) != ZAP_OK) {
        fail_msg("%u:%u: %s", error.line, error.column, error.what);
    }
    assert_true(zap_plan_is_normal(ret_plan));
}

static void assert_prints(const struct zap_plan *plan, const char *want)
{
    static char text[ZAP_TEXT_MAX];
    struct zap_str str = zap_str_init(text, sizeof text);
    zap_text_print(plan, &str);
    assert_false(str.cut);
    assert_string_equal(text, want);
    struct zap_plan back;
    parse_good(text, &back);
    assert_true(zap_plan_equal(plan, &back));
}

static void assert_refused_bytes(const char *text, size_t len, unsigned line, unsigned column,
                                 const char *what)
{
    struct zap_plan plan;
    struct zap_plan before;
    memset(&before, 0xa5, sizeof before);
    plan = before;
    struct zap_text_error error;
    assert_int_equal(parse(text, len, &plan, &error), ZAP_E_SYNTAX);
    assert_string_equal(error.what, what);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    assert_true(zap_plan_equal(&plan, &before));
}

static void assert_refused(const char *text, unsigned line, unsigned column, const char *what)
{
    assert_refused_bytes(text, strlen(text), line, column, what);
}

static void smallest(void **state)
{
    (void)state;
    struct zap_plan plan;
    struct zap_plan init;
    zap_plan_init(&init);
    parse_good("pyzap plan 1\nroute drop\nmodule m", &plan);
    assert_true(zap_plan_equal(&plan, &init));
    assert_prints(&plan, "pyzap plan 1\nroute drop\nmodule m0\n");
}

/* What the head of text.c shows. */
static void as_people_type(void **state)
{
    (void)state;
    struct zap_plan plan;
    parse_good("pyzap plan 1   # and a comment\n"
               "\n"
               "route reload\n"
               "  # gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x90\x8d\n"
               "module one held\n"
               "module two# no space needed\n"
               "object x = node one\n"
               "global two __builtins__ = x\n"
               "object y = node elsewhere\n"
               "\tobject  l\t=  list\n"
               "object w = callback y\n"
               "global one _a = x   again int\n"
               "global one \"\" = w\n"
               "script y\n"
               "link l -> y\n"
               "global two tuple(1,2) = l\n"
               "script x\n"
               "    look two _b\n"
               "raise\n"
               "link x -> l\n",
               &plan);
    assert_prints(&plan, "pyzap plan 1\n"
                         "route reload\n"
                         "module m0 held\n"
                         "module m1\n"
                         "object o0 = node m0\n"
                         "object o1 = node elsewhere\n"
                         "object o2 = list\n"
                         "object o3 = callback o1\n"
                         "global m0 _a = o0 again int\n"
                         "global m0 \"\" = o3\n"
                         "global m1 __builtins__ = o0\n"
                         "global m1 tuple(1,2) = o2\n"
                         "link o0 -> o2\n"
                         "link o2 -> o1\n"
                         "script o0\n"
                         "    look m1 _b\n"
                         "    raise\n");
}

/* What only plans have that end an interpreter. */
static void ends_as_people_type(void **state)
{
    (void)state;
    struct zap_plan plan;
    parse_good("pyzap plan 1\n"
               "route exit\n"
               "module one unlisted held\n"
               "park module one codecs # last\n"
               "setting gc-on\n"
               "object y = node elsewhere\n"
               "park   object y\tatexit\n"
               "module two unlisted\n"
               "script y\n"
               "    raise\n"
               "setting stderr-none\n"
               "park module one main\n",
               &plan);
    assert_prints(&plan, "pyzap plan 1\n"
                         "route exit\n"
                         "setting stderr-none\n"
                         "setting gc-on\n"
                         "module m0 held unlisted\n"
                         "module m1 unlisted\n"
                         "object o0 = node elsewhere\n"
                         "park module m0 codecs\n"
                         "park object o0 atexit\n"
                         "park module m0 main\n"
                         "script o0\n"
                         "    raise\n");
}

static void line_ends(void **state)
{
    (void)state;
    struct zap_plan unix_plan;
    struct zap_plan dos_plan;
    parse_good(START "object x = int # c\nglobal m a = x\n", &unix_plan);
    parse_good(
        "pyzap plan 1\r\n\r\nroute drop\r\nmodule m\r\nobject x = int # c\r\nglobal m a = x\r\n",
        &dos_plan);
    assert_true(zap_plan_equal(&unix_plan, &dos_plan));
    assert_refused(START "module \rx\n", 4, 8, "expected printable ASCII, found \"\\x0d\"");
    assert_refused(START "# a\rb\n", 4, 4,
                   "expected UTF-8 without control characters, found \"\\x0d\"");
    assert_refused(START "#\r", 4, 2, "expected UTF-8 without control characters, found \"\\x0d\"");
}

/* Every row of every table, there and back. */
static void every_row(void **state)
{
    (void)state;
    char text[512];
    struct zap_plan plan;
    for (unsigned code = 0; code < 256; code++) {
        const struct zap_name_row *name = zap_name_row(code);
        const struct zap_value_row *value = zap_value_row(code);
        const struct zap_op_row *op = zap_op_row(code);
        const struct zap_route_row *route = zap_route_row(code);
        if (name != NULL) {
            snprintf(text, sizeof text,
                     "pyzap plan 1\nroute drop\nmodule m0\nobject o0 = int\nglobal m0 %s = o0\n",
                     name->token);
            parse_good(text, &plan);
            assert_int_equal(plan.modules[0].globals[0].name, code);
            assert_prints(&plan, text);
        }
        if (value != NULL) {
            static const char *const places[] = {
                [ZAP_PLACE_NOWHERE] = "",
                [ZAP_PLACE_MODULE] = " m1",
                [ZAP_PLACE_CLASS] = " elsewhere",
            };
            snprintf(text, sizeof text,
                     "pyzap plan 1\nroute drop\nmodule m0\nmodule m1\nobject o0 = node m0\n"
                     "object o1 = %s%s%s\nglobal m0 a = o0\nglobal m0 b = o1\n",
                     value->token, places[value->place],
                     value->target == ZAP_TARGET_NODE ? " o0" : "");
            parse_good(text, &plan);
            assert_int_equal(plan.objects[1].kind, code);
            assert_prints(&plan, text);
        }
        if (op != NULL) {
            static const char *const operands[] = {
                [ZAP_OPERANDS_NONE] = "",
                [ZAP_OPERANDS_MODULE] = " m1",
                [ZAP_OPERANDS_NAME] = " m1 _a",
            };
            snprintf(text, sizeof text,
                     "pyzap plan 1\nroute drop\nmodule m0\nmodule m1\nobject o0 = node m1\n"
                     "global m0 a = o0\nscript o0\n    %s%s\n",
                     op->token, operands[op->operands]);
            parse_good(text, &plan);
            assert_int_equal(plan.acts[0].op, code);
            assert_prints(&plan, text);
        }
        const struct zap_park_row *park = zap_park_row(code);
        const struct zap_setting_row *setting = zap_setting_row(code);
        for (unsigned is_module = 0; park != NULL && is_module < 2; is_module++) {
            if (is_module ? park->modules : park->objects) {
                snprintf(text, sizeof text,
                         "pyzap plan 1\nroute exit\nmodule m0\nmodule m1\nobject o0 = int\n"
                         "global m0 a = o0\npark %s %s\n",
                         is_module ? "module m1" : "object o0", park->token);
                parse_good(text, &plan);
                assert_int_equal(plan.parks[0].place, code);
                assert_int_equal(plan.parks[0].is_module, is_module);
                assert_prints(&plan, text);
            }
        }
        if (setting != NULL) {
            snprintf(text, sizeof text, "pyzap plan 1\nroute subinterp\nsetting %s\nmodule m0\n",
                     setting->token);
            parse_good(text, &plan);
            assert_int_equal(plan.settings, 1u << (code - 1));
            assert_prints(&plan, text);
        }
        if (route != NULL) {
            snprintf(text, sizeof text, "pyzap plan 1\nroute %s\nmodule m0\n", route->token);
            parse_good(text, &plan);
            assert_int_equal(plan.route, code);
            assert_prints(&plan, text);
        }
    }
}

static void header_errors(void **state)
{
    (void)state;
    static const char want[] = "expected \"pyzap plan 1\" as the first line, found ";
    static const struct {
        const char *text;
        unsigned column;
        const char *found;
    } cases[] = {
        {"", 1, "the end of the text"},
        {"\npyzap plan 1\n", 1, "the end of the line"},
        {"# a plan\npyzap plan 1\n", 1, "a comment"},
        {"pyzap", 6, "the end of the text"},
        {"pyzap plan\n", 11, "the end of the line"},
        {"pyzap plan 2\n", 12, "\"2\""},
        {"PYZAP plan 1\n", 1, "\"PYZAP\""},
        {"import sys\n", 1, "\"import\""},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[160];
        snprintf(what, sizeof what, "%s%s", want, cases[i].found);
        assert_refused(cases[i].text, 1, cases[i].column, what);
    }
    assert_refused("pyzap plan 1 2\n", 1, 14, "expected the end of the line, found \"2\"");
    assert_refused("\xef\xbb\xbfpyzap plan 1\n", 1, 1, "expected printable ASCII, found \"\\xef\"");
    assert_refused_bytes("\0\0", 2, 1, 1, "expected printable ASCII, found \"\\x00\"");
    assert_refused_bytes("pyzap plan 1\nroute\0drop\n", 24, 2, 6,
                         "expected printable ASCII, found \"\\x00\"");
}

struct refusal {
    const char *text;
    unsigned line;
    unsigned column;
    const char *what;
};

static void assert_all_refused(const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_refused(cases[i].text, cases[i].line, cases[i].column, cases[i].what);
    }
}

static void statement_errors(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"pyzap plan 1\n", 2, 1,
         "expected \"route\" before anything else, found the end of the text"},
        {"pyzap plan 1\nmodule m\n", 2, 1,
         "expected \"route\" before anything else, found \"module\""},
        {"pyzap plan 1\nroute dorp\n", 2, 7,
         "expected a route (drop, collect, wipe, reload, failed-import, ...), found \"dorp\"; "
         "did you mean \"drop\"?"},
        {"pyzap plan 1\nroute\n", 2, 6,
         "expected a route (drop, collect, wipe, reload, failed-import, ...), "
         "found the end of the line"},
        {"pyzap plan 1\nroute drop\nroute wipe\n", 3, 1, "expected one route, found \"route\""},
        {"pyzap plan 1\nroute drop wipe\n", 2, 12, "expected the end of the line, found \"wipe\""},
        {"pyzap plan 1\nroute drop", 2, 11,
         "expected at least one module, found the end of the text"},
        {"pyzap plan 1\nroute drop\n", 3, 1,
         "expected at least one module, found the end of the text"},
        {START "objekt x = int\n", 4, 1,
         "expected a statement (route, module, object, global, link, script, ...), found "
         "\"objekt\"; "
         "did you mean \"object\"?"},
        {START "look m a\n", 4, 1, "expected a \"script\" line above an action, found \"look\""},
        {START "module elsewhere\n", 4, 8,
         "expected a label (letters, digits and _), found \"elsewhere\""},
        {START "module 1m\n", 4, 8, "expected a label (letters, digits and _), found \"1m\""},
        {START "module\n", 4, 7,
         "expected a label (letters, digits and _), found the end of the line"},
        {START "module m\n", 4, 8, "expected a label that is not taken, found \"m\""},
        {START "module k hold\n", 4, 10,
         "expected \"held\" or the end of the line, found \"hold\""},
        {START "module k held x\n", 4, 15, "expected the end of the line, found \"x\""},
    };
    assert_all_refused(cases, sizeof cases / sizeof cases[0]);
}

static void object_errors(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {START "object x int\n", 4, 10, "expected \"=\", found \"int\""},
        {START "object x=int\n", 4, 8, "expected a label (letters, digits and _), found \"x=int\""},
        {START "object x = lisp\n", 4, 12,
         "expected a kind of object (none, int, bigint, float, str, list, tuple, ...), "
         "found \"lisp\"; did you mean \"list\"?"},
        {START "object x = quaternion\n", 4, 12,
         "expected a kind of object (none, int, bigint, float, str, list, tuple, ...), "
         "found \"quaternion\""},
        {START "object x = node\n", 4, 16,
         "expected a module or elsewhere (m, elsewhere), found the end of the line"},
        {START "object x = node n\n", 4, 17,
         "expected a module or elsewhere (m, elsewhere), found \"n\""},
        {START "object x = function elsewhere\n", 4, 21,
         "expected a module (m), found \"elsewhere\""},
        {START "object x = int m\n", 4, 16, "expected the end of the line, found \"m\""},
        {START "object x = int\nobject x = int\n", 5, 8,
         "expected a label that is not taken, found \"x\""},
        {START "object x = method y\n", 4, 19,
         "expected an object from above (there is none yet), found \"y\""},
        {START "object x = method x\n", 4, 19,
         "expected an object from above (there is none yet), found \"x\""},
        {START "object x = list\nobject y = callback x\n", 5, 21,
         "expected an object that is a node, found \"x\" (list)"},
    };
    assert_all_refused(cases, sizeof cases / sizeof cases[0]);
}

static void global_errors(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {START "object x = int\nglobal x a = x\n", 5, 8, "expected a module (m), found \"x\""},
        {START "object x = int\nglobal m q = x\n", 5, 10,
         "expected a name (a, b, c, d, e, f, g, h, _a, _b, _c, _d, ...), found \"q\""},
        {START "object x = int\nglobal m __builtin = x\n", 5, 10,
         "expected a name (a, b, c, d, e, f, g, h, _a, _b, _c, _d, ...), found \"__builtin\"; "
         "did you mean \"__builtin__\"?"},
        {START "object x = int\nglobal m a = x\nglobal m a = x\n", 6, 10,
         "expected a name that its module does not bind yet, found \"a\""},
        {START "object x = int\nglobal m a x\n", 5, 12, "expected \"=\", found \"x\""},
        {START "object xyz = int\nglobal m a = xzy\n", 5, 14,
         "expected an object from above (xyz), found \"xzy\""},
        {START "object x = int\nglobal m a = x again int\n", 5, 16,
         "expected no \"again\" except with route reload and in the first module, "
         "found \"again\""},
        {"pyzap plan 1\nroute reload\nmodule m\nmodule k\nobject x = int\n"
         "global k a = x again int\n",
         6, 16,
         "expected no \"again\" except with route reload and in the first module, "
         "found \"again\""},
        {"pyzap plan 1\nroute reload\nmodule m\nobject x = int\nglobal m a = x again keep\n", 5, 22,
         "expected int or none, found \"keep\""},
        {START "object x = int\nglobal m a = x twice\n", 5, 16,
         "expected \"again\" or the end of the line, found \"twice\""},
        {START "object x = int\nglobal m \xc3\xa9 = x\n", 5, 10,
         "expected printable ASCII, found \"\\xc3\""},
    };
    assert_all_refused(cases, sizeof cases / sizeof cases[0]);
}

static void link_errors(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {START "object x = int\nlink x -> x\n", 5, 6,
         "expected an object that can have links, found \"x\" (int)"},
        {START "object t = tuple\nlink t -> t\n", 5, 11,
         "expected an object made before the tuple that links to it, found \"t\""},
        {START "object t = list\nobject s = set\nlink s -> t\n", 6, 11,
         "expected an object that can be hashed, found \"t\" (list)"},
        {START "object i = int\nobject c = cell\nlink c -> i\nlink c -> i\n", 7, 6,
         "expected one link from a cell, found \"c\""},
        {START "object l = list\nlink l l\n", 5, 8, "expected \"->\", found \"l\""},
        {START "object l = list\nlink l -> k\n", 5, 11,
         "expected an object from above (l), found \"k\""},
    };
    assert_all_refused(cases, sizeof cases / sizeof cases[0]);
}

#define EXIT "pyzap plan 1\nroute exit\nmodule m\nobject x = int\nglobal m a = x\n"

static void end_errors(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {START "module k unlisted\n", 4, 10,
         "expected no \"unlisted\" except with a route that ends an interpreter, "
         "found \"unlisted\""},
        {START "setting gc-on\n", 4, 1,
         "expected no \"setting\" except with a route that ends an interpreter, "
         "found \"setting\""},
        {START "park module m sys\n", 4, 1,
         "expected no \"park\" except with a route that ends an interpreter, found \"park\""},
        {EXIT "module k hold\n", 6, 10,
         "expected \"held\", \"unlisted\" or the end of the line, found \"hold\""},
        {EXIT "module k held held\n", 6, 15,
         "expected \"unlisted\" or the end of the line, found \"held\""},
        {EXIT "module k unlisted unlisted\n", 6, 19,
         "expected \"held\" or the end of the line, found \"unlisted\""},
        {EXIT "module k unlisted held held\n", 6, 24,
         "expected the end of the line, found \"held\""},
        {EXIT "setting\n", 6, 8,
         "expected a setting (stderr-none, stderr-missing, stderr-odd, ...), "
         "found the end of the line"},
        {EXIT "setting gc-off\n", 6, 9,
         "expected a setting (stderr-none, stderr-missing, stderr-odd, ...), found \"gc-off\"; "
         "did you mean \"gc-on\"?"},
        {EXIT "setting gc-on\nsetting gc-on\n", 7, 9,
         "expected a setting that is not made yet, found \"gc-on\""},
        {EXIT "setting gc-on stderr-none\n", 6, 15,
         "expected the end of the line, found \"stderr-none\""},
        {EXIT "park m sys\n", 6, 6, "expected \"module\" or \"object\", found \"m\""},
        {EXIT "park module x sys\n", 6, 13, "expected a module (m), found \"x\""},
        {EXIT "park object m sys\n", 6, 13, "expected an object from above (x), found \"m\""},
        {EXIT "park module m\n", 6, 14,
         "expected a place for a module (sys, builtins, modules, main, thread, context, ...), "
         "found the end of the line"},
        {EXIT "park object x main\n", 6, 15,
         "expected a place for an object (sys, builtins, modules, thread, context, ...), "
         "found \"main\""},
        {EXIT "park object x sysmodules\n", 6, 15,
         "expected a place for an object (sys, builtins, modules, thread, context, ...), "
         "found \"sysmodules\"; did you mean \"modules\"?"},
        {EXIT "park object x sys\npark module m sys\npark object x sys\n", 8, 15,
         "expected a place that does not hold it yet, found \"sys\""},
        {EXIT "module k\npark module k main\npark module m main\n", 8, 15,
         "expected one module that is __main__, found \"main\""},
        {EXIT "object y = int\npark module m sys\n", 6, 8,
         "expected a global, a link or a park that holds this object, found \"y\", "
         "which nothing holds (weak references do not)"},
    };
    assert_all_refused(cases, sizeof cases / sizeof cases[0]);
}

static void limit_of_parks(void **state)
{
    (void)state;
    char text[4096];
    char what[160];
    unsigned parks = 0;
    struct zap_str str = zap_str_init(text, sizeof text);
    zap_str_add(&str, EXIT);
    for (unsigned i = 0; parks <= ZAP_PARKS_MAX; i++) {
        const struct zap_park_row *row = zap_park_row(i / 2 + 1);
        if (i % 2 == 0 ? row->modules : row->objects) {
            zap_str_printf(&str, "park %s %s\n", i % 2 == 0 ? "module m" : "object x", row->token);
            parks++;
        }
    }
    snprintf(what, sizeof what, "expected at most %d parks, found \"park\"", ZAP_PARKS_MAX);
    assert_refused(text, 6 + ZAP_PARKS_MAX, 1, what);
}

static void script_errors(void **state)
{
    (void)state;
#define NODE START "object x = node m\nglobal m a = x\n"
    static const struct refusal cases[] = {
        {NODE "script y\n", 6, 8, "expected an object from above (x), found \"y\""},
        {START "object x = cnode\nscript x\n", 5, 8,
         "expected an object that is a node, found \"x\" (cnode)"},
        {NODE "script x\nscript x\n", 7, 8, "expected one script for a node, found \"x\""},
        {NODE "script x\nraise\nlink x -> x\nraise\n", 9, 1,
         "expected a \"script\" line above an action, found \"raise\""},
        {NODE "script x\n    lokk m a\n", 7, 5,
         "expected a statement or an action (route, module, object, global, link, script, ...), "
         "found \"lokk\"; did you mean \"look\"?"},
        {NODE "script x\n    look m\n", 7, 11,
         "expected a name (a, b, c, d, e, f, g, h, _a, _b, _c, _d, ...), "
         "found the end of the line"},
        {NODE "script x\n    look a\n", 7, 10, "expected a module (m), found \"a\""},
        {NODE "script x\n    raise m\n", 7, 11, "expected the end of the line, found \"m\""},
    };
    assert_all_refused(cases, sizeof cases / sizeof cases[0]);
#undef NODE
}

static void unreachable(void **state)
{
    (void)state;
    static const char what[] = "expected a global or a link that holds this object, found \"l\", "
                               "which nothing holds (weak references do not)";
    assert_refused(START "object l = list # lost\nmodule k\n", 4, 8, what);
    assert_refused(START "object l = list\nlink l -> l\n", 4, 8, what);
    assert_refused(START "  object l = node m\nobject w = weakref l\nglobal m a = w\n", 4, 10,
                   what);
    struct zap_plan plan;
    parse_good(START "object l = node m\nobject w = method l\nglobal m a = w\n", &plan);
    assert_int_equal(plan.objects_count, 2);
    parse_good(EXIT "object y = int\nobject l = list\nlink l -> y\npark object l c\n", &plan);
    assert_int_equal(plan.objects_count, 3);
}

static void long_words_are_cut(void **state)
{
    (void)state;
    assert_refused(START "object x = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", 4, 12,
                   "expected a kind of object (none, int, bigint, float, str, list, tuple, ...), "
                   "found \"aaaaaaaaaaaaaaaaaaaa\"...");
    assert_refused(START "object x = \"\\\"\n", 4, 12,
                   "expected a kind of object (none, int, bigint, float, str, list, tuple, ...), "
                   "found \"\\\"\\\\\\\"\"");
}

/* Counts lines of one sort until one is too many. */
static void assert_limit(const char *start, const char *line, unsigned limit, const char *what)
{
    static char text[64 * 1024];
    struct zap_str str = zap_str_init(text, sizeof text);
    zap_str_add(&str, start);
    for (unsigned i = 0; i <= limit; i++) {
        zap_str_printf(&str, "%s", line);
        if (strncmp(line, "object", 6) == 0 || strncmp(line, "module", 6) == 0) {
            zap_str_printf(&str, "%u%s", i, line[0] == 'o' ? " = int\n" : "\n");
        }
    }
    struct zap_plan plan;
    struct zap_text_error error;
    assert_int_equal(parse(text, str.len, &plan, &error), ZAP_E_SYNTAX);
    assert_string_equal(error.what, what);
}

static void limits(void **state)
{
    (void)state;
    char what[160];
    snprintf(what, sizeof what, "expected at most %d modules, found \"module\"", ZAP_MODULES_MAX);
    assert_limit("pyzap plan 1\nroute drop\n", "module m", ZAP_MODULES_MAX, what);
    snprintf(what, sizeof what, "expected at most %d objects, found \"object\"", ZAP_OBJECTS_MAX);
    assert_limit(START, "object x", ZAP_OBJECTS_MAX, what);
    snprintf(what, sizeof what, "expected at most %d links, found \"link\"", ZAP_LINKS_MAX);
    assert_limit(START "object l = list\nglobal m a = l\n", "link l -> l\n", ZAP_LINKS_MAX, what);
    snprintf(what, sizeof what, "expected at most %d actions in a script, found \"raise\"",
             ZAP_SCRIPT_MAX);
    assert_limit(START "object l = node m\nglobal m a = l\nscript l\n", "raise\n", ZAP_SCRIPT_MAX,
                 what);
}

static void limit_of_globals(void **state)
{
    (void)state;
    char text[4096];
    char what[160];
    struct zap_str str = zap_str_init(text, sizeof text);
    zap_str_add(&str, START "object x = int\n");
    for (unsigned i = 1; i <= ZAP_GLOBALS_MAX + 1; i++) {
        zap_str_printf(&str, "global m %s = x\n", zap_name_row(i)->token);
    }
    snprintf(what, sizeof what, "expected at most %d globals in a module, found \"global\"",
             ZAP_GLOBALS_MAX);
    assert_refused(text, 5 + ZAP_GLOBALS_MAX, 1, what);
}

static void limit_of_acts(void **state)
{
    (void)state;
    char text[8192];
    char what[160];
    struct zap_str str = zap_str_init(text, sizeof text);
    unsigned nodes = ZAP_ACTS_MAX / ZAP_SCRIPT_MAX + 1;
    zap_str_add(&str, START "object l = list\nglobal m a = l\n");
    for (unsigned i = 0; i < nodes; i++) {
        zap_str_printf(&str, "object x%u = node m\nlink l -> x%u\nscript x%u\n", i, i, i);
        for (unsigned k = 0; k < ZAP_SCRIPT_MAX; k++) {
            zap_str_add(&str, "raise\n");
        }
    }
    snprintf(what, sizeof what, "expected at most %d actions in a plan, found \"raise\"",
             ZAP_ACTS_MAX);
    assert_refused(text, 5 + (nodes - 1) * (3 + ZAP_SCRIPT_MAX) + 3 + 1, 1, what);
}

static void file_size(void **state)
{
    (void)state;
    char *text = malloc(ZAP_TEXT_FILE_MAX + 1);
    assert_non_null(text);
    memset(text, '\n', ZAP_TEXT_FILE_MAX + 1);
    memcpy(text, START, sizeof START - 1);
    struct zap_plan plan;
    struct zap_text_error error;
    assert_int_equal(zap_text_parse(text, ZAP_TEXT_FILE_MAX, &plan, &error), ZAP_OK);
    assert_int_equal(zap_text_parse(text, ZAP_TEXT_FILE_MAX + 1, &plan, &error), ZAP_E_SYNTAX);
    assert_string_equal(error.what, "expected at most 1048576 bytes, found 1048577");
    assert_int_equal(error.line, 1);
    assert_int_equal(error.column, 1);
    free(text);
}

/* Comments are UTF-8; what is not is said to be wrong where it is. */
static void comments(void **state)
{
    (void)state;
    static const char *const good[] = {
        "\xc2\xa0",     "\xdf\xbf",         "\xe0\xa0\x80",     "\xed\x9f\xbf",
        "\xef\xbf\xbd", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\t"};
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x85",
        "\xc2 ",
        "\xe0\x80\xaf",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x90",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\x01",
        "\x1b",
        "\x7f",
    };
    char text[128];
    struct zap_plan plan;
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(text, sizeof text, START "# %s", good[i]);
        parse_good(text, &plan);
    }
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char what[160];
        snprintf(what, sizeof what, "expected UTF-8 without control characters, found \"\\x%02x\"",
                 (unsigned)(unsigned char)bad[i][0]);
        snprintf(text, sizeof text, START "# %s", bad[i]);
        assert_refused(text, 4, 3, what);
    }
    assert_refused_bytes(START "#\0", sizeof START + 1, 4, 2,
                         "expected UTF-8 without control characters, found \"\\x00\"");
}

static void assert_fits(const struct zap_plan *plan)
{
    char text[ZAP_TEXT_MAX];
    struct zap_str str = zap_str_init(text, sizeof text);
    zap_text_print(plan, &str);
    assert_false(str.cut);
    assert_true(str.len < ZAP_TEXT_MAX * 3 / 4);
    struct zap_plan back;
    parse_good(text, &back);
    assert_true(zap_plan_equal(plan, &back));
}

/* Nothing that fits into a plan is longer than the header promises. */
static void longest_text(void **state)
{
    (void)state;
    struct zap_plan plan;
    zap_plan_init(&plan);
    plan.route = ZAP_ROUTE_RELOAD;
    plan.modules_count = ZAP_MODULES_MAX;
    plan.objects_count = ZAP_OBJECTS_MAX;
    plan.links_count = ZAP_LINKS_MAX;
    plan.acts_count = ZAP_ACTS_MAX;
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        plan.modules[m].held = 1;
        for (unsigned code = ZAP_NAME_END; code-- > 0;) {
            if (zap_name_row(code) != NULL && plan.modules[m].globals_count < ZAP_GLOBALS_MAX) {
                plan.modules[m].globals[plan.modules[m].globals_count++] = (struct zap_global){
                    (uint8_t)code, (uint8_t)((m * ZAP_GLOBALS_MAX + code) % ZAP_OBJECTS_MAX),
                    ZAP_AGAIN_NONE};
            }
        }
    }
    for (unsigned i = 0; i < ZAP_OBJECTS_MAX; i++) {
        plan.objects[i] = (struct zap_object){ZAP_VALUE_NODE, ZAP_ELSEWHERE, 0};
    }
    for (unsigned i = 0; i < ZAP_LINKS_MAX; i++) {
        plan.links[i] = (struct zap_link){(uint8_t)(i * ZAP_OBJECTS_MAX / ZAP_LINKS_MAX),
                                          (uint8_t)(i % ZAP_OBJECTS_MAX)};
    }
    for (unsigned i = 0; i < ZAP_ACTS_MAX; i++) {
        plan.acts[i] = (struct zap_act){(uint8_t)(i / ZAP_SCRIPT_MAX), ZAP_OP_BIND_LAMBDA, 0,
                                        ZAP_NAME_BUILTINS_0};
    }
    zap_plan_normalize(&plan);
    assert_fits(&plan);
    plan.route = ZAP_ROUTE_SUBINTERP_GIL;
    plan.settings = 0xff;
    plan.parks_count = ZAP_PARKS_MAX;
    for (unsigned i = 0; i < ZAP_PARKS_MAX; i++) {
        plan.parks[i] = (struct zap_park){ZAP_PARK_BUILTINS, 0, (uint8_t)i};
    }
    for (unsigned m = 0; m < plan.modules_count; m++) {
        plan.modules[m].unlisted = 1;
    }
    zap_plan_normalize(&plan);
    assert_fits(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_as_people_type), cmocka_unit_test(end_errors),
        cmocka_unit_test(limit_of_parks),      cmocka_unit_test(smallest),
        cmocka_unit_test(as_people_type),      cmocka_unit_test(line_ends),
        cmocka_unit_test(every_row),           cmocka_unit_test(header_errors),
        cmocka_unit_test(statement_errors),    cmocka_unit_test(object_errors),
        cmocka_unit_test(global_errors),       cmocka_unit_test(link_errors),
        cmocka_unit_test(script_errors),       cmocka_unit_test(unreachable),
        cmocka_unit_test(long_words_are_cut),  cmocka_unit_test(limits),
        cmocka_unit_test(limit_of_globals),    cmocka_unit_test(limit_of_acts),
        cmocka_unit_test(file_size),           cmocka_unit_test(comments),
        cmocka_unit_test(longest_text),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
