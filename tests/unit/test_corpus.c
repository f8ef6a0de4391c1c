/* Every plan in corpus/ is one: it parses, it is normal, and its canonical text means the same. */
#include "base/str.h"
#include "host/expect.h"
#include "oracle/known.h"
#include "plan/text.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[ZAP_TEXT_FILE_MAX];
static char printed[ZAP_TEXT_MAX];
static char again[ZAP_TEXT_MAX];

struct count {
    unsigned good;
    unsigned too_big; /* for a hostile build */
};

/* What a person looks for in such a file: its second line says what it is about. */
static void check_comments(const char *path)
{
    const char *second = strchr(text, '\n');
    if (!second || strncmp(second + 1, "# ", 2) != 0) {
        fail_msg("%s: the second line is not a comment that says what the plan shows", path);
    }
}

/* A plan that is skipped in sessions because it is known to crash a version had better crash it,
 * and one that crashes it by one of those ways had better be skipped. */
static void check_known(const char *path, const struct zap_plan *plan,
                        const struct zap_expect *expect)
{
    static const unsigned minors[] = {6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
        struct zap_build build = {.version = 3u << 16 | minors[i] << 8 | 5u, .level = 0xf};
        enum zap_feature_code known = zap_known_crash(plan, zap_profile_of(&build));
        const struct zap_expect_row *row = zap_expect_find(expect, build.version, 0);
        bool is_skipped = known != ZAP_FEATURE_COUNT;
        bool is_finding = row && row->known;
        bool is_overflow = is_finding && strstr(row->because, "the C stack overflows");
        if (is_skipped ? !is_finding : is_overflow) {
            fail_msg("%s: 3.%u %s it, and sessions %s it", path, minors[i],
                     is_finding ? "crashes of" : "does not crash of", is_skipped ? "skip" : "run");
        }
    }
}

/* What a machine looks for: lines that say what is to be expected. */
static void check_expectations(const char *path, size_t len, const struct zap_plan *plan)
{
    struct zap_expect expect;
    struct zap_text_error error = {0};
    if (zap_expect_parse(text, len, &expect, &error) != ZAP_OK) {
        fail_msg("%s:%u:%u: %s", path, error.line, error.column, error.what);
    }
    if (expect.rows_count == 0) {
        fail_msg("%s: no line begins with \"# expect\" (pyzap replay --update writes them)", path);
    }
    check_known(path, plan, &expect);
    zap_expect_release(&expect);
}

static void check_file(const char *path, struct count *count)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    check_comments(path);

    struct zap_plan plan;
    struct zap_plan twice;
    struct zap_text_error error = {0};
    if (zap_text_parse(text, len, &plan, &error) != ZAP_OK) {
#ifdef ZAP_HOSTILE
        if (strstr(error.what, "at most")) {
            count->too_big++;
            return;
        }
#endif
        fail_msg("%s:%u:%u: %s", path, error.line, error.column, error.what);
    }
    check_expectations(path, len, &plan);
    assert_true(zap_plan_is_normal(&plan));
    struct zap_str str = zap_str_init(printed, sizeof(printed));
    zap_text_print(&plan, &str);
    assert_false(str.cut);
    assert_int_equal(zap_text_parse(printed, str.len, &twice, &error), ZAP_OK);
    assert_true(zap_plan_equal(&plan, &twice));
    struct zap_str str_again = zap_str_init(again, sizeof(again));
    zap_text_print(&twice, &str_again);
    assert_string_equal(printed, again);
    count->good++;
}

static struct count check_folder(const char *folder)
{
    struct count count = {0};
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        const char *dot = strrchr(entry->d_name, '.');
        if (dot && strcmp(dot, ".plan") == 0) {
            char path[4096];
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
            check_file(path, &count);
        } else {
            /* nothing else lives here */
            assert_true(entry->d_name[0] == '.' || strcmp(entry->d_name, "README.md") == 0);
        }
    }
    closedir(dir);
    return count;
}

static void seeds_are_plans(void **state)
{
    (void)state;
    struct count count = check_folder(ZAP_TEST_DIR "/../corpus/seed");
    assert_true(count.good > 0);
    assert_true(count.good + count.too_big >= 60);
}

static void regressions_are_plans(void **state)
{
    (void)state;
    struct count count = check_folder(ZAP_TEST_DIR "/../corpus/regress");
    assert_true(count.good + count.too_big >= 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_plans),
        cmocka_unit_test(regressions_are_plans),
    };
    return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
