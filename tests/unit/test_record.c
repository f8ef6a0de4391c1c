/* Outcomes become lines for versions, and lines become part of a file (src/host/record.c). */
#include "host/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CASES_MAX = 16 };

/* A build, and what a plan does there: "HELD", then what dies; NULL: it does not run. */
struct build {
    const char *version;
    unsigned kind;
    const char *dies;
    enum zap_verdict verdict; /* 0: HELD, which is not 0 */
};

static uint32_t version_of(const char *text)
{
    unsigned major, minor, micro;
    assert_int_equal(sscanf(text, "%u.%u.%u", &major, &minor, &micro), 3);
    return major << 16 | minor << 8 | micro;
}

static const char *record_with(const char *old_lines, const struct build *builds, size_t count,
                               const char *reference)
{
    static char page[16384];
    char text[4096];
    struct zap_expect old;
    struct zap_text_error error;
    struct zap_expect_found found[CASES_MAX] = {{0}};
    struct zap_record_case cases[CASES_MAX] = {{0}};
    snprintf(text, sizeof text, "pyzap plan 1\n%s", old_lines);
    if (zap_expect_parse(text, strlen(text), &old, &error) != ZAP_OK)
        fail_msg("%s: %s", old_lines, error.what);
    for (size_t i = 0; i < count; i++) {
        found[i].verdict = builds[i].verdict ? builds[i].verdict : ZAP_HELD;
        found[i].has_ends = found[i].verdict == ZAP_HELD || found[i].verdict == ZAP_BROKEN;
        if (found[i].verdict == ZAP_CRASHED)
            snprintf(found[i].signature, sizeof found[i].signature, "SIGSEGV-f-01234567");
        if (found[i].verdict == ZAP_BROKEN)
            found[i].broken = 1u << ZAP_INVARIANT_I9;
        found[i].dies = found[i].has_ends ? (char *)(uintptr_t)builds[i].dies : NULL;
        cases[i].version = version_of(builds[i].version);
        cases[i].kind = builds[i].kind;
        cases[i].expects = zap_expect_find(&old, cases[i].version, cases[i].kind);
        cases[i].found = builds[i].dies ? &found[i] : NULL;
    }
    struct zap_str out = zap_str_init(page, sizeof page);
    zap_record_print(&old, cases, count, "so it is", reference, &out);
    zap_expect_release(&old);
    return page;
}

#define record(old, builds) record_with(old, builds, sizeof(builds) / sizeof((builds)[0]), NULL)

static void neighbours_that_agree_share_a_line(void **state)
{
    (void)state;
    static const struct build builds[] = {
        {"2.7.18", 0, "b a", 0}, {"3.6.15", 0, "a b", 0}, {"3.9.2", 0, "a b", 0},
        {"3.9.18", 0, "a b", 0}, {"3.13.0", 0, "a b", 0},
    };
    assert_string_equal(record("", builds), "# expect 2.7    HELD dies b a because so it is\n"
                                            "# expect 3.6..  HELD dies a b because so it is\n");
}

static void a_boundary_is_where_it_was_seen(void **state)
{
    (void)state;
    static const struct build builds[] = {
        {"3.9.2", 0, "a", 0},
        {"3.9.18", 0, "b", 0},
        {"3.12.1", 0, "b", 0},
        {"3.14.0", 0, "a", 0},
    };
    /* nobody knows of 3.9.3 to 3.9.17, nor of 3.13 */
    assert_string_equal(record("", builds),
                        "# expect 3.9..3.9.2, 3.14..  HELD dies a because so it is\n"
                        "# expect 3.9.18..3.12        HELD dies b because so it is\n");
}

static void a_line_that_is_true_stays(void **state)
{
    (void)state;
    static const struct build builds[] = {
        {"3.8.18", 0, "a", 0}, {"3.12.1", 0, "a", 0}, {"3.13.0", 0, "b", 0}};
    assert_string_equal(record("# expect ..2.7  VOID\n"
                               "# expect 3.3    VOID because seen once\n"
                               "# expect 3.6..  HELD dies a because it was always so\n",
                               builds),
                        "# expect ..2.7      VOID\n"
                        "# expect 3.3        VOID because seen once\n"
                        "# expect 3.6..3.12  HELD dies a because it was always so\n"
                        "# expect 3.13..     HELD dies b because so it is\n");
    /* what was not said is not said now: no order, no lives */
    static const struct build other[] = {{"3.8.18", 0, "a", 0}};
    assert_string_equal(record("# expect 3.8  VOID\n", other),
                        "# expect 3.8  HELD because so it is\n");
}

static void who_did_not_run_says_what_it_said(void **state)
{
    (void)state;
    static const struct build builds[] = {
        {"3.8.18", 0, NULL, 0}, {"3.9.18", 0, "b", 0}, {"3.10.13", 0, NULL, 0}};
    assert_string_equal(record("# expect 3.8    HELD dies a\n"
                               "# expect 3.9    HELD dies a\n"
                               "# expect 3.10.. HELD dies a\n",
                               builds),
                        "# expect 3.8, 3.10..  HELD dies a\n"
                        "# expect 3.9          HELD dies b because so it is\n");
}

static void kinds_of_builds_have_lines_where_they_differ(void **state)
{
    (void)state;
    static const struct build builds[] = {
        {"3.11.2", 0, "a", 0},
        {"3.11.2", ZAP_EXPECT_DEBUG, "a", 0},
        {"3.13.5", 0, "a", 0},
        {"3.13.5", ZAP_EXPECT_DEBUG, "b", 0},
        {"3.13.5", ZAP_EXPECT_NOGIL, "c", 0},
        {"3.13.5", ZAP_EXPECT_NOGIL | ZAP_EXPECT_DEBUG, "c", 0},
    };
    assert_string_equal(record("", builds), "# expect 3.11..   HELD dies a because so it is\n"
                                            "# expect 3.13..d  HELD dies b because so it is\n"
                                            "# expect 3.13..t  HELD dies c because so it is\n");
}

static void findings_get_their_reference(void **state)
{
    (void)state;
    static const struct build builds[] = {
        {"3.8.18", 0, "", ZAP_CRASHED}, {"3.9.18", 0, "a", ZAP_BROKEN}, {"3.10.13", 0, "a", 0}};
    assert_string_equal(
        record_with("# expect 3.8 BROKEN I9 known a.c:b because old\n"
                    "# expect 3.9 BROKEN I9 known https://example.org/1 because old\n"
                    "# expect 3.10 CRASHED known a.c:b because old\n",
                    builds, 3, "c.c:d"),
        "# expect 3.8   CRASHED SIGSEGV known a.c:b because so it is\n"
        "# expect 3.9   BROKEN I9 known https://example.org/1 because old\n"
        "# expect 3.10  HELD dies a because so it is\n");
    assert_string_equal(record_with("", builds, 1, "c.c:d"),
                        "# expect 3.8..  CRASHED SIGSEGV known c.c:d because so it is\n");
}

static void builds_of_one_version_share_a_line(void **state)
{
    (void)state;
    static const struct build builds[] = {
        {"3.11.2", 0, "a", 0}, {"3.11.2", 0, "", ZAP_CRASHED}, {"3.11.2", 0, "a", 0}};
    assert_string_equal(record_with("", builds, 3, "c.c:d"),
                        "# expect 3.11..  HELD or CRASHED SIGSEGV known c.c:d because so it is\n");
    static const struct build orders[] = {{"3.11.2", 0, "a b", 0}, {"3.11.2", 0, "b a", 0}};
    assert_string_equal(record("", orders), "# expect 3.11..  HELD because so it is\n");
}

static void long_lines_go_on_below(void **state)
{
    (void)state;
    static const struct build builds[] = {
        {"3.11.2", 0, "one two three four five six seven eight nine ten eleven twelve thirteen",
         0}};
    assert_string_equal(record("", builds),
                        "# expect 3.11..  HELD dies one two three four five six seven eight nine "
                        "ten eleven twelve thirteen\n"
                        "#                because so it is\n");
}

static void replace_to(const char *text, const char *wanted)
{
    char page[4096];
    struct zap_str out = zap_str_init(page, sizeof page);
    zap_expect_replace(text, strlen(text), "# expect NEW\n", &out);
    assert_string_equal(page, wanted);
}

static void nothing_else_in_a_file_changes(void **state)
{
    (void)state;
    replace_to("pyzap plan 1\nroute drop\n", "pyzap plan 1\n# expect NEW\nroute drop\n");
    replace_to("pyzap plan 1\n#prose\n#\n\n# more\nroute drop",
               "pyzap plan 1\n#prose\n#\n# expect NEW\n\n# more\nroute drop");
    replace_to("pyzap plan 1 # and\r\n# a\r\n# expect 3.8 HELD\r\n#     dies a\r\n# b  \r\n"
               "#     c\r\n#expect 3.9 VOID\r\nroute  drop\r\n",
               "pyzap plan 1 # and\r\n# a\r\n# expect NEW\n# b  \r\n#     c\r\nroute  drop\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_that_agree_share_a_line),
        cmocka_unit_test(a_boundary_is_where_it_was_seen),
        cmocka_unit_test(a_line_that_is_true_stays),
        cmocka_unit_test(who_did_not_run_says_what_it_said),
        cmocka_unit_test(kinds_of_builds_have_lines_where_they_differ),
        cmocka_unit_test(findings_get_their_reference),
        cmocka_unit_test(builds_of_one_version_share_a_line),
        cmocka_unit_test(long_lines_go_on_below),
        cmocka_unit_test(nothing_else_in_a_file_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
