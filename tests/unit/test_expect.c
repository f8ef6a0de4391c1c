/* Expectations in the header of a plan: what parses, what does not and what is said of it, which
 * line is for which build, and how an outcome compares. */
#include "host/expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[65536];
static struct zap_expect expect;
static struct zap_text_error error;

static const char body[] = "route drop\nmodule m0\n";

static enum zap_status parse(const char *header)
{
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_str_printf(&out, "pyzap plan 1\n%s%s", header, body);
    assert_false(out.cut);
    struct zap_plan plan;
    assert_int_equal(zap_text_parse(text, out.len, &plan, &error), ZAP_OK);
    zap_expect_release(&expect);
    return zap_expect_parse(text, out.len, &expect, &error);
}

static void parse_well(const char *header)
{
    if (parse(header) != ZAP_OK)
        fail_msg("%s: line %u, column %u: %s", header, error.line, error.column, error.what);
}

static uint32_t version(unsigned major, unsigned minor, unsigned micro)
{
    return major << 16 | minor << 8 | micro;
}

/* What is expected of a build, as text; "" for nothing. */
static const char *expected_of(uint32_t of, unsigned kind)
{
    static char page[4096];
    struct zap_str out = zap_str_init(page, sizeof page);
    const struct zap_expect_row *row = zap_expect_find(&expect, of, kind);
    if (row)
        zap_expect_print(row, &out);
    return page;
}

static void no_line_expects_nothing(void **state)
{
    (void)state;
    parse_well("# A plan about expectations, of which nobody expects anything.\n# Unexpected.\n");
    assert_int_equal(expect.rows_count, 0);
    assert_null(zap_expect_find(&expect, version(3, 11, 7), 0));
}

static void versions_are_ranges(void **state)
{
    (void)state;
    parse_well("# expect ..2.6, 3.3,3.4.1 HELD\n# expect 3.8..3.12,  3.14.0..3.14.4 VOID\n"
               "# expect 3.14.5.. SKIPPED\r\n");
    static const struct {
        unsigned major, minor, micro;
        const char *expected;
    } cases[] = {
        {2, 6, 9, "HELD"},  {2, 7, 0, ""},         {3, 3, 0, "HELD"},     {3, 3, 7, "HELD"},
        {3, 4, 0, ""},      {3, 4, 1, "HELD"},     {3, 4, 2, ""},         {3, 7, 17, ""},
        {3, 8, 0, "VOID"},  {3, 12, 99, "VOID"},   {3, 13, 0, ""},        {3, 14, 0, "VOID"},
        {3, 14, 4, "VOID"}, {3, 14, 5, "SKIPPED"}, {3, 15, 0, "SKIPPED"}, {4, 0, 0, "SKIPPED"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t of = version(cases[i].major, cases[i].minor, cases[i].micro);
        if (strcmp(expected_of(of, 0), cases[i].expected) != 0)
            fail_msg("%u.%u.%u: \"%s\"", cases[i].major, cases[i].minor, cases[i].micro,
                     expected_of(of, 0));
    }
}

static void the_most_particular_line_is_for_a_build(void **state)
{
    (void)state;
    parse_well("# expect .. HELD dies a\n# expect 3.13..t HELD dies b\n"
               "# expect ..d HELD dies c\n# expect 3.14td HELD dies d\n");
    uint32_t old = version(3, 12, 0), then = version(3, 13, 0), now = version(3, 14, 0);
    assert_string_equal(expected_of(old, 0), "HELD dies a");
    assert_string_equal(expected_of(old, ZAP_EXPECT_NOGIL), "HELD dies a");
    assert_string_equal(expected_of(then, ZAP_EXPECT_NOGIL), "HELD dies b");
    assert_string_equal(expected_of(then, ZAP_EXPECT_DEBUG), "HELD dies c");
    assert_string_equal(expected_of(then, ZAP_EXPECT_DEBUG | ZAP_EXPECT_NOGIL), "HELD dies b");
    assert_string_equal(expected_of(now, ZAP_EXPECT_DEBUG | ZAP_EXPECT_NOGIL), "HELD dies d");
}

static void all_parts_are_kept(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "HELD",
        "HELD dies nothing",
        "HELD dies a _b | \"\\xe9\" lives new1 sees a=None import-loaded untraced nothing",
        "VOID because it is so",
        "BROKEN I9 I10 known https://example.org/1 because known",
        "CRASHED SIGSEGV-insertdict known Objects/dictobject.c:insertdict because of a bug",
        "TIMED_OUT known a.c:b because of a loop",
        "HELD or CRASHED SIGABRT or CRASHED SIGSEGV dies a known a.c:b because it was freed before",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char line[256];
        struct zap_str out = zap_str_init(line, sizeof line);
        zap_str_printf(&out, "# expect 3.8 %s\n", lines[i]);
        parse_well(line);
        assert_string_equal(expected_of(version(3, 8, 1), 0), lines[i]);
    }
}

static void a_line_goes_on_below(void **state)
{
    (void)state;
    parse_well("# prose\n"
               "# expect 2.7,\n"
               "#        3.8  HELD\n"
               "#             dies a\n"
               "#      b because it\r\n"
               "#    is so\n"
               "# no more\n"
               "#       nor this\n"
               "# expect 3.9 VOID\n");
    assert_string_equal(expected_of(version(2, 7, 18), 0), "HELD dies a b because it is so");
    assert_string_equal(expected_of(version(3, 8, 0), 0), "HELD dies a b because it is so");
    assert_string_equal(expected_of(version(3, 9, 0), 0), "VOID");
    assert_int_equal(expect.rows[0].line, 3);
    assert_int_equal(expect.rows[1].line, 10);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        unsigned line, column;
        const char *what;
    } cases[] = {
        {"# expect\n", 2, 9, "expected versions ("},
        {"# expect HELD\n", 2, 10, "found \"HELD\""},
        {"# expect 3 HELD\n", 2, 10, "expected versions ("},
        {"# expect 3.8, HELD\n", 2, 15, "expected versions ("},
        {"# expect 3.8,,3.9 HELD\n", 2, 14, "expected versions ("},
        {"# expect 3.9..3.8 HELD\n", 2, 10, "expected versions ("},
        {"# expect 3.8x HELD\n", 2, 10, "expected versions ("},
        {"# expect 3.300 HELD\n", 2, 10, "expected versions ("},
        {"# expect 3.8dt HELD\n", 2, 10, "expected versions ("},
        {"# expect 3.8\n", 2, 13, "expected HELD, VOID"},
        {"# expect 3.8 HARNESS\n", 2, 14, "expected HELD, VOID"},
        {"# expect 3.8 held\n", 2, 14, "expected HELD, VOID"},
        {"# expect 3.8 HELD or\n", 2, 21, "expected HELD, VOID"},
        {"# expect 3.8 HELD I9\n", 2, 19, "expected or, dies"},
        {"# expect 3.8 HELD dies\n", 2, 23, "names after dies, or \"nothing\", found the end"},
        {"# expect 3.8 HELD dies a dies b\n", 2, 26, "\"dies\" once"},
        {"# expect 3.8 BROKEN\n", 2, 20, "the invariants that are broken"},
        {"# expect 3.8 BROKEN I9 I999\n", 2, 24, "expected an invariant"},
        {"# expect 3.8 BROKEN I9\n", 2, 23, "expected known ("},
        {"# expect 3.8 CRASHED SIGSEGV because so\n", 2, 40, "expected known ("},
        {"# expect 3.8 CRASHED known 1234 because so\n", 2, 28, "https://... or FILE:FUNCTION"},
        {"# expect 3.8 CRASHED known because so\n", 2, 28, "https://... or FILE:FUNCTION"},
        {"# expect 3.8 CRASHED known a.c:b\n", 2, 33, "expected because and the reason"},
        {"# expect 3.8 HELD or VOID\n", 2, 26, "expected because and the reason"},
        {"# expect 3.8 HELD because\n", 2, 26, "expected a reason"},
        {"# expect 3.8 HELD known a.c:b because so\n", 2, 41, "known only with a finding"},
        {"# expect 3.8 HELD or VOID or SKIPPED or HELD or VOID because so\n", 2, 46,
         "at most 4 verdicts"},
        {"# expect 3.8 HELD\n# expect 3.7..3.9 VOID\n", 3, 3, "(see line 2), found \"expect\""},
        {"# expect 3.8, 3.8.1 HELD\n", 2, 3, "(see line 2)"},
        {"# expect 3.8t HELD\n# expect 3.8t VOID\n", 3, 3, "(see line 2)"},
        {"# Expect 3.8 HELD\n", 2, 3, "\"expect\" and versions, or a comment with another"},
        {"#expect: 3.8 HELD\n", 2, 2, "\"expect\" and versions"},
        {"\n# expect 3.8 HELD\n", 3, 3, "right after the first line"},
        {"# prose\nroute drop\nmodule m1\n  # expect 3.8 HELD\n", 5, 5,
         "right after the first line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zap_str out = zap_str_init(text, sizeof text);
        zap_str_printf(&out, "pyzap plan 1\n%s", cases[i].header);
        zap_expect_release(&expect);
        if (zap_expect_parse(text, out.len, &expect, &error) == ZAP_OK)
            fail_msg("%s is fine", cases[i].header);
        if (error.line != cases[i].line || error.column != cases[i].column ||
            !strstr(error.what, cases[i].what))
            fail_msg("%s: line %u, column %u: %s", cases[i].header, error.line, error.column,
                     error.what);
    }
}

static void compare_as(const char *line, const struct zap_expect_found *found,
                       enum zap_expect_change change)
{
    char header[256];
    struct zap_str out = zap_str_init(header, sizeof header);
    zap_str_printf(&out, "# expect .. %s\n", line);
    parse_well(line[0] ? header : "");
    enum zap_expect_change is =
        zap_expect_compare(zap_expect_find(&expect, version(3, 8, 0), 0), found);
    if (is != change)
        fail_msg("%s: %s instead of %s", line, zap_expect_word(is), zap_expect_word(change));
}

static void outcomes_are_compared(void **state)
{
    (void)state;
    static struct zap_expect_found held = {
        .verdict = ZAP_HELD, .has_ends = true, .dies = "a b", .sees = "a"};
    static struct zap_expect_found broken = {.verdict = ZAP_BROKEN,
                                             .broken = 1u << ZAP_INVARIANT_I9,
                                             .has_ends = true,
                                             .dies = "a",
                                             .lives = "b"};
    static struct zap_expect_found crashed = {.verdict = ZAP_CRASHED,
                                              .signature = "SIGSEGV-insertdict-12345678"};
    static struct zap_expect_found unrun = {.verdict = ZAP_SKIPPED, .is_unrun = true};
    static struct zap_expect_found failed = {.verdict = ZAP_HARNESS};

    compare_as("", &held, ZAP_EXPECT_NONE);
    compare_as("", &broken, ZAP_EXPECT_NEW);
    compare_as("", &unrun, ZAP_EXPECT_UNRUN);
    compare_as("", &failed, ZAP_EXPECT_FAILED);
    compare_as("HELD", &held, ZAP_EXPECT_SAME);
    compare_as("HELD dies a b sees a untraced nothing", &held, ZAP_EXPECT_SAME);
    compare_as("HELD dies b a", &held, ZAP_EXPECT_CHANGED);
    compare_as("HELD dies a b lives c", &held, ZAP_EXPECT_CHANGED);
    compare_as("HELD dies a b sees nothing", &held, ZAP_EXPECT_CHANGED);
    compare_as("HELD dies a b untraced a", &held, ZAP_EXPECT_CHANGED);
    compare_as("VOID", &held, ZAP_EXPECT_CHANGED);
    compare_as("HELD or VOID because so", &held, ZAP_EXPECT_SAME);
    compare_as("HELD", &broken, ZAP_EXPECT_CHANGED);
    compare_as("HELD", &unrun, ZAP_EXPECT_UNRUN);
    compare_as("HELD", &failed, ZAP_EXPECT_FAILED);
    compare_as("BROKEN I9 known a.c:b because so", &broken, ZAP_EXPECT_KNOWN);
    compare_as("BROKEN I9 dies a known a.c:b because so", &broken, ZAP_EXPECT_CHANGED);
    compare_as("BROKEN I9 dies a lives b known a.c:b because so", &broken, ZAP_EXPECT_KNOWN);
    compare_as("BROKEN I9 I10 known a.c:b because so", &broken, ZAP_EXPECT_CHANGED);
    compare_as("BROKEN I9 known a.c:b because so", &held, ZAP_EXPECT_GONE);
    compare_as("HELD or BROKEN I9 known a.c:b because so", &held, ZAP_EXPECT_SAME);
    compare_as("CRASHED known a.c:b because so", &crashed, ZAP_EXPECT_KNOWN);
    compare_as("CRASHED SIGSEGV dies x known a.c:b because so", &crashed, ZAP_EXPECT_KNOWN);
    compare_as("CRASHED SIGSEGV-insert known a.c:b because so", &crashed, ZAP_EXPECT_KNOWN);
    compare_as("CRASHED SIGABRT known a.c:b because so", &crashed, ZAP_EXPECT_CHANGED);
    compare_as("TIMED_OUT known a.c:b because so", &crashed, ZAP_EXPECT_CHANGED);
}

static int tear_down(void **state)
{
    (void)state;
    zap_expect_release(&expect);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_expects_nothing),
        cmocka_unit_test(versions_are_ranges),
        cmocka_unit_test(the_most_particular_line_is_for_a_build),
        cmocka_unit_test(all_parts_are_kept),
        cmocka_unit_test(a_line_goes_on_below),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(outcomes_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
