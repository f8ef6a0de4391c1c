/* Known findings (src/host/knowns.c): read from plans, learnt on a fake worker, matched. */
#include "host/knowns.h"
#include "host/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/pyzap-knowns-XXXXXX";
static struct zap_builds builds;
static struct zap_knowns knowns;
static char why[512];

static const char body[] = "route drop\nmodule m0\nobject n = node elsewhere\nglobal m0 a = n\n";

static void write_plan(const char *name, const char *lines, const char *rest)
{
    char path[256], text[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(text, sizeof text, "pyzap plan 1\n%s%s%s", lines, body, rest);
    assert_true(zap_files_write(path, text, strlen(text)));
}

static int set_up(void **state)
{
    (void)state;
    char path[256];
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/workers/regress", folder);
    assert_true(zap_files_make_folders(path));
    snprintf(path, sizeof path, "%s/workers/worker-3.11.7", folder);
    if (symlink(ZAP_FAKE_WORKER, path) < 0)
        return -1;
    write_plan("workers/regress/1-none.plan", "# expect .. HELD\n", "");
    write_plan("workers/regress/2-raise.plan",
               "# expect ..3.10 HELD\n# expect 3.11 CRASHED SIGSEGV known a.c:b because so\n",
               "script n\n    raise\n");
    write_plan("workers/regress/3-keep.plan", "# expect .. BROKEN P1 known a.c:c because so\n",
               "script n\n    keep\n");
    write_plan("workers/regress/4-new.plan", "# expect 3.8 CRASHED known a.c:d because so\n",
               "script n\n    new\n");
    write_plan("workers/regress/5-collect.plan", "# expect .. CRASHED known a.c:e because so\n",
               "script n\n    collect\n");
    write_plan("workers/regress/6-import.plan",
               "# expect .. HELD or CRASHED known a.c:f because so\n",
               "script n\n    import-loaded\n");
    struct zap_str text = zap_str_init(why, sizeof why);
    snprintf(path, sizeof path, "%s/workers", folder);
    assert_int_equal(zap_builds_load(path, &builds, &text), ZAP_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zap_knowns_release(&knowns);
    zap_builds_release(&builds);
    return zap_files_remove(folder) ? 0 : -1;
}

static void load(void)
{
    struct zap_str text = zap_str_init(why, sizeof why);
    zap_knowns_release(&knowns);
    assert_int_equal(zap_knowns_load(NULL, &builds, &knowns, &text), ZAP_OK);
}

static void plans_that_expect_findings_are_read(void **state)
{
    (void)state;
    load();
    assert_int_equal(knowns.inputs.count, 5);
    assert_non_null(strstr(knowns.inputs.items[0].path, "/workers/regress/2-raise.plan"));

    struct zap_str text = zap_str_init(why, sizeof why);
    struct zap_builds nowhere = {.folder = "/nowhere"};
    struct zap_knowns none;
    assert_int_equal(zap_knowns_load(NULL, &nowhere, &none, &text), ZAP_OK);
    assert_int_equal(none.inputs.count, 0);
    assert_int_equal(zap_knowns_load("/nowhere", &builds, &none, &text), ZAP_E_SYNTAX);
    assert_non_null(strstr(why, "/nowhere: No such file or directory"));
    write_plan("workers/bad.plan", "# expect 3.8\n", "");
    char path[256];
    snprintf(path, sizeof path, "%s/workers/bad.plan", folder);
    text = zap_str_init(why, sizeof why);
    assert_int_equal(zap_knowns_load(path, &builds, &none, &text), ZAP_E_SYNTAX);
    assert_non_null(strstr(why, "bad.plan: line 2, column 13: expected HELD"));
}

static const struct zap_known *known_of(const struct zap_knowns_of *of, const char *reference)
{
    for (size_t i = 0; i < of->count; i++) {
        if (strcmp(of->items[i].row->known, reference) == 0)
            return &of->items[i];
    }
    return NULL;
}

static struct zap_knowns_of learn(const char *fake)
{
    struct zap_knowns_of of;
    struct zap_build build = {.version = 3 << 16 | 11 << 8 | 7};
    struct zap_worker_config config = {0};
    load();
    setenv("ZAP_FAKE", fake, 1);
    zap_knowns_learn(&knowns, &builds.rows[0], &build, &config, &of);
    unsetenv("ZAP_FAKE");
    return of;
}

static void a_build_says_what_happens_on_it(void **state)
{
    (void)state;
    struct zap_knowns_of of = learn("segv@raise,finding@keep");
    assert_int_equal(of.count, 4);
    const struct zap_known *known = known_of(&of, "a.c:b");
    assert_int_equal(known->change, ZAP_EXPECT_KNOWN);
    assert_int_equal(known->verdict, ZAP_CRASHED);
    assert_memory_equal(known->signature, "SIGSEGV", 7);
    assert_memory_equal(known->reason, "SIGSEGV", 7);
    known = known_of(&of, "a.c:c");
    assert_int_equal(known->change, ZAP_EXPECT_KNOWN);
    assert_string_equal(known->signature, "P1");
    assert_null(known_of(&of, "a.c:d")); /* not for this version */
    assert_int_equal(known_of(&of, "a.c:e")->change, ZAP_EXPECT_GONE);
    assert_int_equal(known_of(&of, "a.c:f")->change, ZAP_EXPECT_SAME);
    zap_knowns_forget(&of);

    of = learn("fatal@raise,vanish");
    assert_int_equal(known_of(&of, "a.c:b")->change, ZAP_EXPECT_FAILED);
    zap_knowns_forget(&of);
    of = learn("fatal@raise");
    assert_int_equal(known_of(&of, "a.c:b")->change, ZAP_EXPECT_CHANGED);
    assert_null(zap_knowns_match(&of, ZAP_CRASHED, known_of(&of, "a.c:b")->signature,
                                 &known_of(&of, "a.c:b")->input->plan));
    zap_knowns_forget(&of);
}

static void signatures_that_tell_are_enough(void **state)
{
    (void)state;
    static struct zap_input input;
    struct zap_plan other;
    zap_plan_init(&input.plan);
    zap_plan_init(&other);
    other.route = ZAP_ROUTE_WIPE;
    static const struct {
        enum zap_verdict verdict;
        const char *signature;
        bool is_telling;
    } cases[] = {
        {ZAP_CRASHED, "SIGSEGV-insertdict-01234567", true},
        {ZAP_CRASHED, "SIGSEGV", false},
        {ZAP_CRASHED, "exit-3", true},
        {ZAP_CRASHED, "", false},
        {ZAP_TIMED_OUT, "timeout", false},
        {ZAP_TIMED_OUT, "endless", true},
        {ZAP_EXHAUSTED, "memory", false},
        {ZAP_BROKEN, "I9", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zap_known known = {
            .input = &input, .change = ZAP_EXPECT_KNOWN, .verdict = cases[i].verdict};
        struct zap_knowns_of of = {&known, 1};
        const char *signature = cases[i].signature;
        snprintf(known.signature, sizeof known.signature, "%s", signature);
        const struct zap_known *may_be = cases[i].is_telling ? &known : NULL;
        assert_ptr_equal(zap_knowns_match(&of, known.verdict, signature, &other), may_be);
        assert_ptr_equal(zap_knowns_match(&of, known.verdict, signature, NULL), may_be);
        assert_ptr_equal(zap_knowns_match(&of, known.verdict, signature, &input.plan), &known);
        assert_null(zap_knowns_match(&of, known.verdict, "SIGABRT-else-01234567", &input.plan));
        assert_null(zap_knowns_match(&of, ZAP_HARNESS, signature, &input.plan));
        known.change = ZAP_EXPECT_GONE;
        assert_null(zap_knowns_match(&of, known.verdict, signature, &input.plan));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_that_expect_findings_are_read),
        cmocka_unit_test(a_build_says_what_happens_on_it),
        cmocka_unit_test(signatures_that_tell_are_enough),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
