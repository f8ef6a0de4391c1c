/* Plans from files and folders, and one line for each that gives none (src/host/input.c). */
#include "host/input.h"

#include "plan/gen.h"
#include "plan/text.h"
#include "plan/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/pyzap-input-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static void make_plan(uint64_t index, struct zap_plan *ret_plan)
{
    const struct zap_gen_config config = {.seed = 9};
    zap_gen_plan(&config, index, ret_plan);
}

static void write_text(const char *name, uint64_t index)
{
    static char page[ZAP_TEXT_MAX + 64];
    struct zap_plan plan;
    make_plan(index, &plan);
    struct zap_str text = zap_str_init(page, sizeof page);
    zap_input_print(&plan, "# a comment\n", &text);
    write_file(name, page, text.len);
}

static void write_wire(const char *name, uint64_t index)
{
    uint8_t bytes[ZAP_WIRE_MAX];
    struct zap_plan plan;
    make_plan(index, &plan);
    write_file(name, bytes, zap_wire_encode(&plan, bytes));
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    mkdir(path_of("all"), 0755);
    mkdir(path_of("all/deeper"), 0755);
    mkdir(path_of("nothing"), 0755);
    write_text("all/b.plan", 0);
    write_wire("all/a.zap", 1);
    write_text("all/deeper/x.plan", 2);
    write_file("all/readme.txt", "no plan", 7);
    write_file("all/.hidden.plan", "no plan", 7);
    assert_int_equal(symlink("..", path_of("all/deeper/loop")), 0);
    write_file("empty.plan", "", 0);
    write_file("empty.zap", "", 0);
    write_file("blank.plan", " \n\n", 3);
    write_file("bad.plan", "pyzap plan 1\nroute dorp\n", 24);
    char *huge = calloc(1, ZAP_TEXT_FILE_MAX + 1);
    write_file("huge.plan", huge, ZAP_TEXT_FILE_MAX + 1);
    write_file("huge.zap", huge, ZAP_TEXT_FILE_MAX + 1);
    free(huge);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void a_folder_gives_its_plans_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t index;
    } expected[] = {{"all/a.zap", 1}, {"all/b.plan", 0}, {"all/deeper/x.plan", 2}};
    struct zap_inputs inputs = {0};
    zap_inputs_add(&inputs, path_of("all/"));
    assert_int_equal(inputs.errors_count, 0);
    assert_int_equal(inputs.count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct zap_plan plan;
        make_plan(expected[i].index, &plan);
        assert_string_equal(inputs.items[i].path, path_of(expected[i].name));
        assert_true(zap_plan_equal(&inputs.items[i].plan, &plan));
    }
    zap_inputs_release(&inputs);
}

static void wire_bytes_of_any_kind_are_a_plan(void **state)
{
    (void)state;
    struct zap_inputs inputs = {0};
    zap_inputs_add(&inputs, path_of("empty.zap"));
    assert_int_equal(inputs.errors_count, 0);
    assert_int_equal(inputs.count, 1);
    assert_true(zap_plan_is_normal(&inputs.items[0].plan));
    zap_inputs_release(&inputs);
}

static void what_gives_no_plan_gives_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *what;
    } cases[] = {
        {"missing.plan", "No such file or directory: give a plan file or a folder of them"},
        {"empty.plan", "empty: a text plan begins with `pyzap plan 1` (see `pyzap gen`)"},
        {"blank.plan", "empty: a text plan begins with `pyzap plan 1` (see `pyzap gen`)"},
        {"bad.plan", "line 2, column 7: "},
        {"huge.plan", "larger than 1 MiB, which no plan is: is it a plan file?"},
        {"huge.zap", "larger than 1 MiB, which no plan is: is it a plan file?"},
        {"nothing", "no plan in this folder: plan files end in .plan (text) or .zap (wire)"},
    };
    struct zap_inputs inputs = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[512];
        zap_inputs_add(&inputs, path_of(cases[i].name));
        assert_int_equal(inputs.errors_count, i + 1);
        snprintf(expected, sizeof expected, "%s: %s", path_of(cases[i].name), cases[i].what);
        char *found = inputs.errors[i];
        if (strncmp(found, expected, strlen(expected)) != 0)
            assert_string_equal(found, expected);
        assert_null(strchr(found, '\n'));
    }
    assert_int_equal(inputs.count, 0);
    zap_inputs_release(&inputs);
}

static void what_cannot_be_read_gives_one_line(void **state)
{
    (void)state;
    struct zap_inputs inputs = {0};
    zap_inputs_add(&inputs, "/proc/self/mem"); /* opens, and fails to read, whoever asks */
    assert_int_equal(inputs.errors_count, 1);
    assert_string_equal(inputs.errors[0], "/proc/self/mem: Input/output error: is it a plan file?");
    zap_inputs_add(&inputs, "/dev/zero"); /* has no end */
    assert_int_equal(inputs.errors_count, 2);
    assert_string_equal(inputs.errors[1],
                        "/dev/zero: larger than 1 MiB, which no plan is: is it a plan file?");
    zap_inputs_release(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_gives_its_plans_in_order),
        cmocka_unit_test(wire_bytes_of_any_kind_are_a_plan),
        cmocka_unit_test(what_gives_no_plan_gives_one_line),
        cmocka_unit_test(what_cannot_be_read_gives_one_line),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
