/* zap-fuzz-data: its dictionary is one that both engines read and has every row of the tables, its
 * seeds are the plans, and bad input is one line. ZAP_FUZZ_DATA is the program; plans come from
 * corpus/seed. Fits the limits of a hostile build, which refuses some of those plans. */
#include "plan/text.h"
#include "plan/wire.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PLAN "pyzap plan 1\nroute drop\nmodule m0\nobject o0 = int\nglobal m0 a = o0\n"

enum { ENTRIES_MAX = 512, ENTRY_MAX = 64, PATHS_MAX = 256, FILE_SIZE = 64 * 1024, PATH_SIZE = 512 };

static char folder[] = "/tmp/pyzap-data-XXXXXX";
static char output[FILE_SIZE]; /* of the last run, stderr */

static const char *path_of(const char *name)
{
    static char paths[16][PATH_SIZE]; /* good until 16 calls later */
    static unsigned turn;
    char *path = paths[turn++ % 16];
    assert_true(snprintf(path, PATH_SIZE, "%s/%s", folder, name) < PATH_SIZE);
    return path;
}

static size_t read_file(const char *path, char *ret_text)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("no %s", path);
    }
    size_t len = fread(ret_text, 1, FILE_SIZE - 1, file);
    fclose(file);
    assert_true(len < FILE_SIZE - 1);
    ret_text[len] = '\0';
    return len;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static bool exists(const char *name)
{
    struct stat about;
    return stat(path_of(name), &about) == 0;
}

/* Run the program with these arguments, up to NULL. Returns its exit status. */
static int run(const char *const *args)
{
    const char *argv[PATHS_MAX + 3] = {ZAP_FUZZ_DATA};
    size_t count = 1;
    for (; *args != NULL; args++) {
        assert_true(count < PATHS_MAX + 2);
        argv[count++] = *args;
    }
    char errors[PATH_SIZE];
    snprintf(errors, sizeof errors, "%s", path_of("errors"));
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(fd, 1);
        dup2(fd, 2);
        char *copy[PATHS_MAX + 3] = {NULL};
        memcpy(copy, argv, sizeof copy);
        execv(ZAP_FUZZ_DATA, copy);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    read_file(errors, output);
    return WEXITSTATUS(status);
}

/* The text plans of corpus/seed that this build can hold. Returns how many. */
static size_t find_plans(const char **ret_paths)
{
    static char paths[PATHS_MAX][PATH_SIZE];
    struct dirent **entries;
    int found = scandir(ZAP_TEST_DIR "/../corpus/seed", &entries, NULL, alphasort);
    size_t count = 0;
    assert_true(found > 0);
    for (int i = 0; i < found; i++) {
        static char text[FILE_SIZE];
        struct zap_plan plan;
        struct zap_text_error error;
        snprintf(paths[count], PATH_SIZE, ZAP_TEST_DIR "/../corpus/seed/%s", entries[i]->d_name);
        if (strstr(entries[i]->d_name, ".plan") != NULL &&
            zap_text_parse(text, read_file(paths[count], text), &plan, &error) == ZAP_OK) {
            ret_paths[count] = paths[count];
            count++;
            assert_true(count < PATHS_MAX);
        }
        free(entries[i]);
    }
    free(entries);
    ret_paths[count] = NULL;
    return count;
}

static const char *plans[PATHS_MAX + 1];
static size_t plans_count;

/* Everything once, to `folder`/out. */
static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    plans_count = find_plans(plans);
    const char *args[PATHS_MAX + 2];
    char out[PATH_SIZE];
    snprintf(out, sizeof out, "%s", path_of("deep/er/out"));
    args[0] = out;
    memcpy(args + 1, plans, (plans_count + 1) * sizeof plans[0]);
    return run(args) == 0 && output[0] == '\0' ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[PATH_SIZE];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* ------------------------------------------------------------------ the dictionary */

static struct entry {
    char name[ENTRY_MAX];
    uint8_t bytes[ENTRY_MAX];
    size_t len;
} entries[ENTRIES_MAX];
static size_t entries_count;

static int hex(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* One line, by the narrower of two grammars: AFL++ wants names of letters, digits and '_', and
 * knows
 * \\, \" and \xHH; libFuzzer takes at most 64 bytes and no empty entry. Returns false for a bad
 * one. */
static bool parse_line(const char *line, struct entry *ret_entry)
{
    size_t name_len =
        strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (name_len == 0 || name_len >= ENTRY_MAX || strncmp(line + name_len, "=\"", 2) != 0) {
        return false;
    }
    memcpy(ret_entry->name, line, name_len);
    ret_entry->name[name_len] = '\0';
    ret_entry->len = 0;
    const char *c = line + name_len + 2;
    while (*c != '"') {
        if (*c < ' ' || *c > '~' || ret_entry->len == ENTRY_MAX) {
            return false;
        }
        int value = *c++;
        if (value == '\\' && (*c == '\\' || *c == '"')) {
            value = *c++;
        } else if (value == '\\') {
            if (*c++ != 'x' || hex(c[0]) < 0 || hex(c[1]) < 0) {
                return false;
            }
            value = hex(c[0]) * 16 + hex(c[1]);
            c += 2;
        }
        ret_entry->bytes[ret_entry->len++] = (uint8_t)value;
    }
    return c[1] == '\0' && ret_entry->len > 0;
}

static void the_reader_of_this_test_is_strict(void **state)
{
    (void)state;
    static const char *const good[] = {"a=\"b\"", "a_1=\"\\x00\\xfF\"", "Z=\"\\\\\\\"\""};
    static const char *const bad[] = {"",          "a",          "=\"b\"",      "a=b",
                                      "a=\"\"",    "a=\"b",      "a=\"b\"c",    "a-b=\"c\"",
                                      "a=\"\\n\"", "a=\"\\x0\"", "a=\"\\x0g\"", "a=\"\\X00\"",
                                      "a =\"b\"",  "a=\"\x01\"", "a=\"\xe9\"",  "a@1=\"b\""};
    struct entry entry;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(parse_line(good[i], &entry));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(parse_line(bad[i], &entry));
    }
}

static void the_dictionary_is_well_formed(void **state)
{
    (void)state;
    static char text[FILE_SIZE];
    size_t len = read_file(path_of("deep/er/out/pyzap.dict"), text);
    assert_true(len > 0 && text[len - 1] == '\n');
    entries_count = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] == '#') {
            continue;
        }
        struct entry *entry = &entries[entries_count];
        if (!parse_line(line, entry)) {
            fail_msg("bad line: %s", line);
        }
        for (size_t i = 0; i < entries_count; i++) {
            assert_string_not_equal(entries[i].name, entry->name);
            bool is_same = entries[i].len == entry->len &&
                           memcmp(entries[i].bytes, entry->bytes, entry->len) == 0;
            assert_false(is_same);
        }
        entries_count++;
        assert_true(entries_count < ENTRIES_MAX);
    }
    print_message("%zu entries\n", entries_count);
}

static uint64_t bit(unsigned i)
{
    return UINT64_C(1) << i;
}

/* What entries have brought. */
static struct {
    uint64_t names, kinds, ops, routes, again, places[2], settings;
    bool module, held, link, elsewhere, unlisted;
} brought;

static bool is_called(const struct entry *entry, const char *prefix)
{
    return strncmp(entry->name, prefix, strlen(prefix)) == 0;
}

/* Put an entry into the middle of a plan of this route: of two objects under these names, of which
 * the first is a node, the second a list. Returns how many things the plan has more than before. */
static unsigned put_in(const struct entry *entry, uint8_t route, uint8_t one, uint8_t other)
{
    const uint8_t head[] = {route, 1, 0, 2, one, 0, 0, 2, other, 1, 0, 3, ZAP_VALUE_NODE, 0, 0};
    const uint8_t tail[] = {3, ZAP_VALUE_LIST, 0, 0};
    uint8_t bytes[sizeof head + ENTRY_MAX + sizeof tail];
    struct zap_plan plan;
    unsigned more = 0;
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + sizeof head, entry->bytes, entry->len);
    memcpy(bytes + sizeof head + entry->len, tail, sizeof tail);
    zap_wire_decode(bytes, sizeof head + entry->len + sizeof tail, &plan);
    if (plan.modules_count == 2) {
        more++;
        assert_true(is_called(entry, "module"));
        brought.module = brought.module || !plan.modules[1].held;
        brought.held = brought.held || plan.modules[1].held;
    }
    if (plan.modules[0].globals_count == 3) {
        more++;
        assert_true(is_called(entry, "global_"));
        brought.names |= bit(plan.modules[0].globals[2].name);
        brought.again |= bit(plan.modules[0].globals[2].again);
    }
    if (plan.objects[1].kind != ZAP_VALUE_LIST || strcmp(entry->name, "object_LIST") == 0) {
        more++;
        assert_true(is_called(entry, "object_"));
        brought.kinds |= bit(plan.objects[1].kind);
        brought.elsewhere = brought.elsewhere || plan.objects[1].module == ZAP_ELSEWHERE;
    }
    if (plan.links_count == 1) {
        more++;
        assert_true(is_called(entry, "link_"));
        brought.link = true;
    }
    if (plan.acts_count == 1) {
        more++;
        assert_true(is_called(entry, "act_"));
        brought.ops |= bit(plan.acts[0].op);
    }
    if (plan.parks_count == 1) {
        more++;
        assert_true(is_called(entry, "park_"));
        brought.places[plan.parks[0].is_module] |= bit(plan.parks[0].place);
    }
    if (plan.settings != 0) {
        more++;
        assert_true(is_called(entry, "setting_"));
        brought.settings |= plan.settings;
    }
    if (plan.modules[0].unlisted) {
        more++;
        assert_true(is_called(entry, "unlisted"));
        brought.unlisted = true;
    }
    return more;
}

static void the_dictionary_has_every_row(void **state)
{
    (void)state;
    assert_true(entries_count > 0);
    for (size_t i = 0; i < entries_count; i++) {
        const struct entry *entry = &entries[i];
        if (entry->len == 1) {
            struct zap_plan plan;
            zap_wire_decode(entry->bytes, entry->len, &plan);
            assert_int_equal(plan.route, entry->bytes[0]);
            assert_true(is_called(entry, "route_"));
            brought.routes |= bit(plan.route);
            continue;
        }
        /* a global whose name is there already brings nothing, so other names then */
        unsigned more = put_in(entry, ZAP_ROUTE_RELOAD, ZAP_NAME_D, ZAP_NAME_E);
        more = more == 0 ? put_in(entry, ZAP_ROUTE_RELOAD, ZAP_NAME_F, ZAP_NAME_G) : more;
        /* and some mean something only where an interpreter ends */
        more = more == 0 ? put_in(entry, ZAP_ROUTE_EXIT, ZAP_NAME_D, ZAP_NAME_E) : more;
        if (more != 1) {
            fail_msg("entry %s brings %u things", entry->name, more);
        }
    }
    for (unsigned code = 0; code < 64; code++) {
        assert_int_equal(zap_name_row(code) != NULL, (brought.names & bit(code)) != 0);
        assert_int_equal(zap_value_row(code) != NULL, (brought.kinds & bit(code)) != 0);
        assert_int_equal(zap_op_row(code) != NULL, (brought.ops & bit(code)) != 0);
        assert_int_equal(zap_route_row(code) != NULL, (brought.routes & bit(code)) != 0);
        const struct zap_park_row *park = zap_park_row(code);
        assert_int_equal(park != NULL && park->objects, (brought.places[0] & bit(code)) != 0);
        assert_int_equal(park != NULL && park->modules, (brought.places[1] & bit(code)) != 0);
        bool is_set = code > 0 && (brought.settings & bit(code - 1)) != 0;
        assert_int_equal(zap_setting_row(code) != NULL, is_set);
    }
    assert_int_equal(brought.again, bit(ZAP_AGAIN_END) - 1);
    assert_true(brought.module && brought.held && brought.link && brought.elsewhere);
    assert_true(brought.unlisted);
}

/* ------------------------------------------------------------------ seeds */

static void seeds_are_the_plans(void **state)
{
    (void)state;
    static char text[FILE_SIZE], wire[FILE_SIZE];
    for (size_t i = 0; i < plans_count; i++) {
        struct zap_plan plan, seed;
        struct zap_text_error error;
        assert_int_equal(zap_text_parse(text, read_file(plans[i], text), &plan, &error), ZAP_OK);
        char name[PATH_SIZE];
        const char *file = strrchr(plans[i], '/') + 1;
        snprintf(name, sizeof name, "deep/er/out/seeds/%.*s.zap", (int)(strlen(file) - 5), file);
        size_t len = read_file(path_of(name), wire);
        zap_wire_decode((const uint8_t *)wire, len, &seed);
        assert_true(zap_plan_equal(&plan, &seed));
    }
    print_message("%zu seeds\n", plans_count);
    assert_true(plans_count > 5);
}

static size_t count_files(const char *name)
{
    struct dirent **found;
    int count = scandir(path_of(name), &found, NULL, alphasort);
    assert_true(count >= 2);
    for (int i = 0; i < count; i++) {
        assert_null(strstr(found[i]->d_name, ".new"));
        free(found[i]);
    }
    free(found);
    return (size_t)count - 2;
}

static void nothing_else_is_left(void **state)
{
    (void)state;
    assert_int_equal(count_files("deep/er/out"), 2);
    assert_int_equal(count_files("deep/er/out/seeds"), plans_count);
}

static void again_is_the_same(void **state)
{
    (void)state;
    static char first[FILE_SIZE], second[FILE_SIZE];
    char out[PATH_SIZE];
    write_file("one.plan", PLAN);
    const char *args[] = {out, path_of("one.plan"), NULL};
    snprintf(out, sizeof out, "%s", path_of("again"));
    assert_int_equal(run(args), 0);
    size_t len = read_file(path_of("again/pyzap.dict"), first);
    assert_int_equal(run(args), 0); /* over what is there */
    assert_int_equal(read_file(path_of("again/pyzap.dict"), second), len);
    assert_string_equal(first, second);
    assert_int_equal(read_file(path_of("deep/er/out/pyzap.dict"), second), len);
    assert_string_equal(first, second);
    assert_int_equal(count_files("again/seeds"), 1);
}

/* ------------------------------------------------------------------ bad input */

/* Exit status 2, one line that has both words, and nothing written. */
static void assert_refused(const char *const *args, const char *what, const char *why)
{
    assert_int_equal(run(args), 2);
    if (strstr(output, what) == NULL || strstr(output, why) == NULL ||
        strchr(output, '\n') != output + strlen(output) - 1) {
        fail_msg("expected one line with \"%s\" and \"%s\", found \"%s\"", what, why, output);
    }
    assert_false(exists("refused"));
}

static void bad_input_is_one_line(void **state)
{
    (void)state;
    char out[PATH_SIZE], good[PATH_SIZE], bad[PATH_SIZE], missing[PATH_SIZE], same[PATH_SIZE];
    char other[PATH_SIZE], big[PATH_SIZE];
    snprintf(out, sizeof out, "%s", path_of("refused"));
    snprintf(good, sizeof good, "%s", path_of("good.plan"));
    snprintf(bad, sizeof bad, "%s", path_of("bad.plan"));
    snprintf(missing, sizeof missing, "%s", path_of("missing.plan"));
    snprintf(other, sizeof other, "%s", path_of("plan.txt"));
    snprintf(big, sizeof big, "%s", path_of("big.plan"));
    write_file("good.plan", PLAN);
    write_file("bad.plan", "pyzap plan 1\nroute dorp\n");
    write_file("plan.txt", PLAN);
    mkdir(path_of("same"), 0777);
    write_file("same/good.plan", PLAN);
    snprintf(same, sizeof same, "%s", path_of("same/good.plan"));
    assert_int_equal(truncate(bad, 0), 0);
    assert_refused((const char *[]){out, good, bad, NULL}, "bad.plan", "line 1");
    write_file("bad.plan", "pyzap plan 1\nroute dorp\n");
    assert_refused((const char *[]){out, good, bad, NULL}, "bad.plan", "line 2, column 7");
    assert_refused((const char *[]){out, good, missing, NULL}, "missing.plan", "No such file");
    assert_refused((const char *[]){out, good, other, NULL}, "plan.txt", "NAME.plan");
    assert_refused((const char *[]){out, good, same, NULL}, "same/good.plan", "name");
    assert_refused((const char *[]){out, good, folder, NULL}, folder, "NAME.plan");
    mkdir(path_of("folder.plan"), 0777);
    assert_refused((const char *[]){out, path_of("folder.plan"), NULL}, "folder.plan", "directory");
    write_file("big.plan", PLAN);
    assert_int_equal(truncate(big, ZAP_TEXT_FILE_MAX + 1), 0);
    assert_refused((const char *[]){out, big, NULL}, "big.plan", "too big");
    assert_refused((const char *[]){NULL}, "usage", "OUTDIR");
    assert_refused((const char *[]){"--help", NULL}, "usage", "OUTDIR");
    assert_refused((const char *[]){"", NULL}, "usage", "OUTDIR"); /* not the root folder */
}

static void a_place_that_cannot_be_written_is_one_line(void **state)
{
    (void)state;
    char inside[PATH_SIZE];
    write_file("file", "");
    snprintf(inside, sizeof inside, "%s", path_of("file/out"));
    assert_refused((const char *[]){path_of("file"), NULL}, "file", "Not a directory");
    assert_refused((const char *[]){inside, NULL}, "file", "Not a directory");
    mkdir(path_of("taken"), 0777);
    mkdir(path_of("taken/pyzap.dict"), 0777); /* so it cannot be renamed to that */
    assert_refused((const char *[]){path_of("taken"), NULL}, "pyzap.dict", "directory");
    assert_false(exists("taken/pyzap.dict.new"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_of_this_test_is_strict),
        cmocka_unit_test(the_dictionary_is_well_formed),
        cmocka_unit_test(the_dictionary_has_every_row),
        cmocka_unit_test(seeds_are_the_plans),
        cmocka_unit_test(nothing_else_is_left),
        cmocka_unit_test(again_is_the_same),
        cmocka_unit_test(bad_input_is_one_line),
        cmocka_unit_test(a_place_that_cannot_be_written_is_one_line),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
