/* The list of builds, and what a --python means (src/host/builds.c). */
#include "host/builds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/pyzap-builds-XXXXXX";

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, mode);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    write_file("builds.tsv",
               "# name\tstate\tversion\tmode\tpython\tworker or reason\n"
               "3.11.7\tusable\t3.11.7\tstatic\t/opt/python3.11\tworker-3.11.7\n"
               "3.9.18\tusable\t3.9.18\tstatic\t/opt/python3.9\tworker-3.9.18\n"
               "3.11.2\tusable\t3.11.2\tshared\t/opt/debian3.11\tworker-3.11.2\n"
               "3.5.0\tunusable\t3.5.0\t-\t/opt/python3.5\tCPython 3.5 is not supported\n"
               "3.8.18\tusable\t3.8.18\tstatic\t/opt/python3.8\tworker-3.8.18\n"
               "short\n"
               "\n",
               0644);
    write_file("worker-3.11.7", "", 0755);
    write_file("worker-3.11.2", "", 0755);
    write_file("worker-3.9.18", "", 0755);
    write_file("worker-mine", "", 0755);
    write_file("worker-plain-file", "", 0644);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct zap_builds load(void)
{
    char why[256];
    struct zap_str text = zap_str_init(why, sizeof why);
    struct zap_builds builds;
    assert_int_equal(zap_builds_load(folder, &builds, &text), ZAP_OK);
    return builds;
}

static void rows_and_workers_are_put_together(void **state)
{
    (void)state;
    static const char *const names[] = {"3.5.0",  "3.8.18", "3.9.18", "3.11.2",
                                        "3.11.7", "mine",   "short"};
    struct zap_builds builds = load();
    assert_int_equal(builds.count, 7);
    assert_int_equal(zap_builds_count_usable(&builds), 4);
    for (size_t i = 0; i < builds.count; i++)
        assert_string_equal(builds.rows[i].name, names[i]);
    assert_string_equal(builds.rows[0].reason, "CPython 3.5 is not supported");
    assert_false(builds.rows[1].is_usable);
    assert_string_equal(builds.rows[1].reason, "its worker-3.8.18 is missing: build pyzap again");
    assert_string_equal(builds.rows[3].mode, "shared");
    assert_string_equal(builds.rows[5].python, "-");
    zap_builds_release(&builds);
}

static void a_name_a_prefix_or_a_path_means_a_build(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *why;
    } cases[] = {
        {"3.11.7", "3.11.7", ""},
        {"3.9", "3.9.18", ""},
        {"/opt/debian3.11", "3.11.2", ""},
        {"mine", "mine", ""},
        {"3.11", NULL, "--python 3.11: more than one build: 3.11.2, 3.11.7"},
        {"3.1", NULL, "--python 3.1: no such build; usable: 3.9.18, 3.11.2, 3.11.7, mine"},
        {"", NULL, "--python : no such build; usable: 3.9.18, 3.11.2, 3.11.7, mine"},
        {"/opt/nothing", NULL,
         "--python /opt/nothing: no such build; usable: 3.9.18, 3.11.2, 3.11.7, mine"},
        {"3.5.0", NULL,
         "--python 3.5.0: 3.5.0 is unusable (CPython 3.5 is not supported); usable: 3.9.18, "
         "3.11.2, 3.11.7, mine"},
    };
    struct zap_builds builds = load();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[512];
        struct zap_str text = zap_str_init(why, sizeof why);
        const struct zap_builds_row *row = zap_builds_find(&builds, cases[i].text, &text);
        assert_string_equal(why, cases[i].why);
        if (cases[i].name)
            assert_string_equal(row->name, cases[i].name);
        else
            assert_null(row);
    }
    zap_builds_release(&builds);
}

static void a_named_folder_has_to_be_there(void **state)
{
    (void)state;
    char why[256];
    struct zap_str text = zap_str_init(why, sizeof why);
    struct zap_builds builds;
    assert_int_equal(zap_builds_load("/nowhere/at/all", &builds, &text), ZAP_E_IO);
    assert_string_equal(why, "/nowhere/at/all: No such file or directory");
    assert_int_equal(builds.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_workers_are_put_together),
        cmocka_unit_test(a_name_a_prefix_or_a_path_means_a_build),
        cmocka_unit_test(a_named_folder_has_to_be_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
