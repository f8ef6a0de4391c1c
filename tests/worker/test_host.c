/* The host against workers that do everything but what they should (fake_worker.c): whatever they
 * do is a verdict with a plan, or a line that says that pyzap itself failed, and the session goes
 * on or ends. */
#include "host/files.h"
#include "host/finding.h"
#include "host/player.h"
#include "host/session.h"
#include "host/summary.h"
#include "plan/text.h"

#include "processor.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/pyzap-host-XXXXXX";
static char out[64];
static struct zap_builds builds;

static void remove_out(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", out);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (!mkdtemp(folder))
        return -1;
    snprintf(out, sizeof out, "%s/out/deep", folder);
    for (int i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/worker-%c", folder, "abc"[i]);
        if (symlink(ZAP_FAKE_WORKER, path) < 0)
            return -1;
    }
    char why[256];
    struct zap_str text = zap_str_init(why, sizeof why);
    return zap_builds_load(folder, &builds, &text) == ZAP_OK && builds.count == 3 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    zap_builds_release(&builds);
    return system(command);
}

static int clear(void **state)
{
    (void)state;
    unsetenv("ZAP_FAKE");
    remove_out();
    return 0;
}

/* ------------------------------------------------------------------ sessions */

/* No plans that end an interpreter, of which there may be whole blocks: the fake worker does not
 * have all of these routes. */
enum {
    ROUTES = 1 << ZAP_ROUTE_DROP | 1 << ZAP_ROUTE_COLLECT | 1 << ZAP_ROUTE_WIPE |
             1 << ZAP_ROUTE_RELOAD | 1 << ZAP_ROUTE_FAILED_IMPORT | 1 << ZAP_ROUTE_WIPE_UNHELD
};

/* What works is never late, however busy the machine; what hangs is not waited for so long. */
enum { UNHURRIED_MS = 20000, HANGS_MS = 800 };

static const struct zap_builds_row *rows[3];

static struct zap_session_config config_of(size_t builds_count, uint64_t plans)
{
    for (size_t i = 0; i < 3; i++)
        rows[i] = &builds.rows[i];
    struct zap_session_config config = {
        .builds = rows,
        .builds_count = builds_count,
        .gen = {.seed = 5, .routes = ROUTES},
        .plans = plans,
        .out = out,
        .worker = {.deadline_ms = UNHURRIED_MS, .hello_ms = UNHURRIED_MS, .memory_kib = 64 * 1024},
    };
    return config;
}

static void run(const char *fake, const struct zap_session_config *config,
                struct zap_session *ret_session)
{
    setenv("ZAP_FAKE", fake, 1);
    assert_int_equal(zap_session_run(config, ret_session), ZAP_OK);
}

static void all_held(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(3, 1000);
    run("chatty", &config, &session);
    for (size_t i = 0; i < 3; i++) {
        const struct zap_run *one = &session.runs[i];
        assert_string_equal(one->failure, "");
        assert_int_equal(one->past.plans, 1000);
        assert_int_equal(one->past.checks, 2000);
        assert_int_equal(one->past.held[0], 1000);
        assert_int_equal(one->past.shows[ZAP_FEATURE_COLLECT_IGNORES_UNDERSCORE], 1000);
        assert_int_equal(one->restarts, 0);
    }
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_OK);
    assert_int_equal(access(out, F_OK), -1); /* made only when there is a finding */
    zap_session_release(&session);
}

static void assert_file_is_there(const char *folder_path, const char *name)
{
    char path[PATH_MAX];
    struct stat about;
    assert_true(snprintf(path, sizeof path, "%s/%s", folder_path, name) < PATH_MAX);
    assert_int_equal(stat(path, &about), 0);
    assert_true(about.st_size > 0);
}

/* A finding's file, until the next call; "" where there is none. */
static const char *read_file(const char *folder_path, const char *name)
{
    char path[PATH_MAX];
    static char text[64 * 1024];
    assert_true(snprintf(path, sizeof path, "%s/%s", folder_path, name) < PATH_MAX);
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = '\0';
    if (file)
        fclose(file);
    return text;
}

static void read_plan(const char *folder_path, const char *name, struct zap_plan *ret_plan)
{
    const char *text = read_file(folder_path, name);
    struct zap_text_error error;
    assert_int_equal(zap_text_parse(text, strlen(text), ret_plan, &error), ZAP_OK);
}

/* The filed plan is the session's plan of that index. */
static void assert_is_plan_as(const char *folder_path, const char *name, uint64_t index)
{
    struct zap_plan filed, expected;
    const struct zap_gen_config gen = {.seed = 5, .routes = ROUTES};
    read_plan(folder_path, name, &filed);
    zap_gen_plan(&gen, index, &expected);
    assert_true(zap_plan_equal(&filed, &expected));
}

static void assert_is_plan(const char *folder_path, uint64_t index)
{
    assert_is_plan_as(folder_path, "found.plan", index);
}

static void assert_has(const char *folder_path, const char *name, const char *part)
{
    const char *text = read_file(folder_path, name);
    if (!strstr(text, part))
        fail_msg("%s/%s: no \"%s\" in:\n%s", folder_path, name, part, text);
}

/* How many entries of `out` have a name that begins with a dot, and are no "." or "..". */
static int count_hidden(const char *place)
{
    int count = 0;
    DIR *dir = opendir(place);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL)
        count += entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 &&
                 strcmp(entry->d_name, "..") != 0;
    if (dir)
        closedir(dir);
    return count;
}

static void findings_are_filed(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 20);
    run("finding@7,segv@13", &config, &session);
    const struct zap_run *one = &session.runs[0];
    assert_string_equal(one->failure, "");
    assert_int_equal(one->past.plans, 20);
    assert_int_equal(one->past.findings, 2);
    assert_int_equal(one->past.verdicts[ZAP_BROKEN], 1);
    assert_int_equal(one->past.verdicts[ZAP_CRASHED], 1);
    assert_int_equal(one->restarts, 1);
    assert_int_equal(one->filed_count, 2);
    assert_int_equal(one->filed[0].index, 7);
    assert_int_equal(one->filed[1].index, 13);
    assert_string_equal(one->filed[1].signature, "SIGSEGV");
    for (size_t i = 0; i < 2; i++) {
        static const char *const names[] = {"found.plan", "min.plan", "trace.txt", "repro.py",
                                            "report.md"};
        const char *path = one->filed[i].path;
        assert_is_plan(path, one->filed[i].index);
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
            assert_file_is_there(path, names[j]);
    }
    assert_int_equal(count_hidden(out), 0);
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_FINDINGS);
    zap_session_release(&session);

    /* Once more: the same findings, and the same folders. */
    run("finding@7,segv@13", &config, &session);
    assert_string_equal(session.write_failure, "");
    assert_is_plan(session.runs[0].filed[0].path, 7);
    assert_int_equal(count_hidden(out), 0);
    zap_session_release(&session);
}

static const struct {
    const char *fake;
    enum zap_verdict verdict;
    const char *signature; /* "-" at its end: and eight digits */
    const char *reason;    /* a part of it: of the finding, or of the failure where it is HARNESS */
} deaths[] = {
    {"segv@3", ZAP_CRASHED, "SIGSEGV", "SIGSEGV in the middle of the route"},
    {"fatal@3", ZAP_CRASHED, "SIGABRT-", "Fatal Python error: object at 0x3 is broken"},
    {"assert@3", ZAP_CRASHED, "SIGABRT-", "Assertion `refs > 0' failed."},
    {"exit@3", ZAP_CRASHED, "exit-0", "exited with status 0 in the middle of the route"},
    {"hang@3", ZAP_TIMED_OUT, "timeout", "no progress for 0.8 s in the route"},
    {"grow@3", ZAP_EXHAUSTED, "memory", "memory over its limit (64 MiB) in the route"},
    {"segv-one@3", ZAP_CRASHED, "SIGSEGV-", "SIGSEGV in the middle of the route: segv_one"},
    {"half-dead@3", ZAP_CRASHED, "SIGSEGV", "SIGSEGV in the middle of the route"},
    {"scribble@3", ZAP_CRASHED, "SIGSEGV", "SIGSEGV in the middle of the route"},
    {"half@3", ZAP_TIMED_OUT, "timeout", "no progress for 0.8 s in the route"},
    {"judge@3", ZAP_HARNESS, NULL, "SIGSEGV in the middle of judging the trace, at index 3"},
    {"gen@3", ZAP_HARNESS, NULL, "no progress for 0.8 s in generating a plan, at index 3"},
    {"check@3", ZAP_HARNESS, NULL, "check failed: false"},
    {"shot@3", ZAP_HARNESS, NULL, "SIGKILL from outside"},
    {"garbage@3", ZAP_HARNESS, NULL, "broke the protocol: a report of kind 77 when none was due"},
    {"close@3", ZAP_HARNESS, NULL, "it closed its pipe and went on running"},
    {"impossible@3", ZAP_HARNESS, NULL, "its judgement is impossible"},
    {"foreign@3", ZAP_HARNESS, NULL, "a plan that it was not given"},
};

static void assert_is_signature(const char *signature, const char *expected)
{
    size_t len = strlen(expected);
    bool has_digits = expected[len - 1] == '-';
    assert_int_equal(strncmp(signature, expected, len), 0);
    assert_int_equal(strlen(signature), len + (has_digits ? 8 : 0));
    assert_int_equal(strspn(signature + len, "0123456789abcdef"), has_digits ? 8 : 0);
}

static void every_death_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof deaths / sizeof deaths[0]; i++) {
        struct zap_session session;
        struct zap_session_config config = config_of(1, 10);
        if (strstr(deaths[i].reason, "no progress"))
            config.worker.deadline_ms = HANGS_MS;
        run(deaths[i].fake, &config, &session);
        const struct zap_run *one = &session.runs[0];
        print_message("%s: %s %s\n", deaths[i].fake, one->failure,
                      one->filed_count ? one->filed[0].reason : "");
        assert_int_equal(one->past.plans, 10); /* it went on after that plan */
        assert_int_equal(one->past.verdicts[deaths[i].verdict], 1);
        assert_int_equal(one->restarts, 1);
        if (deaths[i].signature) {
            assert_int_equal(one->filed_count, 1);
            assert_int_equal(one->filed[0].index, 3);
            assert_is_signature(one->filed[0].signature, deaths[i].signature);
            assert_non_null(strstr(one->filed[0].reason, deaths[i].reason));
            assert_is_plan(one->filed[0].path, 3);
            assert_string_equal(one->failure, "");
            assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_FINDINGS);
        } else {
            assert_int_equal(one->filed_count, 0);
            assert_non_null(strstr(one->failure, deaths[i].reason));
            assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_FAILURE);
        }
        zap_session_release(&session);
    }
}

/* A plan of half the deadline, with others in line for the same processor. */
static void a_busy_machine_is_no_hang(void **state)
{
    (void)state;
    pid_t others[5];
    cpu_set_t all;
    assert_int_equal(keep_to_one_processor(&all), 0); /* of the workers too */
    fflush(NULL);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        others[i] = fork();
        if (others[i] == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
            for (;;)
                continue;
    }
    struct zap_session session;
    struct zap_session_config config = config_of(1, 3);
    config.worker.deadline_ms = HANGS_MS / 2;
    run("work=200", &config, &session);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        kill(others[i], SIGKILL);
        waitpid(others[i], NULL, 0);
    }
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(session.runs[0].past.verdicts[ZAP_TIMED_OUT], 0);
    assert_int_equal(session.runs[0].past.plans, 3);
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_OK);
    zap_session_release(&session);
}

static void the_last_plan_may_die_too(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 10);
    run("segv@0,segv@9", &config, &session);
    assert_int_equal(session.runs[0].past.plans, 10);
    assert_int_equal(session.runs[0].past.findings, 2);
    assert_int_equal(session.runs[0].restarts, 1);
    assert_string_equal(session.runs[0].failure, "");
    zap_session_release(&session);
}

static void one_of_a_kind_is_filed(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 50);
    run("finding@*,fatal@11,fatal@12,fatal@13,fatal@14,segv@15", &config, &session);
    const struct zap_run *one = &session.runs[0];
    assert_int_equal(one->past.findings, 50);
    assert_int_equal(one->sights_count, 3);
    assert_int_equal(one->sights[0].count, 45);
    assert_int_equal(one->sights[1].count, 4);
    assert_int_equal(one->sights[2].count, 1);
    assert_int_equal(one->filed_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const char *slash = strrchr(one->filed[i].path, '/');
        char name[ZAP_SIGNATURE_SIZE + 8];
        snprintf(name, sizeof name, "/a-%s", one->filed[i].signature);
        assert_string_equal(slash, name);
    }
    zap_session_release(&session);
}

static const struct {
    const char *fake;
    const char *failure; /* a part of it */
} failures[] = {
    {"vanish", "canary segv: expected CRASHED, saw HARNESS: exited with status 3 before its hello: "
               "fake: no such library"},
    {"proto", "of the protocol and this pyzap version"},
    {"stale", "it and this pyzap are of different sources: build both again"},
    {"half-hello", "exited with status 0 before its hello"},
    {"no-nul", "its hello has no end of text"},
    {"tame=1", "canary segv: expected CRASHED, saw that it went on living"},
    {"tame=2", "canary abort: expected CRASHED, saw that it went on living"},
    {"tame=3", "canary exit: expected CRASHED, saw that it went on living"},
    {"tame=4", "canary hang: expected TIMED_OUT, saw that it went on living"},
    {"tame=5", "canary memory: expected EXHAUSTED, saw that it went on living"},
    {"tame=6", "canary broken: expected BROKEN, saw no finding"},
    {"zero", "no check was made"},
    {"short@3", "its worker ended before its last plan"},
    {"bad-quit", "its worker did not end well: SIGSEGV"},
    {"harness@3", "HARNESS: an impossible trace"},
    {"damage@3", "HARNESS: its shared block is damaged: SIGSEGV"},
    {"judge@*", "HARNESS: SIGSEGV in the middle of judging the trace, at index 0"},
};

static void own_failures_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct zap_session session;
        struct zap_session_config config = config_of(2, 20);
        char fake[64];
        snprintf(fake, sizeof fake, "a/%s", failures[i].fake);
        run(fake, &config, &session);
        print_message("%s: %s\n", failures[i].fake, session.runs[0].failure);
        assert_non_null(strstr(session.runs[0].failure, failures[i].failure));
        assert_null(strchr(session.runs[0].failure, '\n'));
        assert_int_equal(session.runs[0].filed_count, 0);
        /* the other build has nothing to do with it */
        assert_string_equal(session.runs[1].failure, "");
        assert_int_equal(session.runs[1].past.plans, 20);
        assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_FAILURE);
        zap_session_release(&session);
    }
}

static void no_hello_is_told(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 20);
    config.worker.hello_ms = 200;
    run("mute", &config, &session);
    assert_non_null(strstr(session.runs[0].failure, "no hello for 0.2 s"));
    zap_session_release(&session);
}

static void a_leak_is_not_a_plans_fault(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 400);
    config.worker.memory_kib = 320 * 1024;
    run("leak,slow", &config, &session);
    assert_int_equal(session.runs[0].past.verdicts[ZAP_EXHAUSTED], 0);
    assert_int_equal(session.runs[0].past.verdicts[ZAP_HARNESS], 1);
    assert_non_null(strstr(session.runs[0].failure, "little by little"));
    assert_true(session.runs[0].growth_kib > 300 * 1024);
    zap_session_release(&session);
}

static void time_ends_a_session(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(2, 0);
    config.time_ms = 300;
    config.jobs = 1; /* one after the other, each with all its time */
    run("slow", &config, &session);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(session.runs[i].failure, "");
        assert_true(session.runs[i].past.plans > 10);
        assert_true(session.runs[i].seconds >= 0.3 && session.runs[i].seconds < 10);
    }
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_OK);
    zap_session_release(&session);
}

static volatile sig_atomic_t interrupted;

static void interrupt_when_running(void *context, const struct zap_session *session)
{
    (void)context;
    interrupted = session->runs[0].state == ZAP_RUN_RUNNING && session->runs[0].seconds > 0.1;
}

static void an_interrupt_ends_a_session(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(3, 0);
    config.interrupted = &interrupted;
    config.tick = interrupt_when_running;
    config.worker.deadline_ms = 60 * 1000;
    config.jobs = 2; /* the third is still waiting */
    interrupted = 0;
    run("slow,b/hang@5", &config, &session);
    assert_true(session.was_interrupted);
    assert_true(session.runs[0].past.plans > 10);
    assert_int_equal(session.runs[1].past.plans,
                     5); /* it hung, and was killed, without a verdict */
    assert_int_equal(session.runs[1].past.findings, 0);
    assert_int_equal(session.runs[2].past.plans, 0);
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_OK);
    zap_session_release(&session);
}

/* ------------------------------------------------------------------ shrinking */

/* One node that raises, held by the first module: nothing smaller does. */
static void assert_is_smallest(const char *folder_path)
{
    struct zap_plan plan;
    read_plan(folder_path, "min.plan", &plan);
    assert_int_equal(plan.modules_count, 1);
    assert_int_equal(plan.objects_count, 1);
    assert_int_equal(plan.modules[0].globals_count, 1);
    assert_int_equal(plan.modules[0].globals[0].name, ZAP_NAME_A);
    assert_int_equal(plan.objects[0].module, ZAP_ELSEWHERE);
    assert_int_equal(plan.links_count, 0);
    assert_int_equal(plan.acts_count, 1);
    assert_int_equal(plan.acts[0].op, ZAP_OP_RAISE);
}

static const struct {
    const char *fake;
    enum zap_verdict verdict;
} shrinkable[] = {
    {"finding@raise", ZAP_BROKEN},       {"segv@raise", ZAP_CRASHED},
    {"fatal@raise", ZAP_CRASHED},        {"segv-one@raise", ZAP_CRASHED},
    {"overflow-one@raise", ZAP_CRASHED}, {"hang@raise", ZAP_TIMED_OUT},
    {"grow@raise", ZAP_EXHAUSTED},
};

static void findings_are_shrunk(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shrinkable / sizeof shrinkable[0]; i++) {
        struct zap_session session;
        struct zap_session_config config = config_of(1, 12);
        if (shrinkable[i].verdict == ZAP_TIMED_OUT)
            config.worker.deadline_ms = HANGS_MS / 2; /* often */
        bool is_quick = shrinkable[i].verdict == ZAP_BROKEN || shrinkable[i].verdict == ZAP_CRASHED;
        run(shrinkable[i].fake, &config, &session);
        print_message("%s\n", shrinkable[i].fake);
        const struct zap_run *one = &session.runs[0];
        assert_string_equal(one->failure, "");
        assert_int_equal(one->state, ZAP_RUN_OVER);
        assert_int_equal(one->filed_count, 1);
        const struct zap_filed *filed = &one->filed[0];
        assert_int_equal(filed->verdict, shrinkable[i].verdict);
        assert_int_equal(filed->reproduced, 5);
        assert_false(filed->is_flaky);
        assert_is_plan(filed->path, filed->index);
        if (is_quick)
            assert_is_smallest(filed->path); /* others have fewer tries */
        char signature[ZAP_SIGNATURE_SIZE + 16];
        snprintf(signature, sizeof signature, "# signature %s\n", filed->signature);
        assert_has(filed->path, "min.plan", "# shrunk from ");
        assert_has(filed->path, "min.plan", "pyzap gen --seed 5");
        assert_has(filed->path, "min.plan", signature);
        assert_has(filed->path, "min.plan", "\n# builds a\n");
        assert_has(filed->path, "found.plan", signature);
        assert_has(filed->path, "report.md", "Reproduced 5 of 5 times, alone");
        assert_has(filed->path, "report.md", "pyzap replay --python a min.plan");
        assert_has(filed->path, "report.md",
                   "repro.py shows it on fake worker: not tried: nobody knows this build's");
        assert_file_is_there(filed->path, "trace.txt");
        assert_file_is_there(filed->path, "repro.py");
        assert_int_equal(count_hidden(out), 0);
        zap_session_release(&session);
        remove_out();
    }
}

/* What a plan with an expectation knows is counted, and no news: a death by its signature, before
 * anything is filed; a broken promise by its smallest plan. What is known and does not happen is
 * told. */
static void known_findings_are_no_news(void **state)
{
    (void)state;
    static const char plan[] = "pyzap plan 1\n# expect .. %s known a.c:b because so\nroute drop\n"
                               "module m0\nobject n = node elsewhere\nglobal m0 a = n\n"
                               "script n\n    %s\n";
    static const struct {
        const char *name, *expected, *op;
    } plans[] = {{"1.plan", "CRASHED SIGSEGV", "raise"},
                 {"2.plan", "BROKEN P1", "keep"},
                 {"3.plan", "CRASHED SIGSEGV", "collect"}};
    char known[] = "/tmp/pyzap-host-known-XXXXXX", path[PATH_MAX], text[512];
    assert_non_null(mkdtemp(known));
    for (size_t i = 0; i < 3; i++) {
        assert_true(zap_files_join(path, known, plans[i].name));
        snprintf(text, sizeof text, plan, plans[i].expected, plans[i].op);
        assert_true(zap_files_write(path, text, strlen(text)));
    }
    struct zap_knowns knowns = {0};
    struct zap_str why = zap_str_init(text, sizeof text);
    assert_int_equal(zap_knowns_load(known, &builds, &knowns, &why), ZAP_OK);
    struct zap_session session;
    struct zap_session_config config = config_of(1, 60);
    const char *fake = "segv-one@raise,finding@keep";
    run(fake, &config, &session); /* nothing is known */
    const struct zap_run *one = &session.runs[0];
    uint64_t all = one->past.findings;
    assert_int_equal(one->filed_count, 2);
    assert_int_equal(zap_session_news(one), all);
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_FINDINGS);
    zap_session_release(&session);
    remove_out();

    config.knowns = &knowns;
    run(fake, &config, &session);
    one = &session.runs[0];
    assert_int_equal(one->past.findings, all);
    assert_int_equal(one->filed_count, 1); /* its smallest plan had to be found */
    assert_int_equal(zap_session_news(one), 0);
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_OK);
    char *page = NULL;
    size_t size = 0;
    FILE *out_file = open_memstream(&page, &size);
    zap_summary_print(&session, out_file);
    fclose(out_file);
    print_message("%s", strstr(page, "\nKnown"));
    assert_non_null(strstr(page, "\nKnown findings\n  a "));
    assert_non_null(strstr(page, "  a P1  "));
    assert_non_null(strstr(page, "  a SIGSEGV-"));
    assert_non_null(strstr(page, "\nKnown findings that no longer happen"));
    assert_non_null(strstr(page, "/3.plan)\n"));
    assert_null(strstr(page, "\nFindings\n"));
    free(page);
    zap_session_release(&session);
    zap_knowns_release(&knowns);
    assert_true(zap_files_remove(known));
}

static void what_never_happens_again_is_kept_apart(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 20);
    run("finding@7,fatal@13", &config, &session);
    for (size_t i = 0; i < 2; i++) {
        const struct zap_filed *filed = &session.runs[0].filed[i];
        char again[256], place[PATH_MAX], plain[PATH_MAX];
        assert_true(filed->is_flaky);
        assert_int_equal(filed->runs, 5);
        assert_int_equal(filed->reproduced, 0);
        snprintf(place, sizeof place, "%s/flaky/a-%s", out, filed->signature);
        snprintf(plain, sizeof plain, "%s/a-%s", out, filed->signature);
        assert_string_equal(filed->path, place);
        assert_int_equal(access(plain, F_OK), -1);
        snprintf(again, sizeof again,
                 "pyzap check --python a --seed 5 --route drop --route collect --route wipe "
                 "--route reload "
                 "--route failed-import --route wipe-unheld --plans %d\n",
                 (int)filed->index + 1);
        assert_has(place, "report.md", "Flaky: it happened once, and of 5 times alone");
        assert_has(place, "report.md", again);
        assert_null(strstr(read_file(place, "report.md"), "pyzap replay"));
        assert_is_plan(place, filed->index);
        assert_has(place, "min.plan", "# flaky: it did not happen again\n");
        assert_has(place, "trace.txt", "build a version=3.11.7");
    }
    /* What was seen the one time. */
    assert_has(session.runs[0].filed[1].path, "trace.txt", "Fatal Python error: object at 0xd");
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_FINDINGS);
    assert_int_equal(count_hidden(out), 0);
    zap_session_release(&session);
}

static void all_builds_are_tried(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 12);
    config.all = &builds;
    run("a/segv@raise,b/fatal@raise", &config, &session);
    const struct zap_filed *filed = &session.runs[0].filed[0];
    assert_has(filed->path, "min.plan", "\n# builds a b\n");
    assert_has(filed->path, "report.md", "\n| a | **yes** | CRASHED SIGSEGV");
    assert_has(filed->path, "report.md", "\n| b | **yes** | CRASHED SIGABRT");
    assert_has(filed->path, "report.md", "\n| c | no | it ran to its end | fake worker |\n");
    assert_has(filed->path, "report.md", "First bad version: a. Last bad version: b.\n");
    zap_session_release(&session);
    remove_out();

    run("a/finding@raise,b/vanish,c/finding@raise", &config, &session);
    filed = &session.runs[0].filed[0];
    assert_has(filed->path, "min.plan", "\n# builds a c\n");
    assert_has(filed->path, "report.md", "\n| b | - | pyzap itself failed: exited with status 3");
    zap_session_release(&session);
}

/* repro.py is run by the build's interpreter, here a shell script; what is said of it is what that
 * did. */
static void a_script_is_believed_when_it_has_run(void **state)
{
    (void)state;
    static const struct {
        const char *fake;   /* of the worker */
        const char *python; /* after it has said that the route begins */
        const char *line;   /* of the report, after the banner */
    } cases[] = {
        {"segv@raise", "kill -SEGV $$", ": yes\n"},
        {"segv@raise", "echo route-end pending=no",
         ": no: the bare interpreter ran it to its end\n"},
        {"segv@raise", "exit 3", ": no: it exited with status 3 before its end\n"},
        {"segv@raise", "sleep 100 & wait", ": no: it was still running when its time was up\n"},
        {"fatal@raise", "echo 'Fatal Python error: broken' >&2; kill -ABRT $$", ": yes\n"},
        {"fatal@raise", "kill -SEGV $$", ": no: SIGSEGV in the middle of the route\n"},
        {"hang@raise", "sleep 100 & wait", ": yes\n"},
        {"hang@raise", "echo route-end pending=no",
         ": no: the bare interpreter ran it to its end\n"},
        {"hang@raise", "echo '# endless: more than 2048'; exit 3", ": yes\n"},
        {"finding@raise", "echo route-end pending=no", ": no: "},
        {"finding@raise", "kill -SEGV $$", ": no: SIGSEGV in the middle of the route\n"},
    };
    char python[PATH_MAX], banner[256];
    struct zap_builds_row row = builds.rows[0];
    snprintf(python, sizeof python, "%s/python", folder);
    snprintf(row.python, sizeof row.python, "%s", python);
    const struct zap_builds_row *one = &row;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zap_session session;
        struct zap_session_config config = config_of(1, 12);
        config.builds = &one;
        if (strncmp(cases[i].fake, "hang", 4) == 0)
            config.worker.deadline_ms = HANGS_MS / 4; /* often, to shrink it */
        FILE *file = fopen(python, "w");
        fprintf(file, "#!/bin/sh\ntest -s $1 || exit 9\necho route kind=drop\n%s\n",
                cases[i].python);
        fclose(file);
        assert_int_equal(chmod(python, 0755), 0);
        run(cases[i].fake, &config, &session);
        snprintf(banner, sizeof banner, "\nrepro.py shows it on fake worker%s", cases[i].line);
        assert_has(session.runs[0].filed[0].path, "report.md", banner);
        zap_session_release(&session);
        remove_out();
    }
}

/* A folder of an earlier session stays as it is while its plan does what it did. */
static void an_earlier_finding_is_not_lost(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 12);
    char path[PATH_MAX], command[2 * PATH_MAX];
    static char before[64 * 1024];
    run("finding@raise", &config, &session);
    snprintf(path, sizeof path, "%s", session.runs[0].filed[0].path);
    uint64_t index = session.runs[0].filed[0].index;
    zap_session_release(&session);
    snprintf(before, sizeof before, "%s", read_file(path, "report.md"));

    config.gen.seed = 6;
    run("finding@raise", &config, &session);
    assert_true(session.runs[0].filed[0].is_old);
    assert_string_equal(session.runs[0].filed[0].path, path);
    assert_is_plan(path, index);
    assert_string_equal(read_file(path, "report.md"), before);
    assert_string_equal(read_file(path, "again.plan"), "");
    zap_session_release(&session);

    /* Its plan does nothing any more: the new one takes its place, and it is kept. */
    run("finding@keep", &config, &session);
    assert_false(session.runs[0].filed[0].is_old);
    assert_is_plan_as(path, "earlier.plan", index);
    assert_has(path, "found.plan", "pyzap gen --seed 6");
    assert_has(path, "min.plan", "\n    keep\n");
    assert_string_equal(read_file(path, "again.plan"), "");
    zap_session_release(&session);

    /* It was killed before it was examined: that is done now, with the plan that it found. */
    snprintf(command, sizeof command,
             "cd %s && sed -i '2i# not examined yet' min.plan && rm report.md", path);
    assert_int_equal(system(command), 0);
    config.gen.seed = 7;
    run("finding@keep", &config, &session);
    assert_true(session.runs[0].filed[0].is_old);
    assert_has(path, "found.plan", "pyzap gen --seed 6");
    assert_has(path, "min.plan", "pyzap gen --seed 6");
    assert_has(path, "report.md", "Reproduced 5 of 5");
    assert_null(strstr(read_file(path, "min.plan"), "not examined yet"));
    zap_session_release(&session);
}

/* What killed sessions have left goes; what living ones are at, and what is not ours, stays. */
static void leftover_drafts_are_removed(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 12);
    char command[512];
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    waitpid(dead, NULL, 0);
    snprintf(
        command, sizeof command,
        "mkdir -p %s/flaky && cd %s && mkdir .a-P1.%ld .b-I9.%ld flaky/.a-P1.%ld .a-P1.x .mine.%ld "
        "&& touch .a-P1.%ld/found.plan .b-I9.%ld/min.plan .mine.%ld/note",
        out, out, (long)dead, (long)getppid(), (long)dead, (long)dead, (long)dead, (long)getppid(),
        (long)dead);
    assert_int_equal(system(command), 0);
    run("", &config, &session);
    zap_session_release(&session);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/flaky", out);
    assert_int_equal(count_hidden(path), 0);
    assert_int_equal(count_hidden(out), 3);
    snprintf(path, sizeof path, "%s/.b-I9.%ld/min.plan", out, (long)getppid());
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/.mine.%ld/note", out, (long)dead);
    assert_int_equal(access(path, F_OK), 0);
}

static void interrupt_when_shrinking(void *context, const struct zap_session *session)
{
    (void)context;
    interrupted = session->runs[0].state == ZAP_RUN_SHRINKING;
}

static void an_interrupt_ends_shrinking(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 30);
    config.interrupted = &interrupted;
    config.tick = interrupt_when_shrinking;
    interrupted = 0;
    run("finding@*,fatal@11,assert@12", &config, &session);
    const struct zap_run *one = &session.runs[0];
    assert_int_equal(one->filed_count, 3);
    for (size_t i = 0; i < 3; i++) { /* all there, as generated */
        const char *path = one->filed[i].path;
        assert_is_plan(path, one->filed[i].index);
        assert_has(path, "min.plan", "# not examined yet\n");
        assert_has(path, "report.md", "It was not examined yet");
        assert_has(path, "report.md", "pyzap replay");
        assert_int_equal(one->filed[i].runs, 0);
    }
    assert_int_equal(one->past.plans, 30);
    assert_int_equal(one->state, ZAP_RUN_OVER);
    assert_string_equal(one->failure, "");
    zap_session_release(&session);
}

static void the_same_finding_gives_the_same_plan(void **state)
{
    (void)state;
    char first[8192];
    for (int i = 0; i < 2; i++) {
        struct zap_session session;
        struct zap_session_config config = config_of(1, 12);
        run("finding@raise", &config, &session);
        const char *text = read_file(session.runs[0].filed[0].path, "min.plan");
        if (i == 0)
            snprintf(first, sizeof first, "%s", text);
        assert_string_equal(text, first);
        zap_session_release(&session);
    }
}

/* ------------------------------------------------------------------ filing */

static void limit_files(void *context, const struct zap_session *session)
{
    (void)context;
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = session->runs[0].state == ZAP_RUN_RUNNING ? 100 : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void lift_file_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 1000);
    config.tick = limit_files; /* as a disk that fills up while the session runs */
    run("slow,finding@700,finding@800", &config, &session);
    lift_file_limit();
    assert_int_equal(session.runs[0].past.plans, 1000);
    assert_int_equal(session.runs[0].past.findings, 2);
    assert_string_equal(session.runs[0].filed[0].path, "");
    assert_non_null(strstr(session.write_failure, "found.plan: File too large"));
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_FAILURE);
    assert_int_equal(rmdir(out), 0); /* nothing half-written is left */
    zap_session_release(&session);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 10);
    config.out = "/dev/null/out";
    run("finding@1", &config, &session);
    assert_string_equal(session.write_failure, "/dev/null/out: Not a directory");
    assert_int_equal(session.runs[0].past.findings, 1);
    assert_int_equal(zap_session_exit_status(&session), ZAP_EXIT_FAILURE);
    zap_session_release(&session);
}

/* A process that does nothing but file two findings of one kind in turn, killed 200 times: every
 * file is one or the other's, whole, and what it was at is removed by who comes next. */
static void a_kill_at_any_moment_leaves_whole_files(void **state)
{
    (void)state;
    static const char *const names[] = {"found.plan", "min.plan", "trace.txt", "repro.py",
                                        "report.md"};
    enum { KILLS = 200, SIZE = 64 * 1024 };
    static char whole[2][5][SIZE];
    static struct zap_trace trace;
    const struct zap_gen_config gen = {.seed = 5, .routes = ROUTES};
    struct zap_death death = {.verdict = ZAP_CRASHED, .reason = "SIGSEGV in the middle of it"};
    struct zap_plan plans[2];
    struct zap_finding_facts facts[2];
    char path[PATH_MAX], why_text[256];
    struct zap_str why = zap_str_init(why_text, sizeof why_text);
    unsigned drafts = 0;
    snprintf(trace.build.name, sizeof trace.build.name, "a");
    for (unsigned i = 0; i < 2; i++) {
        zap_gen_plan(&gen, i, &plans[i]);
        facts[i] = (struct zap_finding_facts){.build = "a",
                                              .python = "-",
                                              .gen = &gen,
                                              .index = i,
                                              .verdict = ZAP_CRASHED,
                                              .signature = "SIGSEGV",
                                              .found = &plans[i],
                                              .plan = &plans[i],
                                              .trace = &trace,
                                              .death = &death};
        assert_int_equal(zap_finding_file(out, &facts[i], path, &why), ZAP_OK);
        for (unsigned j = 0; j < 5; j++)
            snprintf(whole[i][j], SIZE, "%s", read_file(path, names[j]));
    }
    for (unsigned k = 0; k < KILLS; k++) {
        pid_t pid = fork();
        for (unsigned i = 0; pid == 0; i++) {
            if (i == 0)
                zap_finding_tidy(out);
            zap_finding_file(out, &facts[i % 2], path, &why);
        }
        usleep(1000 + k * 7919 % 3000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        for (unsigned j = 0; j < 5; j++) {
            const char *text = read_file(path, names[j]);
            if (strcmp(text, whole[0][j]) != 0 && strcmp(text, whole[1][j]) != 0)
                fail_msg("kill %u: %s/%s is not whole:\n%s", k, path, names[j], text);
        }
        int hidden = count_hidden(out);
        assert_true(hidden <= 1);
        drafts += (unsigned)hidden;
    }
    print_message("%u of %d kills left a draft behind\n", drafts, KILLS);
    assert_true(drafts > 0);
    zap_finding_tidy(out);
    assert_int_equal(count_hidden(out), 0);
}

/* ------------------------------------------------------------------ summaries */

static char *print_summary(const struct zap_session *session)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_non_null(file);
    zap_summary_print(session, file);
    fclose(file);
    return text;
}

static void a_summary_says_it_all(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(2, 30);
    run("a/finding@*,a/segv@7,b/tame=4", &config, &session);
    char *text = print_summary(&session);
    const struct zap_invariant_row *row = zap_invariant_row(0); /* the fake worker breaks it */
    char broken[128];
    snprintf(broken, sizeof broken, "out/deep/a-%s  BROKEN  %s %s  (reproduced 5 of 5)\n", row->id,
             row->id, row->name);
    const char *const parts[] = {
        "build  version  plans",
        "\na      3.11.7      30",
        "pyzap itself failed\n  b: canary hang: expected TIMED_OUT",
        "Where CPython departs from its documentation",
        "seen: a:29\n",
        broken,
        "out/deep/flaky/a-SIGSEGV  CRASHED  SIGSEGV in the middle of the route  (flaky: it did not "
        "happen again)\n",
        "  and 28 more of the same kinds, counted but not filed (one of a kind is)\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!strstr(text, parts[i]))
            fail_msg("no \"%s\" in:\n%s", parts[i], text);
    }
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, "a      3.11.7", 13) == 0)
            assert_true(strcspn(line, "\n") < 120);
    }
    free(text);
    zap_session_release(&session);
}

static void json_says_it_all(void **state)
{
    (void)state;
    struct zap_session session;
    struct zap_session_config config = config_of(1, 30);
    config.worker.deadline_ms = HANGS_MS;
    run("finding@3,hang@7", &config, &session);
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    assert_int_equal(zap_summary_json(&session, file), ZAP_OK);
    fclose(file);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    json_t *build = json_array_get(json_object_get(root, "builds"), 0);
    json_t *verdicts = json_object_get(build, "verdicts");
    json_t *findings = json_object_get(build, "findings");
    assert_int_equal(json_integer_value(json_object_get(root, "seed")), 5);
    assert_string_equal(json_string_value(json_object_get(build, "build")), "a");
    assert_string_equal(json_string_value(json_object_get(build, "version")), "3.11.7");
    assert_int_equal(json_integer_value(json_object_get(build, "plans")), 30);
    assert_int_equal(json_integer_value(json_object_get(build, "checks")), 58);
    assert_true(json_real_value(json_object_get(build, "seconds")) > 0);
    assert_true(json_real_value(json_object_get(build, "plans_per_second")) > 0);
    assert_int_equal(json_integer_value(json_object_get(verdicts, "HELD")), 28);
    assert_int_equal(json_integer_value(json_object_get(verdicts, "TIMED_OUT")), 1);
    assert_int_equal(json_array_size(findings), 2);
    json_t *broken = json_array_get(findings, 0), *hung = json_array_get(findings, 1);
    assert_string_equal(json_string_value(json_object_get(broken, "verdict")), "BROKEN");
    assert_string_equal(json_string_value(json_object_get(broken, "invariant")),
                        zap_invariant_row(0)->id);
    assert_int_equal(json_integer_value(json_object_get(broken, "index")), 3);
    assert_non_null(json_string_value(json_object_get(broken, "path")));
    assert_string_equal(json_string_value(json_object_get(hung, "signal")), "timeout");
    json_decref(root);
    free(text);

    file = fopen("/dev/full", "w");
    setvbuf(file, NULL, _IONBF, 0);
    assert_int_equal(zap_summary_json(&session, file), ZAP_E_IO);
    fclose(file);
    zap_session_release(&session);
}

static void counts_are_short(void **state)
{
    (void)state;
    static const struct {
        uint64_t count;
        const char *text;
    } cases[] = {{0, "0"},           {9999, "9999"},      {10000, "10.0k"},     {12345, "12.3k"},
                 {99949, "99.9k"},   {99950, "100k"},     {999499, "999k"},     {999500, "1.00M"},
                 {9994999, "9.99M"}, {123456789, "123M"}, {UINT64_MAX, "18.4E"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char buffer[16];
        struct zap_str text = zap_str_init(buffer, sizeof buffer);
        zap_summary_count(cases[i].count, &text);
        assert_string_equal(buffer, cases[i].text);
    }
}

/* ------------------------------------------------------------------ single plans */

static void a_player_goes_on_after_a_death(void **state)
{
    (void)state;
    struct zap_worker_config config = {.deadline_ms = HANGS_MS};
    struct zap_player player;
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    struct zap_plan plan;
    zap_plan_init(&plan);
    setenv("ZAP_FAKE", "finding@1,hang@2", 1);
    zap_player_init(&player, &builds.rows[0], &config, 0);
    static const struct {
        enum zap_verdict verdict;
        uint64_t checks;
    } expected[] = {{ZAP_HELD, 1}, {ZAP_BROKEN, 1}, {ZAP_TIMED_OUT, 0}, {ZAP_HELD, 1}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        zap_player_play(&player, &plan, outcome);
        assert_int_equal(outcome->verdict, expected[i].verdict);
        assert_int_equal(outcome->checks, expected[i].checks);
    }
    assert_int_equal(outcome->trace.events_count, 1);
    assert_string_equal(outcome->trace.build.name, "a");
    plan.route = ZAP_ROUTE_RELOAD; /* which the fake worker does not have */
    zap_player_play(&player, &plan, outcome);
    assert_int_equal(outcome->verdict, ZAP_SKIPPED);
    assert_string_equal(outcome->reason, "this build has no route reload");
    zap_player_release(&player);

    setenv("ZAP_FAKE", "vanish", 1);
    zap_player_init(&player, &builds.rows[0], &config, 0);
    zap_player_play(&player, &plan, outcome);
    assert_int_equal(outcome->verdict, ZAP_HARNESS);
    zap_player_release(&player);
    free(outcome);
}

static void a_worker_that_is_no_program_is_told(void **state)
{
    (void)state;
    struct zap_worker_config config = {.path = "/nowhere/worker-x"};
    struct zap_worker worker;
    struct zap_report report;
    struct zap_judgement judgement;
    assert_int_equal(zap_worker_start(&config, &worker), ZAP_OK);
    assert_int_equal(zap_worker_wait(&worker, &report, &judgement), ZAP_WORKER_DEATH);
    assert_int_equal(worker.death.verdict, ZAP_HARNESS);
    assert_string_equal(worker.death.reason,
                        "exited with status 127 before its hello: cannot start /nowhere/worker-x: "
                        "No such file or directory");
    zap_worker_release(&worker);
}

static void workers_die_with_their_host(void **state)
{
    (void)state;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t host = fork();
    if (host == 0) {
        struct zap_worker_config config = {.path = builds.rows[0].worker};
        struct zap_worker worker;
        struct zap_report report;
        struct zap_judgement judgement;
        setenv("ZAP_FAKE", "hang@*", 1);
        zap_worker_start(&config, &worker);
        zap_worker_wait(&worker, &report, &judgement);
        struct zap_command command = {.kind = ZAP_COMMAND_RUN, .count = 5};
        zap_worker_send(&worker, &command, NULL);
        if (write(pipe_fds[1], &worker.pid, sizeof worker.pid) != sizeof worker.pid)
            _exit(1);
        for (;;)
            pause();
    }
    pid_t pid = 0;
    assert_int_equal(read(pipe_fds[0], &pid, sizeof pid), sizeof pid);
    assert_int_equal(kill(pid, 0), 0);
    kill(host, SIGKILL);
    waitpid(host, NULL, 0);
    /* It is nobody's child now; gone, or a zombie until somebody reaps it. */
    bool is_gone = false;
    for (int i = 0; i < UNHURRIED_MS / 10 && !is_gone; i++) {
        char path[64], text[256] = "";
        snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
        FILE *file = fopen(path, "r");
        is_gone = !file || !fgets(text, sizeof text, file) || strstr(text, ") Z ");
        if (file)
            fclose(file);
        usleep(10000);
    }
    assert_true(is_gone);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_held, clear),
        cmocka_unit_test_teardown(findings_are_filed, clear),
        cmocka_unit_test_teardown(every_death_is_told, clear),
        cmocka_unit_test_teardown(a_busy_machine_is_no_hang, clear),
        cmocka_unit_test_teardown(the_last_plan_may_die_too, clear),
        cmocka_unit_test_teardown(one_of_a_kind_is_filed, clear),
        cmocka_unit_test_teardown(own_failures_are_told, clear),
        cmocka_unit_test_teardown(no_hello_is_told, clear),
        cmocka_unit_test_teardown(a_leak_is_not_a_plans_fault, clear),
        cmocka_unit_test_teardown(time_ends_a_session, clear),
        cmocka_unit_test_teardown(an_interrupt_ends_a_session, clear),
        cmocka_unit_test_teardown(findings_are_shrunk, clear),
        cmocka_unit_test_teardown(known_findings_are_no_news, clear),
        cmocka_unit_test_teardown(what_never_happens_again_is_kept_apart, clear),
        cmocka_unit_test_teardown(all_builds_are_tried, clear),
        cmocka_unit_test_teardown(a_script_is_believed_when_it_has_run, clear),
        cmocka_unit_test_teardown(an_earlier_finding_is_not_lost, clear),
        cmocka_unit_test_teardown(leftover_drafts_are_removed, clear),
        cmocka_unit_test_teardown(an_interrupt_ends_shrinking, clear),
        cmocka_unit_test_teardown(the_same_finding_gives_the_same_plan, clear),
        cmocka_unit_test_teardown(a_full_disk_is_told, clear),
        cmocka_unit_test_teardown(a_folder_that_cannot_be_made_is_told, clear),
        cmocka_unit_test_teardown(a_kill_at_any_moment_leaves_whole_files, clear),
        cmocka_unit_test_teardown(a_summary_says_it_all, clear),
        cmocka_unit_test_teardown(json_says_it_all, clear),
        cmocka_unit_test(counts_are_short),
        cmocka_unit_test_teardown(a_player_goes_on_after_a_death, clear),
        cmocka_unit_test(a_worker_that_is_no_program_is_told),
        cmocka_unit_test(workers_die_with_their_host),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
