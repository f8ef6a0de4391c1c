/* Plans that end an interpreter: many in one end are judged as each is alone, what becomes of the
 * child in which an interpreter ends is told as a worker's own death would be, no child outlives
 * its worker, and no address decides what goes first.
 *
 * Run once per build, with its name in ZAP_BUILD.
 */
#include "host/clock.h"
#include "host/player.h"
#include "plan/text.h"

#include "run.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PLANS = ZAP_BLOCK,
    SEED = 5,
    TRIES = 200,
    GONE_MS = 5000,
    DEADLINE_MS = 1500,
    PROCESSES = 10
};

/* In the environment of every process that this one starts, so that they can be found. */
#define TAG_NAME "PYZAP_TEST_END"
static char tag[64];

static int failures;

static void expect(bool holds, const char *build, const char *what)
{
    if (!holds) {
        printf("FAILED on %s: %s\n", build, what);
        failures++;
    }
}

/* ---- together and alone ---- */

/* What a worker counts, without the invariant that is checked where a plan is run for itself. */
struct tally {
    uint64_t plans, findings, held[ZAP_INVARIANT_COUNT], broken[ZAP_INVARIANT_COUNT];
};

static void tally_worker(const struct zap_worker *worker, struct tally *ret_tally)
{
    ret_tally->plans = atomic_load(&worker->shared->plans);
    ret_tally->findings = atomic_load(&worker->shared->findings);
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        ret_tally->held[i] = atomic_load(&worker->shared->held[i]);
        ret_tally->broken[i] = atomic_load(&worker->shared->broken[i]);
    }
    ret_tally->held[ZAP_INVARIANT_I29] = 0;
}

static void compare(const struct zap_builds_row *row, unsigned route)
{
    static struct zap_outcome outcome;
    struct zap_worker worker;
    struct zap_worker_config config = {0};
    struct zap_gen_config gen = {.seed = SEED, .routes = UINT32_C(1) << route};
    struct tally together, alone = {0};
    unsigned independent = 0;
    if (!start_worker(row->worker, &worker)) {
        expect(false, row->name, "its worker does not start");
        return;
    }
    run_on(&worker, &gen, 0, PLANS, ZAP_INVARIANT_COUNT);
    tally_worker(&worker, &together);
    zap_worker_release(&worker);

    struct zap_player player;
    zap_player_init(&player, row, &config, 0);
    for (uint64_t index = 0; index < PLANS; index++) {
        struct zap_plan plan;
        zap_gen_plan(&gen, index, &plan);
        independent += zap_plan_is_independent(&plan);
        zap_player_play(&player, &plan, &outcome);
        alone.plans++;
        alone.findings += outcome.verdict == ZAP_BROKEN;
        for (int i = 0; i < ZAP_INVARIANT_COUNT && outcome.has_judgement; i++) {
            alone.held[i] += outcome.judgement.verdicts[i] == ZAP_HELD;
            alone.broken[i] += outcome.judgement.verdicts[i] == ZAP_BROKEN;
        }
    }
    zap_player_release(&player);
    alone.held[ZAP_INVARIANT_I29] = 0;

    /* Each plan's modules have names of their own there, and where dicts are in hash order, so are
     * modules: then a plan does not do the same as alone, and other things can be said of it. And
     * what one plan brings back keeps the garbage of all, so that less can be said of how it goes,
     * and more of what it is meanwhile. */
    zap_profile profile = zap_profile_of(&outcome.trace.build);
    bool is_hashed = !zap_profile_has(profile, ZAP_FEATURE_SURVIVORS_WIPED);
    bool is_kept = zap_profile_has(profile, ZAP_FEATURE_ONE_KEEPS_ALL);
    expect(independent > PLANS / 2, row->name, "plans are run together");
    expect(together.plans == PLANS, row->name, "a worker runs all plans");
    expect(together.findings == 0 && alone.findings == 0, row->name, "nothing is broken");
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        bool is_same = together.held[i] == alone.held[i] || is_hashed || is_kept;
        if (is_same && together.broken[i] == alone.broken[i])
            continue;
        printf("%s: %s held %" PRIu64 " times together, %" PRIu64 " alone\n", row->name,
               zap_invariant_row((enum zap_invariant_code)i)->id, together.held[i], alone.held[i]);
        expect(false, row->name, "plans are judged together as alone");
    }
}

/* ---- what no address may decide ---- */

/* Variables of a context are in the order of hashes that are made of addresses. */
static const char in_a_context[] = "pyzap plan 1\nroute exit\nmodule m0\nobject o0 = node m0\n"
                                   "object o1 = list\nlink o1 -> o0\npark module m0 context\n"
                                   "park object o1 context\n";

static void order_is_the_same(const struct zap_builds_row *row)
{
    static struct zap_outcome outcomes[2];
    struct zap_worker_config config = {0};
    struct zap_plan plan;
    struct zap_text_error error;
    if (zap_text_parse(in_a_context, strlen(in_a_context), &plan, &error) != ZAP_OK) {
        expect(false, row->name, error.what);
        return;
    }
    for (int process = 0; process < PROCESSES; process++) {
        struct zap_player player;
        struct zap_outcome *outcome = &outcomes[process > 0];
        zap_player_init(&player, row, &config, 0);
        zap_player_play(&player, &plan, outcome);
        zap_player_release(&player);
        expect(process == 0 || zap_trace_diff(&outcomes[0].trace, &outcome->trace) == UINT32_MAX,
               row->name, "what is in a context goes in the same order in each process");
    }
}

/* ---- children ---- */

/* The first child of a process, or 0. */
static pid_t child_of(pid_t pid)
{
    char path[64], text[32] = "";
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    text[len > 0 ? len : 0] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}

/* How many processes have our tag, this one not counted. */
static int tagged(void)
{
    static char environment[64 * 1024];
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
        char path[300];
        long pid = strtol(entry->d_name, NULL, 10);
        snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
        int fd = pid > 0 && pid != getpid() ? open(path, O_RDONLY) : -1;
        ssize_t len = fd < 0 ? 0 : read(fd, environment, sizeof environment);
        if (fd >= 0)
            close(fd);
        count += len > 0 && memmem(environment, (size_t)len, tag, strlen(tag)) != NULL;
    }
    if (proc != NULL)
        closedir(proc);
    return count;
}

static void all_are_gone(const struct zap_builds_row *row)
{
    int64_t until_ms = zap_clock_ms() + GONE_MS;
    while (tagged() > 0 && zap_clock_ms() < until_ms)
        usleep(10000);
    expect(tagged() == 0, row->name, "no child outlives its worker");
}

/* Start a worker, let it end interpreters, and send a signal to the child in which it does so, or
 * to itself. Returns what the worker has to say then. */
static enum zap_worker_news hit(const struct zap_builds_row *row, int signal_number, bool is_child,
                                struct zap_worker *worker)
{
    static struct zap_judgement judgement;
    struct zap_worker_config config = {.path = row->worker, .deadline_ms = DEADLINE_MS};
    struct zap_report report;
    struct zap_plan plan;
    uint8_t wire[ZAP_WIRE_MAX];
    if (zap_worker_start(&config, worker) != ZAP_OK ||
        zap_worker_wait(worker, &report, &judgement) != ZAP_WORKER_HELLO)
        return ZAP_WORKER_NOTHING;
    zap_plan_init(&plan);
    plan.route = ZAP_ROUTE_EXIT;
    struct zap_command command = {.kind = ZAP_COMMAND_PLAN};
    command.wire_len = (uint32_t)zap_wire_encode(&plan, wire);
    enum zap_worker_news news = ZAP_WORKER_DONE;
    /* A plan may be over before its child was found. */
    for (int i = 0; i < TRIES && news == ZAP_WORKER_DONE; i++) {
        pid_t child = 0;
        zap_worker_send(worker, &command, wire);
        do {
            child = child_of(worker->pid);
            news = zap_worker_look(worker, zap_clock_ms(), &report, &judgement);
        } while (child == 0 && news == ZAP_WORKER_NOTHING);
        if (child != 0 && news == ZAP_WORKER_NOTHING)
            kill(is_child ? child : worker->pid, signal_number);
        while (news == ZAP_WORKER_NOTHING)
            news = zap_worker_wait(worker, &report, &judgement);
    }
    return news;
}

static void deaths_are_told(const struct zap_builds_row *row)
{
    static const struct {
        int signal_number;
        bool is_child;
        enum zap_verdict verdict;
        const char *what;
    } rows[] = {
        {SIGABRT, true, ZAP_CRASHED, "a child that crashes is a crash"},
        {SIGSTOP, true, ZAP_TIMED_OUT, "a child that hangs is late"},
        {SIGKILL, false, ZAP_HARNESS, "a worker that is killed while a child is at work is told"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zap_worker worker = {0};
        enum zap_worker_news news = hit(row, rows[i].signal_number, rows[i].is_child, &worker);
        expect(news == ZAP_WORKER_DEATH, row->name, rows[i].what);
        if (news == ZAP_WORKER_DEATH && worker.death.verdict != rows[i].verdict) {
            printf("%s: %s\n", row->name, worker.death.reason);
            expect(false, row->name, rows[i].what);
        }
        zap_worker_release(&worker);
        all_are_gone(row);
    }
}

/* `pyzap check` is interrupted, or killed, while interpreters end. */
static void nothing_outlives_pyzap(const struct zap_builds_row *row, int signal_number)
{
    pid_t pyzap = fork();
    if (pyzap == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        char out[64];
        snprintf(out, sizeof out, "/tmp/pyzap-end-%ld", (long)getppid());
        execl(ZAP_BIN_DIR "/pyzap", "pyzap", "check", "--route", "exit", "--time", "60", "--python",
              row->name, "--out", out, (char *)NULL);
        _exit(127);
    }
    int64_t until_ms = zap_clock_ms() + 30 * 1000;
    int most = 0;
    while (zap_clock_ms() < until_ms && most < 3) { /* pyzap, a worker, and what ends in a child */
        most = tagged();
        usleep(1000);
    }
    expect(most >= 3, row->name, "pyzap has a worker, and that a child");
    kill(pyzap, signal_number);
    int status;
    waitpid(pyzap, &status, 0);
    all_are_gone(row);
}

int main(void)
{
    const char *name = getenv("ZAP_BUILD");
    struct zap_builds builds;
    char why_text[256];
    struct zap_str why = zap_str_init(why_text, sizeof why_text);
    if (name == NULL || zap_builds_load(ZAP_LIBEXEC_DIR, &builds, &why) != ZAP_OK) {
        printf("ZAP_BUILD is not set, or no builds: %s\n", why_text);
        return 1;
    }
    snprintf(tag, sizeof tag, "%s=%ld", TAG_NAME, (long)getpid());
    putenv(tag);
    const struct zap_builds_row *row = zap_builds_find(&builds, name, &why);
    if (row == NULL) {
        printf("%s\n", why_text);
        return 1;
    }
    for (unsigned code = 0; code <= UINT8_MAX; code++)
        if (zap_route_row(code) != NULL && zap_route_row(code)->ends)
            compare(row, code);
    order_is_the_same(row);
    deaths_are_told(row);
    nothing_outlives_pyzap(row, SIGINT);
    nothing_outlives_pyzap(row, SIGKILL);
    printf("%s: %d failures\n", name, failures);
    zap_builds_release(&builds);
    return failures > 0;
}
