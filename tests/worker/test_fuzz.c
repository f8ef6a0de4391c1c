/* `pyzap fuzz` from outside, with fake workers and a fake engine: what it does with a corpus, with
 * what an engine finds, and with ends of all kinds. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { OUTPUT_MAX = 64 * 1024 };

static char folder[] = "/tmp/pyzap-fuzz-XXXXXX";
static char output[OUTPUT_MAX]; /* of the last command, stdout and stderr alike */

/* Run a shell command; returns its exit status. */
static int shell(const char *command)
{
    char whole[4096];
    assert_true(snprintf(whole, sizeof whole, "{ %s\n} 2>&1", command) < (int)sizeof whole);
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

static void expect_too(const char *part)
{
    if (!strstr(output, part))
        fail_msg("no \"%s\" in:\n%s", part, output);
}

/* Plans of these kinds: raise and keep are what the fake worker is told to mind. */
static const char make_plans[] =
    "plan() { printf 'pyzap plan 1\\nroute drop\\nmodule m\\nobject o = node m\\n%b'"
    " \"$2global m a = o\\nscript o\\n    $1\\n\" >text/$3.plan;"
    " ./pyzap show --wire text/$3.plan >$3.zap; }; mkdir text finds finds/artefacts finds/corpus;"
    "plan 'look m b' '' calm; plan raise '' small; plan keep '' kept;"
    "plan raise 'object p = int\nobject q = str\nglobal m b = p\nglobal m c = q\n' big;"
    "plan 'look m c' '' rare; mv small.zap finds/artefacts/crash-2; mv big.zap "
    "finds/artefacts/crash-1;"
    "mv kept.zap finds/artefacts/crash-3; cp calm.zap finds/artefacts/crash-4;"
    "cp calm.zap workers/fuzz/seeds/seed.zap; mv rare.zap finds/corpus/rare; ls -l";

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL); /* a test driver may ignore it, and that is inherited */
    if (!mkdtemp(folder) || chdir(folder) < 0 || symlink(ZAP_BIN_DIR "/pyzap", "pyzap") < 0)
        return -1;
    if (shell("mkdir -p workers/fuzz/seeds bin && touch workers/fuzz/pyzap.dict "
              "workers/fuzz/afl-mutator.so && ln -s " ZAP_FAKE_WORKER " workers/worker-3.11.7 && "
              "ln -s " ZAP_FAKE_WORKER " workers/worker-3.9.18 && "
              "for i in workers/fuzz/libfuzzer-teardown-3.11.7 workers/fuzz/afl-teardown-3.11.7 "
              "bin/afl-fuzz bin/afl-cmin; do ln -s " ZAP_FAKE_ENGINE " $i; done") != 0)
        return -1;
    char path[4096];
    snprintf(path, sizeof path, "%s/workers", folder);
    setenv("PYZAP_WORKERS", path, 1);
    snprintf(path, sizeof path, "%s/bin:%s", folder, getenv("PATH"));
    setenv("PATH", path, 1);
    setenv("ZAP_FAKE", "finding@raise,segv@keep", 1);
    return shell(make_plans);
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") < 0 ? -1 : system(command);
}

/* Each test begins with no corpus and nothing found. */
static int clean(void **state)
{
    (void)state;
    return shell("rm -rf pyzap-out pyzap-corpus log");
}

#define FUZZ  "./pyzap fuzz --time 0.3 "
#define FINDS "ZAP_FAKE_FINDS=finds "
#define WORK  "pyzap-out/fuzz/libfuzzer-teardown-3.11.7/"

/* Run it in the background until it has found all there is. */
#define START(words)                                                                               \
    words " ./pyzap fuzz >log 2>&1 & pid=$!; "                                                     \
          "until [ -e " WORK "artefacts/crash-4 ] && ls " WORK                                     \
          "tmp/lib*/C1/rare >/dev/null 2>&1; do sleep 0.05; done; "

static void mistakes_are_one_line_and_status_2(void **state)
{
    (void)state;
    static const struct {
        const char *command, *line;
    } cases[] = {
        {"./pyzap fuzz --engine hongg",
         "pyzap fuzz: --engine: expected libfuzzer or afl, found \"hongg\"\n"},
        {"./pyzap fuzz here", "pyzap fuzz: \"here\" is one argument too many\n"},
        {"./pyzap fuzz --jobs 0",
         "pyzap fuzz: --jobs: expected a number from 1 to 1024, found \"0\"\n"},
        {"./pyzap fuzz --python 2.7",
         "pyzap fuzz: --python 2.7: no such build; usable: 3.9.18, 3.11.7\n"},
        {"./pyzap fuzz --corpus log/x",
         "pyzap fuzz: log/x: Not a directory: the corpus has to be a folder that can be read and "
         "written\n"},
        {"./pyzap fuzz --corpus log",
         "pyzap fuzz: log: Not a directory: the corpus has to be a folder that can be read and "
         "written\n"},
        {"./pyzap fuzz --out log/x",
         "pyzap fuzz: log/x/fuzz/libfuzzer-teardown-3.11.7: Not a directory\n"},
        {"./pyzap fuzz --out 'a b'",
         "pyzap fuzz: a b/fuzz/libfuzzer-teardown-3.11.7: libFuzzer gives paths to a shell as they "
         "are, and this one has a space or the like in it: give another --out\n"},
        {"mkdir -p only && ln -sf /bin/sh only/sh && PATH=only ./pyzap fuzz --engine afl",
         "pyzap fuzz: afl-fuzz is not there: tools/setup --fuzz installs it\n"},
    };
    shell("echo here >log");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = shell(cases[i].command);
        if (status != 2 || strcmp(output, cases[i].line) != 0)
            fail_msg("%s: status %d:\n%s", cases[i].command, status, output);
    }
    expect("./pyzap fuzz --python 3.9", 2,
           "there is no libfuzzer-teardown-3.9.18: run tools/setup --fuzz, which installs the "
           "engines, and build pyzap again\n");
    expect("./pyzap fuzz --target dance", 2, "there is no libfuzzer-dance-BUILD: run tools/setup");
}

/* root may write anywhere but where nobody may. */
static void a_corpus_that_cannot_be_written_is_told_of(void **state)
{
    (void)state;
    shell("[ $(id -u) = 0 ] && echo root");
    bool is_root = strncmp(output, "root", 4) == 0;
    expect(is_root ? "./pyzap fuzz --corpus /proc/self/task"
                   : "mkdir shut; chmod 555 shut; ./pyzap fuzz --corpus shut",
           2, ": the corpus has to be a folder that can be read and written\n");
    assert_null(strchr(strchr(output, '\n') + 1, '\n'));
}

static void each_finding_is_filed_once(void **state)
{
    (void)state;
    expect(FINDS FUZZ, 1, "libfuzzer on 3.11.7, target teardown, 0.3 s\n");
    expect_too("\n4 artefacts\n1 of them does nothing alone on the worker, and is kept in " WORK
               "not-alone\n");
    expect_too("  pyzap-out/3.11.7-P1  BROKEN  P1 ");
    expect_too("(2 artefacts)\n");
    expect_too("  pyzap-out/3.11.7-SIGSEGV");
    expect_too("  CRASHED  SIGSEGV in the middle of the route  (1 artefact)\n");
    expect_too("\ncorpus pyzap-corpus: 1 plans before, 2 with what was found, ");
    expect("ls -d pyzap-out/3* | wc -l", 0, "2\n");
    expect("ls pyzap-out/3.11.7-P1 pyzap-out/3.11.7-S*", 0,
           "artefact.zap\nfound.plan\nmin.plan\nreport.md\nrepro.py\ntrace.txt\n");
    expect("cmp pyzap-out/3.11.7-P1/artefact.zap finds/artefacts/crash-2; "
           "cat pyzap-out/3.11.7-P1/min.plan; ls -A " WORK "artefacts | wc -l",
           0, "\n# found by `pyzap fuzz`, engine libfuzzer, target teardown: crash-2\n");
    expect_too("\n0\n");
    expect("cmp " WORK "not-alone/* calm.zap", 0, "");
    expect("./pyzap fuzz --time 0.3", 0, "\n0 artefacts\n");
}

/* What the target tells of counts by what it is, and its other ends once; the rest of the time goes
 * by where that is not enough. */
static void it_ends_when_enough_is_found(void **state)
{
    (void)state;
#define ENOUGH "; that many findings were asked for\n"
    expect("./pyzap fuzz --max-findings 1", 0, "target teardown, 1 finding or until Ctrl-C\n");
    expect_too(ENOUGH);
    expect("ZAP_FAKE_ENGINE=tells " FINDS "./pyzap fuzz --max-findings 3 --time 60", 1, ENOUGH);
    expect_too("target teardown, 3 findings or 60 s\n");
    expect_too("\n4 artefacts\n");
    shell("ZAP_FAKE_ENGINE=tells " FUZZ "--max-findings 4");
    if (strstr(output, ENOUGH))
        fail_msg("three are enough for it:\n%s", output);
    shell(FUZZ "--max-findings 2");
    if (strstr(output, ENOUGH))
        fail_msg("one is enough for it:\n%s", output);
    expect("PATH=bin:$PATH ./pyzap fuzz --engine afl --max-findings 1", 0, ENOUGH);
#undef ENOUGH
}

static void a_finding_of_an_earlier_run_is_told_of_again(void **state)
{
    (void)state;
    shell(FINDS FUZZ);
    expect("touch mark; " FINDS FUZZ, 1, "(2 artefacts; filed by an earlier run)\n");
    expect_too("(1 artefact; filed by an earlier run)\n");
    expect("ls -d pyzap-out/3* | wc -l; find pyzap-out/3* -type f -newer mark | wc -l", 0,
           "2\n0\n");
    /* The build has changed, and what is filed is not so any more. */
    expect("cp text/calm.plan pyzap-out/3.11.7-P1/min.plan; " FINDS FUZZ, 1, "(2 artefacts)\n");
    expect("cat pyzap-out/3.11.7-P1/min.plan", 0, "    raise\n");
}

static void a_plan_of_the_corpus_can_be_the_finding(void **state)
{
    (void)state;
    expect("mkdir pyzap-corpus; cp text/small.plan pyzap-corpus; " FUZZ, 1,
           "(1 plan of the corpus)\n");
    expect("ls pyzap-corpus", 0, "small.plan\n");
    expect(FUZZ, 1, "(1 plan of the corpus; filed by an earlier run)\n");
}

static void many_slow_ones_are_not_all_waited_for(void **state)
{
    (void)state;
    expect("mkdir -p slow/artefacts slow/corpus; for i in 1 2 3 4 5 6 7 8 9; do "
           "{ cat finds/artefacts/crash-2; printf $i; } >slow/artefacts/timeout-$i; done; "
           "ZAP_FAKE=hang@raise ZAP_FAKE_FINDS=slow ./pyzap fuzz --time 0.3 --deadline 0.3",
           1, "  pyzap-out/3.11.7-timeout  TIMED_OUT  no progress for ");
    expect_too("(9 artefacts)\n");
}

static void ctrl_c_keeps_what_was_found(void **state)
{
    (void)state;
    expect(START(FINDS) "kill -INT $pid; wait $pid; echo status $?; cat log", 0, "status 1\n");
    expect_too("interrupted; so far:\n");
    expect_too("  pyzap-out/3.11.7-P1  BROKEN");
    expect_too("corpus pyzap-corpus: 1 plans before, 2 with what was found");
    expect_too(" executions");
    assert_null(strstr(output, " 0 executions"));
    clean(state);
    expect(START(FINDS) "kill -TERM $pid; wait $pid; echo status $?; cat log", 0, "status 1\n");
    expect_too("interrupted; so far:\n");
}

static void another_one_ends_at_once_and_the_next_run_goes_on(void **state)
{
    (void)state;
    expect(START(FINDS "ZAP_FAKE_ENGINE=deaf") "kill -INT $pid; sleep 0.7; kill -INT $pid; "
                                               "wait $pid; echo status $?",
           0, "status 130\n");
    expect("ls -A pyzap-corpus " WORK "artefacts", 0, "crash-1\ncrash-2\ncrash-3\ncrash-4\n");
    expect(FUZZ, 1, "  pyzap-out/3.11.7-P1  BROKEN");
    expect_too("4 artefacts\n");
    expect_too("corpus pyzap-corpus: 2 plans before");
}

static void a_killed_run_is_gone_on_with_and_leaves_no_process(void **state)
{
    (void)state;
    expect(
        START(FINDS
              "ZAP_FAKE_ENGINE=orphan,deaf") "until [ -s " WORK
                                             "tmp/orphan ]; do sleep 0.05; done; orphan=$(cat " WORK
                                             "tmp/orphan); kill -0 $orphan || echo none; kill -9 "
                                             "$pid; wait $pid; echo status $?; "
                                             "for i in $(seq 100); do kill -0 $orphan "
                                             "2>/dev/null && sleep 0.1; done; "
                                             "kill -0 $orphan; ps -eo args | grep -c "
                                             "'[l]ibfuzzer-teardown-3.11.7 -fork'",
        1, "status 137\n");
    expect_too("\n0\n");
    assert_null(strstr(output, "none"));
    expect(FUZZ, 1, "  pyzap-out/3.11.7-P1  BROKEN");
    expect_too("4 artefacts\n");
    expect_too("corpus pyzap-corpus: 2 plans before");
    expect("ls " WORK "tmp", 2, "");
}

static void a_finding_that_was_not_made_smaller_is_made_so(void **state)
{
    (void)state;
    expect("mkdir big big/artefacts; cp finds/artefacts/crash-1 big/artefacts; "
           "ZAP_FAKE_FINDS=big " FUZZ "; ls pyzap-out/3.11.7-P1",
           0, "found.plan\n");
    /* As if it had ended before. */
    expect("cd pyzap-out/3.11.7-P1; sed '1a# not examined yet' found.plan >min.plan; cd ../..; "
           "cp finds/artefacts/crash-1 " WORK "artefacts; " FUZZ,
           1, "(1 artefact; filed by an earlier run)\n");
    expect("grep shrunk pyzap-out/3.11.7-P1/min.plan; ls " WORK "artefacts", 0, "# shrunk from ");
    assert_null(strstr(output, "crash-1"));
}

static void two_in_one_folder_are_kept_apart(void **state)
{
    (void)state;
    expect(START(FINDS) "./pyzap fuzz --time 0.1; echo status $?; kill -INT $pid; wait $pid", 1,
           "pyzap fuzz: pyzap-out/fuzz/libfuzzer-teardown-3.11.7: another `pyzap fuzz` is at work "
           "there: give another --out\nstatus 2\n");
}

static void an_engine_that_does_not_run_says_why(void **state)
{
    (void)state;
    expect("ZAP_FAKE_ENGINE=refuse " FUZZ, 70,
           "libfuzzer-teardown-3.11.7: this fuzz target refuses to start: nothing moved\n");
    expect("ZAP_FAKE_ENGINE=usage " FUZZ, 70,
           "pyzap fuzz: libfuzzer ended at once, without a single execution; " WORK
           "engine.log has all that it said; it says: The required directory \"bad\" does not "
           "exist\n");
    expect(FUZZ "-- -bad=1", 2, "without a single execution (with -bad=1); ");
    expect("./pyzap fuzz -- -nosuch=1", 2,
           "pyzap fuzz: libfuzzer: WARNING: unrecognized flag '-nosuch=1'; use -help=1 to list all "
           "flags\n");
    expect("ZAP_FAKE_ENGINE=abort " FUZZ, 70, "without a single execution by a signal; ");
    expect("ZAP_FAKE_ENGINE=silent " FUZZ, 70, "pyzap fuzz: no plan was run in that time: ");
    expect("ZAP_FAKE_ENGINE=ends ./pyzap fuzz", 0, "100 executions");
    expect_too("; the engine ended by itself\n");
    expect(FINDS "ZAP_FAKE_ENGINE=deaf " FUZZ, 1, "  pyzap-out/3.11.7-P1  BROKEN");
}

static void a_worker_that_does_not_run_is_our_failure(void **state)
{
    (void)state;
    expect(FINDS "ZAP_FAKE=vanish " FUZZ, 70, "pyzap fuzz: triage: HARNESS: ");
    shell("mkdir -p " WORK "artefacts; cp finds/artefacts/* " WORK "artefacts");
    expect("ZAP_FAKE=vanish " FUZZ, 70, "and 4 that the next run will look at\n");
    expect("ls " WORK "artefacts | wc -l; " FUZZ, 1, "4\n");
}

static void foreign_things_in_the_corpus_are_left_alone(void **state)
{
    (void)state;
    expect(
        "mkdir -p pyzap-corpus/folder && cd pyzap-corpus && mkfifo pipe && echo hello >folder/x && "
        "head -c 100000 /dev/zero >huge && printf 'junk' >junk && : >empty && "
        "cp ../text/rare.plan . && echo nonsense >nonsense.plan && ln -s /nowhere broken && "
        "head -c 9 ../finds/artefacts/crash-1 >half && cd .. && ls -R pyzap-corpus >before "
        "&& " FUZZ,
        0, "broken and 4 more in pyzap-corpus are no plans, and are left alone\n");
    expect("ls -R pyzap-corpus | diff before -", 1, "> seed.zap\n");
    assert_null(strstr(output, "< "));
    expect("mkdir other; echo x >other/.hidden; mkdir other/folder; ./pyzap fuzz --time 0.3 "
           "--corpus other",
           0, "folder in other is no plan, and is left alone\n");
}

static void only_what_nobody_needs_is_removed(void **state)
{
    (void)state;
    /* The fake engine keeps every second plan. */
    expect("mkdir -p many/artefacts many/corpus; ./pyzap gen --count 20 --wire --out many/corpus; "
           "ZAP_FAKE= ZAP_FAKE_FINDS=many " FUZZ,
           0, "corpus pyzap-corpus: 1 plans before, 21 with what was found, 1");
    expect("ls pyzap-corpus/seed.zap; ls pyzap-corpus | wc -l; "
           "wc -l <pyzap-corpus/.kept/libfuzzer-teardown-3.11.7",
           0, "seed.zap\n1");
    expect("ls pyzap-corpus | sed -n 's/^................[.]zap$/&/p' >pyzap-corpus/.kept/other; "
           "ls pyzap-corpus >before; ZAP_FAKE= " FUZZ "; ls pyzap-corpus | diff before -",
           0, "with what was found");
    expect("rm pyzap-corpus/.kept/other; ZAP_FAKE_ENGINE=merge-fails ZAP_FAKE= " FUZZ
           "; ls pyzap-corpus | diff before -",
           0, "; not made smaller: the engine failed; see " WORK "engine.log\n");
    expect(
        "ZAP_FAKE_ENGINE=merge-hangs ZAP_FAKE= " FUZZ " >log & pid=$!; "
        "until grep -q artefacts log; do sleep 0.05; done; sleep 0.3; kill -INT $pid; wait $pid; "
        "cat log; ls pyzap-corpus | diff before -",
        0, "; not made smaller: interrupted\n");
}

static void afl_is_driven_too(void **state)
{
    (void)state;
    expect(FINDS FUZZ "--engine afl --jobs 2", 1, "afl on 3.11.7, target teardown, 0.3 s\n");
    expect_too(" 1554 executions");
    expect_too("\n4 artefacts\n1 of them does nothing alone");
    expect_too("  pyzap-out/3.11.7-P1  BROKEN  P1 ");
    expect_too("(2 artefacts)\n");
    expect_too("corpus pyzap-corpus: 1 plans before, 2 with what was found, ");
    expect(FUZZ "--engine afl", 0, "777 executions");
    expect("ls pyzap-out/fuzz/afl-teardown-3.11.7/afl | wc -l", 0, "1\n");
    expect("ZAP_FAKE_FINDS=/nowhere " FUZZ "--engine afl -- -o /nowhere/x", 2,
           "(with -o); pyzap-out/fuzz/afl-teardown-3.11.7/engine.log has all that it said");
}

static void its_help_is_there(void **state)
{
    (void)state;
    expect("./pyzap fuzz --help", 0, "Usage: pyzap fuzz");
    for (const char *line = output; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 100);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup(function, clean)
    const struct CMUnitTest tests[] = {
        TEST(mistakes_are_one_line_and_status_2),
        TEST(a_corpus_that_cannot_be_written_is_told_of),
        TEST(each_finding_is_filed_once),
        TEST(it_ends_when_enough_is_found),
        TEST(a_finding_of_an_earlier_run_is_told_of_again),
        TEST(a_plan_of_the_corpus_can_be_the_finding),
        TEST(many_slow_ones_are_not_all_waited_for),
        TEST(ctrl_c_keeps_what_was_found),
        TEST(another_one_ends_at_once_and_the_next_run_goes_on),
        TEST(a_killed_run_is_gone_on_with_and_leaves_no_process),
        TEST(a_finding_that_was_not_made_smaller_is_made_so),
        TEST(two_in_one_folder_are_kept_apart),
        TEST(an_engine_that_does_not_run_says_why),
        TEST(a_worker_that_does_not_run_is_our_failure),
        TEST(foreign_things_in_the_corpus_are_left_alone),
        TEST(only_what_nobody_needs_is_removed),
        TEST(afl_is_driven_too),
        TEST(its_help_is_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
