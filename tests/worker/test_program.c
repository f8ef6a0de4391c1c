/* The `pyzap` program from outside: what it prints where, and its exit status, with fake workers.
 */
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { OUTPUT_MAX = 256 * 1024 };

static char folder[] = "/tmp/pyzap-program-XXXXXX";
static char
    output[OUTPUT_MAX]; /* of the last command, stdout and stderr alike unless it says else */

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    if (!mkdtemp(folder) || chdir(folder) < 0 || mkdir("none", 0755) < 0 ||
        mkdir("workers", 0755) < 0 || mkdir("plans", 0755) < 0)
        return -1;
    if (symlink(ZAP_FAKE_WORKER, "workers/worker-3.11.7") < 0 ||
        symlink(ZAP_FAKE_WORKER, "workers/worker-3.9.18") < 0 ||
        symlink(ZAP_BIN_DIR "/pyzap", "pyzap") < 0)
        return -1;
    char path[64];
    snprintf(path, sizeof path, "%s/workers", folder);
    return setenv("PYZAP_WORKERS", path, 1);
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") < 0 ? -1 : system(command);
}

/* Run a shell command; returns its exit status. */
static int shell(const char *command)
{
    char whole[1024];
    assert_true(snprintf(whole, sizeof whole, "{ %s ; } 2>&1", command) < (int)sizeof whole);
    fflush(NULL);
    FILE *pipe = popen(whole, "r");
    assert_non_null(pipe);
    size_t len = fread(output, 1, sizeof output - 1, pipe);
    output[len] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect(const char *command, int status, const char *part)
{
    int found = shell(command);
    if (found != status || !strstr(output, part))
        fail_msg("%s: status %d instead of %d, or no \"%s\" in:\n%s", command, found, status, part,
                 output);
}

static void mistakes_are_one_line_and_status_2(void **state)
{
    (void)state;
    static const struct {
        const char *command, *line;
    } cases[] = {
        {"./pyzap dance", "pyzap: there is no command \"dance\"; `pyzap --help` lists them\n"},
        {"./pyzap check --plans x",
         "pyzap check: --plans: expected a number from 1 to 18446744073709551615, found \"x\"\n"},
        {"./pyzap check --plans=0",
         "pyzap check: --plans: expected a number from 1 to 18446744073709551615, found \"0\"\n"},
        {"./pyzap check --plans 18446744073709551616",
         "pyzap check: --plans: expected a number from 1 to 18446744073709551615, found "
         "\"18446744073709551616\"\n"},
        {"./pyzap check --plans -1",
         "pyzap check: --plans: expected a number from 1 to 18446744073709551615, found \"-1\"\n"},
        {"./pyzap check --time 0",
         "pyzap check: --time: expected seconds, more than 0 and at most 31622400, found \"0\"\n"},
        {"./pyzap check --time 1.2345",
         "pyzap check: --time: expected seconds, more than 0 and at most 31622400, found "
         "\"1.2345\"\n"},
        {"./pyzap check --time .5",
         "pyzap check: --time: expected seconds, more than 0 and at most 31622400, found \".5\"\n"},
        {"./pyzap check --route dorp",
         "pyzap check: --route: expected one of drop, collect, wipe, reload, failed-import, "
         "exit, subinterp, wipe-unheld, subinterp-gil, found \"dorp\"\n"},
        {"./pyzap check --seed", "pyzap check: --seed: N is missing\n"},
        {"./pyzap check --speed 7",
         "pyzap check: there is no option --speed; `pyzap check --help` lists them\n"},
        {"./pyzap check -s",
         "pyzap check: there is no option -s; `pyzap check --help` lists them\n"},
        {"./pyzap check --json=1", "pyzap check: --json takes no value\n"},
        {"./pyzap check --plans 1 --time 1", "pyzap check: --plans and --time: give one of them\n"},
        {"./pyzap check --out ''", "pyzap check: --out: expected DIR, found \"\"\n"},
        {"./pyzap check here", "pyzap check: \"here\" is one argument too many\n"},
        {"./pyzap check --python 2.7",
         "pyzap check: --python 2.7: no such build; usable: 3.9.18, 3.11.7\n"},
        {"./pyzap check --python 3",
         "pyzap check: --python 3: more than one build: 3.9.18, 3.11.7\n"},
        {"PYZAP_WORKERS=/nowhere ./pyzap check",
         "pyzap check: PYZAP_WORKERS: /nowhere: No such file or directory\n"},
        {"./pyzap replay", "pyzap replay: PATH... is missing; `pyzap replay --help` says more\n"},
        {"./pyzap replay missing.plan",
         "pyzap replay: missing.plan: No such file or directory: give a plan file or a folder of "
         "them\n"},
        {"./pyzap show none", "pyzap show: none: no plan in this folder: plan files end in .plan "
                              "(text) or .zap (wire)\n"},
        {"./pyzap gen --wire --count 2",
         "pyzap gen: --wire: bytes of 2 plans in a row have no bounds: give --out DIR\n"},
        {"./pyzap show --text --wire plan",
         "pyzap show: --text, --wire and --python: give one of them\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = shell(cases[i].command);
        if (status != 2)
            fail_msg("%s: status %d", cases[i].command, status);
        assert_string_equal(output, cases[i].line);
    }
}

static void help_is_there(void **state)
{
    (void)state;
    expect("./pyzap", 2, "Usage: pyzap COMMAND");
    expect("./pyzap --help", 0, "Usage: pyzap COMMAND");
    expect("./pyzap --version", 0, "pyzap ");
    static const char *const commands[] = {"check", "replay", "report", "shrink",
                                           "show",  "script", "gen",    "pythons"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char command[64], usage[64];
        snprintf(command, sizeof command, "./pyzap %s --help 2>/dev/null", commands[i]);
        snprintf(usage, sizeof usage, "Usage: pyzap %s", commands[i]);
        expect(command, 0, usage);
        for (const char *line = output; *line; line += strcspn(line, "\n") + 1)
            assert_true(strcspn(line, "\n") <= 100);
    }
}

static void check_has_its_exit_statuses(void **state)
{
    (void)state;
    expect("./pyzap check --plans 100", 0, "seed 1, 100 plans on 2 builds\n");
    expect("ls -d pyzap-out", 2, "");
    expect("ZAP_FAKE=3.9.18/segv@raise ./pyzap check --plans 100", 1,
           "found pyzap-out/3.9.18-SIGSEGV");
    assert_non_null(strstr(output, "\n  pyzap-out/3.9.18-SIGSEGV"));
    expect("ls pyzap-out/3.9.18-SIGSEGV*", 0,
           "found.plan\nmin.plan\nreport.md\nrepro.py\ntrace.txt\n");
    expect("ZAP_FAKE=segv@5 ./pyzap check --plans 100 --python 3.11 --out a/b", 1,
           "a/b/flaky/3.11.7-SIGSEGV");
    expect("ZAP_FAKE=segv@raise ./pyzap check --plans 30 --json 2>told", 1, "\"builds\"");
    json_t *found = json_loads(output, 0, NULL); /* nothing but JSON on stdout */
    assert_non_null(found);
    json_decref(found);
    expect("cat told", 0, "found pyzap-out/3.11.7-SIGSEGV");
    expect("ZAP_FAKE=tame=1 ./pyzap check --plans 100", 70, "canary segv");
    expect("PYZAP_WORKERS=none ./pyzap check", 70,
           "no worker for any CPython in none: install a CPython with its headers");
    expect("./pyzap check --time 0.2 --jobs 1 --json", 0, "\"plans_per_second\"");
    json_t *root =
        json_loads(output, 0, NULL); /* nothing but JSON on stdout; stderr is no terminal */
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "builds")), 2);
    json_decref(root);
}

static void a_full_disk_is_status_70(void **state)
{
    (void)state;
    static const char *const commands[] = {
        "check --plans 10", "check --plans 10 --json",
        "gen --count 1000", "pythons",
        "pythons --json",   "check --help",
        "--version",        "--help",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char command[128];
        snprintf(command, sizeof command, "./pyzap %s >/dev/full", commands[i]);
        expect(command, 70, "pyzap: cannot write to standard output: No space left on device\n");
    }
    expect("./pyzap check --plans 10 >&-", 70, "pyzap: cannot write to standard output: ");
    expect("ZAP_FAKE=finding@3 ./pyzap check --plans 10 --out /dev/full/x", 70,
           "findings could not be filed: /dev/full/x: Not a directory");
    expect("./pyzap gen --out /dev/full", 70, "pyzap gen: /dev/full");
    expect("./pyzap gen --count 100000 | head -n 1", 0, "pyzap plan 1\n");
}

/* Start a long session, and go on when it catches SIGINT (2) and SIGTERM (15), as the kernel tells.
 */
#define START_LONG                                                                                 \
    "ZAP_FAKE=slow ./pyzap check --time 60 & pid=$!; "                                             \
    "until grep -q '^SigCgt:.*[4567cdef]..[2367abef]$' /proc/$pid/status; do sleep 0.05; done; "   \
    "sleep 0.5; "

static void interrupts_end_in_good_order(void **state)
{
    (void)state;
    expect(START_LONG "kill -INT $pid; wait $pid", 0, "interrupted; so far:\n");
    expect(START_LONG "kill -TERM $pid; wait $pid", 0, "interrupted; so far:\n");
    expect("ZAP_FAKE=slow,finding@3 ./pyzap check --time 60 --out found & pid=$!; "
           "until [ -d found ]; do sleep 0.1; done; kill -TERM $pid; wait $pid",
           1, "interrupted; so far:\n");
}

static void plans_go_round(void **state)
{
    (void)state;
    expect("./pyzap gen --seed 3 --count 20 --out plans && ls plans | wc -l", 0, "20\n");
    expect("./pyzap gen --seed 3 --count 20 --out plans --wire && ls plans | wc -l", 0, "40\n");
    expect("./pyzap show --text plans/3-7.plan >t1 && ./pyzap show --text plans/3-7.zap >t2 && "
           "./pyzap show --text - <plans/3-7.plan >t3 && cmp t1 t2 && cmp t1 t3",
           0, "");
    expect("./pyzap show --wire plans/3-7.plan | cmp - plans/3-7.zap", 0, "");
    expect("./pyzap show plans/3-7.plan", 0, "route");
    expect("./pyzap script plans/3-7.zap", 0, "import");
}

static void replay_prints_tap(void **state)
{
    (void)state;
    expect("./pyzap gen --count 3 --route drop --out plans/drop && ZAP_FAKE=3.9.18/segv@1 "
           "./pyzap replay --tap plans/drop",
           1,
           "TAP version 13\n1..6\n"
           "ok 1 - plans/drop/1-0.plan on 3.9.18\n"
           "ok 2 - plans/drop/1-0.plan on 3.11.7\n"
           "not ok 3 - plans/drop/1-1.plan on 3.9.18\n"
           "  ---\n  verdict: CRASHED\n  change: new\n  found: |\n    CRASHED SIGSEGV");
    expect("ZAP_FAKE=finding@* ./pyzap replay --tap --python 3.9 plans/drop", 1, "verdict: BROKEN");
    expect("./pyzap gen --route reload >reload.plan && ./pyzap replay --tap reload.plan", 70,
           "ok 1 - reload.plan on 3.9.18 # SKIP this build has no route reload\n");
    assert_non_null(strstr(output, "nothing was checked"));
    expect("ZAP_FAKE=vanish ./pyzap replay --tap plans/drop", 70, "verdict: HARNESS");
    expect("printf x >bad.plan; ./pyzap replay plans/drop bad.plan missing.plan", 2,
           "pyzap replay: bad.plan: line 1, column 1: ");
    assert_non_null(strstr(output, "pyzap replay: missing.plan: No such file or directory"));
    assert_null(strstr(output, "TAP"));
    expect("./pyzap replay --json --trace plans/drop", 0, "\"verdict\": \"HELD\"");
    json_t *root = json_loads(output, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "results")), 6);
    assert_int_equal(json_integer_value(json_object_get(root, "checks")), 6);
    json_decref(root);
}

static void shrink_prints_a_smaller_plan(void **state)
{
    (void)state;
    const char *smallest = "# shrunk from 8 objects to 1\n"
                           "route drop\nmodule m0\nobject o0 = node elsewhere\n"
                           "global m0 a = o0\nscript o0\n    raise\n";
    expect("printf 'pyzap plan 1\nroute drop\nmodule m\nmodule n held\n' >big.plan; "
           "for i in 1 2 3 4 5 6 7 8; do echo object x$i = node m; done >>big.plan; "
           "echo 'global m _a = x1\nglobal n __spec__ = x5\nlink x1 -> x2\nlink x2 -> x3\n"
           "link x3 -> x4\nlink x5 -> x6\nlink x6 -> x7\nlink x6 -> x8\n"
           "script x4\n look m b\nscript x7\n look n b\n raise' >>big.plan; "
           "ZAP_FAKE=finding@raise ./pyzap shrink --python 3.11 big.plan 2>told",
           0, smallest);
    expect("cat told", 0, "on 3.11.7: 8 objects and 3 actions before, 1 and 1 now\n");
    expect("ZAP_FAKE=finding@raise ./pyzap shrink --python 3.11 big.plan --out small.plan "
           "2>told && cat small.plan",
           0, smallest);
    expect("ZAP_FAKE=segv@raise ./pyzap shrink --python 3.11 big.plan", 0,
           "# CRASHED on CPython 3.11.7: SIGSEGV in the middle of the route\n# shrunk from 8");
    expect("ZAP_FAKE=finding@raise ./pyzap shrink --python 3.11 small.plan 2>told | "
           "grep -v '^#' >t1; ./pyzap show --text small.plan | cmp - t1",
           0, "");

    expect("./pyzap shrink --python 3.11 big.plan", 2,
           "pyzap shrink: big.plan: breaks nothing on 3.11.7 (HELD): there is nothing to shrink\n");
    expect("./pyzap shrink big.plan", 2,
           "pyzap shrink: 2 builds: give one, with --python (`pyzap pythons` lists them)\n");
    expect("./pyzap shrink --python 3.11 plans", 2, " plans: give one file\n");
    expect("./pyzap shrink --python 3.11 missing.plan", 2, "No such file or directory");
    expect("ZAP_FAKE=vanish ./pyzap shrink --python 3.11 big.plan", 70, "before its hello");
    expect("ZAP_FAKE=finding@raise ./pyzap shrink --python 3.11 big.plan --out /dev/full", 70,
           "pyzap shrink: /dev/full: No space left on device\n");
}

static void show_runs_a_plan(void **state)
{
    (void)state;
    expect("./pyzap show --python 3.11.7 plans/drop/1-0.plan", 0, "\nOn 3.11.7: HELD\n");
    assert_non_null(strstr(output, "\nTrace\n"));
    assert_non_null(strstr(output, "\nJudgement\n"));
    expect("ZAP_FAKE=exit@0 ./pyzap show --python 3.11.7 plans/drop/1-0.plan", 1,
           "\nOn 3.11.7: CRASHED: exited with status 0 in the middle of the route\n");
}

static void pythons_are_listed(void **state)
{
    (void)state;
    expect("./pyzap pythons", 0, "3.11.7  shared\n    fake worker\n");
    assert_non_null(
        strstr(output, "    routes: drop, collect, wipe, failed-import, exit, subinterp\n"));
    expect("ZAP_FAKE=3.9.18/vanish ./pyzap pythons", 70,
           "3.9.18  unusable: its worker: exited with status 3 before its hello: fake: no such "
           "library\n");
    expect("PYZAP_WORKERS=none ./pyzap pythons", 70, "0 of 0 usable");
    expect("./pyzap pythons --json", 0, "\"usable\": true");
    json_t *root = json_loads(output, 0, NULL);
    assert_non_null(root);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_one_line_and_status_2),
        cmocka_unit_test(help_is_there),
        cmocka_unit_test(check_has_its_exit_statuses),
        cmocka_unit_test(a_full_disk_is_status_70),
        cmocka_unit_test(interrupts_end_in_good_order),
        cmocka_unit_test(plans_go_round),
        cmocka_unit_test(replay_prints_tap),
        cmocka_unit_test(shrink_prints_a_smaller_plan),
        cmocka_unit_test(show_runs_a_plan),
        cmocka_unit_test(pythons_are_listed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
