/* Features by build, and the rows of the small tables. */
#include "oracle/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct zap_build build_of(unsigned major, unsigned minor, unsigned micro)
{
    return (struct zap_build){.version = major << 16 | minor << 8 | micro, .level = 0xf};
}

static bool has(struct zap_build build, enum zap_feature_code feature)
{
    return zap_profile_has(zap_profile_of(&build), feature);
}

static void a_range_begins_and_ends(void **state)
{
    (void)state;
    assert_true(has(build_of(2, 7, 18), ZAP_FEATURE_ZAP_ON_DEALLOC));
    assert_true(has(build_of(3, 3, 255), ZAP_FEATURE_ZAP_ON_DEALLOC));
    assert_false(has(build_of(3, 4, 0), ZAP_FEATURE_ZAP_ON_DEALLOC));
    assert_false(has(build_of(3, 9, 18), ZAP_FEATURE_BUILTINS_CAPTURED));
    assert_true(has(build_of(3, 10, 0), ZAP_FEATURE_BUILTINS_CAPTURED));
    assert_true(has(build_of(3, 99, 0), ZAP_FEATURE_BUILTINS_CAPTURED));
}

/* What decides how an interpreter ends. */
static void ends_have_ranges(void **state)
{
    (void)state;
    assert_false(has(build_of(3, 3, 7), ZAP_FEATURE_SURVIVORS_WIPED));
    assert_true(has(build_of(3, 4, 0), ZAP_FEATURE_SURVIVORS_WIPED));
    assert_false(has(build_of(3, 7, 17), ZAP_FEATURE_SURVIVORS_REVERSED));
    assert_true(has(build_of(3, 8, 0), ZAP_FEATURE_SURVIVORS_REVERSED));
    assert_true(has(build_of(2, 7, 18), ZAP_FEATURE_COLLECTS_DISABLED));
    assert_true(has(build_of(3, 5, 10), ZAP_FEATURE_COLLECTS_DISABLED));
    assert_false(has(build_of(3, 6, 0), ZAP_FEATURE_COLLECTS_DISABLED));
    assert_false(has(build_of(3, 3, 7), ZAP_FEATURE_SUBINTERP_LOSES_BUILTINS));
    assert_true(has(build_of(3, 8, 18), ZAP_FEATURE_SUBINTERP_LOSES_BUILTINS));
    assert_false(has(build_of(3, 9, 0), ZAP_FEATURE_SUBINTERP_LOSES_BUILTINS));
    assert_false(has(build_of(3, 9, 18), ZAP_FEATURE_LATE_ROOTS_COLLECTED));
    assert_true(has(build_of(3, 10, 0), ZAP_FEATURE_LATE_ROOTS_COLLECTED));
}

static void a_sort_of_build_counts(void **state)
{
    (void)state;
    struct zap_build build = build_of(3, 14, 0);
    assert_false(has(build, ZAP_FEATURE_DEFERRED_REFCOUNTS));
    build.nogil = 1;
    assert_true(has(build, ZAP_FEATURE_DEFERRED_REFCOUNTS));
    assert_true(has(build, ZAP_FEATURE_SAFE_FINALIZERS));
    build.version = build_of(3, 12, 0).version;
    assert_false(has(build, ZAP_FEATURE_DEFERRED_REFCOUNTS));
}

/* Every row holds for some version that exists, and says what it says. */
static void every_row_is_usable(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ZAP_FEATURE_COUNT; i++) {
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)i);
        assert_true(row->since < row->until);
        assert_true(strlen(row->id) > 0 && strlen(row->text) > 0 && strlen(row->reference) > 0);
        struct zap_build build = {.version = row->since, .nogil = 0, .debug = 1};
        zap_profile either = zap_profile_of(&build);
        build.nogil = 1;
        either |= zap_profile_of(&build);
        assert_true(zap_profile_has(either, (enum zap_feature_code)i));
    }
    assert_string_equal(zap_feature_row(ZAP_FEATURE_ZAP_ON_DEALLOC)->id, "ZAP_ON_DEALLOC");
    assert_true(zap_feature_row(ZAP_FEATURE_DROP_IGNORES_UNDERSCORE)->departs);
    assert_false(zap_feature_row(ZAP_FEATURE_SAFE_FINALIZERS)->departs);
}

static void verdicts_have_rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ZAP_VERDICT_COUNT; i++) {
        assert_non_null(zap_verdict_row((enum zap_verdict)i)->name);
    }
    assert_string_equal(zap_verdict_row(ZAP_BROKEN)->name, "BROKEN");
    assert_true(zap_verdict_row(ZAP_BROKEN)->is_finding);
    assert_true(zap_verdict_row(ZAP_CRASHED)->is_finding);
    assert_false(zap_verdict_row(ZAP_HARNESS)->is_finding);
    assert_false(zap_verdict_row(ZAP_HELD)->is_finding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_begins_and_ends), cmocka_unit_test(ends_have_ranges),
        cmocka_unit_test(a_sort_of_build_counts),  cmocka_unit_test(every_row_is_usable),
        cmocka_unit_test(verdicts_have_rows),
    };
    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
