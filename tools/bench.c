/* tools/bench: how fast pyzap is, per build and route, beside a bare C loop that does the same to
 * CPython, and beside the ways in which one would do the job without pyzap (tools/bench_exec.py).
 *
 * A measurement is a command of a fixed number of plans or rounds, given to a worker that has done
 * the same before, and the processor time that the worker takes for it: what else the machine does
 * counts little, and a plan a processor second is a plan a second on an idle core. How much of the
 * wall clock's time the worker had the core is printed, because caches are shared with the others
 * all the same. Everything runs on one core. Bare loop and pyzap take turns, and the ratio is the
 * median of the ratios of neighbours, so that a machine that gets slower or faster meanwhile does
 * both alike.
 *
 * This is a benchmark, not a test: no figure is too low for it. It ends where a worker dies or a
 * plan breaks an invariant, because then there is something else to do first.
 */
#include "base/check.h"
#include "host/builds.h"
#include "host/session.h"
#include "host/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    REPETITIONS_MAX = 999,
    PYTHONS_MAX = 64,
    ROUTES_COUNT = 3,
    WARM_UP = 3000,     /* plans; the code of all their actions is made then */
    CALIBRATION = 5000, /* plans, to know how many fill a repetition */
    PROCESSES = 8,      /* interpreters started for "a process per plan" */
    EXAMPLES = 2000,    /* of the Hypothesis test */
    ENDS_ALONE = 200,   /* plans of a repetition, each in an end of its own */
    ENDS_TOGETHER = 128 * ZAP_BLOCK,
};

static const unsigned all_routes[ROUTES_COUNT] = {ZAP_ROUTE_DROP, ZAP_ROUTE_WIPE,
                                                  ZAP_ROUTE_COLLECT};

static struct {
    const char *pythons[PYTHONS_MAX];
    size_t pythons_count;
    uint32_t routes; /* bit per route */
    unsigned repetitions;
    double seconds;
    int core;
    bool json;
    const char *script; /* bench_exec.py; NULL: leave out what it does */
} options = {.repetitions = 5, .seconds = 0.3, .core = -1};

ZAP_NORETURN ZAP_PRINTF(2, 3) static void fail(int status, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "bench: ");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(status);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) < 0)
        fail(ZAP_EXIT_FAILURE, "no clock: %s", strerror(errno));
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------ figures */

/* Times of one piece of work a processor second, of several repetitions. */
struct rates {
    unsigned count;
    double rate[REPETITIONS_MAX];
    double cpu, wall; /* seconds, in all */
};

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, unsigned count)
{
    double sorted[REPETITIONS_MAX];
    if (count == 0)
        return 0;
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static double extreme(const struct rates *rates, bool greatest)
{
    double best = rates->count ? rates->rate[0] : 0;
    for (unsigned i = 1; i < rates->count; i++)
        if ((rates->rate[i] > best) == greatest)
            best = rates->rate[i];
    return best;
}

/* ------------------------------------------------------------------ workers */

struct bench {
    struct zap_worker worker;
    clockid_t clock; /* processor time of the worker */
    const char *name;
    uint32_t flags; /* ZAP_RUN_* */
};

/* "" where it cannot be read. */
static void read_text(const char *path, char *ret_text, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t len = fd < 0 ? 0 : read(fd, ret_text, size - 1);
    if (fd >= 0)
        close(fd);
    ret_text[len > 0 ? len : 0] = '\0';
}

/* Processor time of a worker's children that are there, in seconds. */
static double living_children_cpu(const struct bench *bench)
{
    char path[64], text[1024];
    long pid = (long)bench->worker.pid;
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
    read_text(path, text, sizeof text);
    double seconds = 0;
    char *at = text;
    for (long child; (child = strtol(at, &at, 10)) > 0;) {
        clockid_t clock;
        if (clock_getcpuclockid((pid_t)child, &clock) == 0)
            seconds += seconds_of(clock);
    }
    return seconds;
}

/* Processor time of those that have ended, in seconds: in steps of some 10 ms. */
static double dead_children_cpu(const struct bench *bench)
{
    char path[64], text[1024];
    unsigned long user, system;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)bench->worker.pid);
    read_text(path, text, sizeof text);
    const char *after_name = strrchr(text, ')');
    if (!after_name ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu",
               &user, &system) != 2)
        fail(ZAP_EXIT_FAILURE, "%s: its children's time cannot be read", bench->name);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_of(const struct bench *bench)
{
    return seconds_of(bench->clock) + living_children_cpu(bench) + dead_children_cpu(bench);
}

static struct zap_report wait_for(struct bench *bench, enum zap_worker_news wanted)
{
    struct zap_report report;
    struct zap_judgement judgement;
    enum zap_worker_news news = zap_worker_wait(&bench->worker, &report, &judgement);
    if (news == ZAP_WORKER_DEATH)
        fail(ZAP_EXIT_FAILURE, "%s: the worker died: %s", bench->name,
             bench->worker.death.signature);
    if (news == ZAP_WORKER_FINDING)
        fail(ZAP_EXIT_FAILURE, "%s: plan %" PRIu64 " breaks an invariant; run `pyzap check` first",
             bench->name, report.index);
    ZAP_CHECK(news == wanted);
    return report;
}

static void start(struct bench *bench, const struct zap_builds_row *row)
{
    struct zap_worker_config config = {.path = row->worker};
    bench->name = row->name;
    if (zap_worker_start(&config, &bench->worker) != ZAP_OK)
        fail(ZAP_EXIT_FAILURE, "%s: cannot start its worker: %s", row->name, strerror(errno));
    if (clock_getcpuclockid(bench->worker.pid, &bench->clock) != 0)
        fail(ZAP_EXIT_FAILURE, "%s: its processor time cannot be read", row->name);
    wait_for(bench, ZAP_WORKER_HELLO);
}

/* Returns how many were done. */
static uint64_t command(struct bench *bench, bool is_bare, unsigned route, uint64_t from,
                        uint64_t count, struct rates *rates)
{
    struct zap_command command = {
        .kind = is_bare ? ZAP_COMMAND_BARE : ZAP_COMMAND_RUN,
        .flags = bench->flags,
        .gen = {.seed = 1, .shape = ZAP_SHAPE_BENCH, .routes = UINT32_C(1) << route},
        .from = from,
        .count = count,
        .route = route,
    };
    double wall = seconds_of(CLOCK_MONOTONIC), cpu = cpu_of(bench);
    if (zap_worker_send(&bench->worker, &command, NULL) != ZAP_OK)
        fail(ZAP_EXIT_FAILURE, "%s: the worker does not listen", bench->name);
    uint64_t done = wait_for(bench, ZAP_WORKER_DONE).index - (is_bare ? 0 : from);
    wall = seconds_of(CLOCK_MONOTONIC) - wall;
    cpu = cpu_of(bench) - cpu;
    rates->wall += wall;
    rates->cpu += cpu;
    rates->rate[rates->count++] = (double)done / cpu;
    return done;
}

struct figures {
    unsigned route;
    bool has_bare, has_plans;
    struct rates bare, plans;
    double ratios[REPETITIONS_MAX];
};

/* How many fill a repetition; 0 where this worker cannot do it. */
static uint64_t calibrate(struct bench *bench, bool is_bare, unsigned route)
{
    static struct rates unused;
    unused = (struct rates){0};
    if (command(bench, is_bare, route, 0, WARM_UP, &unused) == 0)
        return 0;
    command(bench, is_bare, route, 0, CALIBRATION, &unused);
    return (uint64_t)(unused.rate[1] * options.seconds) + 1;
}

static void measure_route(struct bench *bench, unsigned route, struct figures *figures)
{
    *figures = (struct figures){.route = route};
    bool has_route = (bench->worker.build.routes >> route & 1) != 0;
    uint64_t bare = has_route ? calibrate(bench, true, route) : 0;
    uint64_t plans = has_route ? calibrate(bench, false, route) : 0;
    figures->has_bare = bare != 0;
    figures->has_plans = plans != 0;
    for (unsigned i = 0; i < options.repetitions; i++) {
        if (bare)
            command(bench, true, route, 0, bare, &figures->bare);
        if (plans)
            command(bench, false, route, i * plans, plans, &figures->plans);
        if (bare && plans)
            figures->ratios[i] = figures->bare.rate[i] / figures->plans.rate[i];
    }
}

/* ------------------------------------------------------------------ ends of interpreters */

struct ends {
    struct rates bare, alone, together;
};

static void measure_ends(const struct zap_builds_row *row, struct ends *ends)
{
    struct bench bench = {.flags = 0};
    start(&bench, row);
    *ends = (struct ends){.bare = {0}};
    for (unsigned i = 0; i < options.repetitions; i++) {
        bench.flags = 0;
        command(&bench, true, ZAP_ROUTE_EXIT, 0, ENDS_ALONE, &ends->bare);
        command(&bench, false, ZAP_ROUTE_EXIT, 0, ENDS_TOGETHER, &ends->together);
        bench.flags = ZAP_RUN_ALONE;
        command(&bench, false, ZAP_ROUTE_EXIT, 0, ENDS_ALONE, &ends->alone);
    }
    zap_worker_quit(&bench.worker);
    zap_worker_release(&bench.worker);
}

/* ------------------------------------------------------------------ without pyzap */

/* What bench_exec.py did; per_second is 0 where it could not, and then why says it. */
struct script {
    double per_second;
    char why[120];
};

/* Run bench_exec.py. Returns false where it does not print what it should.
 *
 * ret_cpu  processor time of the process, start of the interpreter included
 */
static bool run_script(const char *python, const char *mode, const char *argument,
                       struct script *ret_script, double *ret_cpu)
{
    char text[128];
    int fds[2];
    if (pipe(fds) < 0)
        fail(ZAP_EXIT_FAILURE, "no pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(fds[1], 1);
        dup2(null, 2);
        close(fds[0]);
        execlp(python, python, "-E", "-s", options.script, mode, argument, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    size_t len = 0;
    ssize_t got;
    while (len < sizeof text - 1 && (got = read(fds[0], text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    close(fds[0]);
    int status;
    struct rusage usage;
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        fail(ZAP_EXIT_FAILURE, "cannot start %s: %s", python, strerror(errno));
    *ret_cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    unsigned long count;
    double seconds;
    bool is_fine = WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
                   sscanf(text, "%lu %lf", &count, &seconds) == 2 && count > 0 && seconds > 0;
    ret_script->per_second = is_fine ? (double)count / seconds : 0;
    if (!is_fine)
        snprintf(ret_script->why, sizeof ret_script->why,
                 WIFEXITED(status) ? "it ended with status %d" : "signal %d ended it",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return is_fine;
}

static struct script measure_exec(const char *python)
{
    struct script script = {0};
    char seconds[32];
    double cpu;
    snprintf(seconds, sizeof seconds, "%.3f", options.seconds * options.repetitions);
    run_script(python, "exec", seconds, &script, &cpu);
    return script;
}

static struct script measure_processes(const char *python)
{
    struct script script = {0};
    double times[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++) {
        char seed[16];
        snprintf(seed, sizeof seed, "%u", i);
        if (!run_script(python, "one", seed, &script, &times[i]))
            return script;
    }
    script.per_second = 1 / median(times, PROCESSES);
    return script;
}

/* Of the python3 that has hypothesis: the first one on PATH, or else the system's own. */
static struct script measure_hypothesis(const char **ret_python)
{
    static const char *const pythons[] = {"python3", "/usr/bin/python3"};
    struct script script = {0};
    char examples[16];
    double cpu;
    snprintf(examples, sizeof examples, "%d", EXAMPLES);
    for (size_t i = 0; i < sizeof pythons / sizeof pythons[0]; i++) {
        char command[80];
        snprintf(command, sizeof command, "%s -c 'import hypothesis' >/dev/null 2>&1", pythons[i]);
        *ret_python = pythons[i];
        if (system(command) == 0) {
            run_script(pythons[i], "hypothesis", examples, &script, &cpu);
            return script;
        }
    }
    snprintf(script.why, sizeof script.why,
             "python3 has no hypothesis; on Debian: apt-get install python3-hypothesis");
    return script;
}

/* ------------------------------------------------------------------ telling */

/* A number with commas, in one of a few buffers that take turns. */
static const char *number(double value)
{
    static char buffers[8][32];
    static unsigned next;
    char digits[32], *to = buffers[next++ % 8], *start = to;
    int len = snprintf(digits, sizeof digits, "%.0f", value);
    for (int i = 0; i < len; i++) {
        *to++ = digits[i];
        if ((len - i) % 3 == 1 && i + 1 < len)
            *to++ = ',';
    }
    *to = '\0';
    return start;
}

static void print_rates(const struct rates *rates, bool is_there)
{
    if (!is_there)
        printf("  %9s %-21s", "-", "");
    else
        printf("  %9s %9s..%-9s ", number(median(rates->rate, rates->count)),
               number(extreme(rates, false)), number(extreme(rates, true)));
}

static void print_figures(const char *build, const struct figures *figures)
{
    printf("%-15s %-8s", build, zap_route_row(figures->route)->token);
    print_rates(&figures->bare, figures->has_bare);
    print_rates(&figures->plans, figures->has_plans);
    if (figures->has_bare && figures->has_plans)
        printf("  %5.2f", median(figures->ratios, options.repetitions));
    else
        printf("  %5s", "-");
    if (figures->has_plans)
        printf("  %4.0f %%", 100 * figures->plans.cpu / figures->plans.wall);
    putchar('\n');
    fflush(stdout);
}

static json_t *json_of_rates(const struct rates *rates, bool is_there)
{
    if (!is_there)
        return json_null();
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "per_second", median(rates->rate, rates->count),
                     "min", extreme(rates, false), "max", extreme(rates, true), "cpu_seconds",
                     rates->cpu, "wall_seconds", rates->wall);
}

static json_t *json_of_figures(const struct figures *figures)
{
    json_t *ratio = figures->has_bare && figures->has_plans
                        ? json_real(median(figures->ratios, options.repetitions))
                        : json_null();
    return json_pack("{s:s, s:o, s:o, s:o}", "route", zap_route_row(figures->route)->token, "bare",
                     json_of_rates(&figures->bare, figures->has_bare), "pyzap",
                     json_of_rates(&figures->plans, figures->has_plans), "ratio", ratio);
}

static json_t *json_of_script(const struct script *script)
{
    if (script->per_second > 0)
        return json_pack("{s:f}", "per_second", script->per_second);
    return json_pack("{s:n, s:s}", "per_second", "why", script->why);
}

static void print_script(const struct script *script)
{
    if (script->per_second > 0)
        printf("  %16s", number(script->per_second));
    else
        printf("  %16s", "-");
}

/* ------------------------------------------------------------------ the whole */

static void print_head(void)
{
    printf(
        "On core %d, %u repetitions of %g s each after a warm-up. Figures are medians, a second of "
        "processor\ntime, with the least and the greatest; \"ratio\" is pyzap's time by the bare "
        "loop's, \"core\" how much\nof the time pyzap had the core to itself.\n\n",
        options.core, options.repetitions, options.seconds);
    printf("%-15s %-8s  %9s %-21s  %9s %-21s  %5s  %6s\n", "build", "route", "bare loop", "",
           "pyzap", "", "ratio", "core");
}

/* Returns the figure of pyzap's first route, for the table of what does without it. */
static double measure_build(const struct zap_builds_row *row, json_t *routes)
{
    static struct figures figures;
    double first = 0;
    struct bench bench;
    start(&bench, row);
    for (unsigned i = 0; i < ROUTES_COUNT; i++) {
        if (!(options.routes >> all_routes[i] & 1))
            continue;
        measure_route(&bench, all_routes[i], &figures);
        if (!options.json)
            print_figures(row->name, &figures);
        json_array_append_new(routes, json_of_figures(&figures));
        if (all_routes[i] == ZAP_ROUTE_DROP)
            first = median(figures.plans.rate, figures.plans.count);
    }
    zap_worker_quit(&bench.worker);
    zap_worker_release(&bench.worker);
    return first;
}

static void measure_scripts(const struct zap_builds_row *row, double drops, json_t *build)
{
    struct script exec = measure_exec(row->python), process = measure_processes(row->python);
    json_object_set_new(build, "exec", json_of_script(&exec));
    json_object_set_new(build, "process", json_of_script(&process));
    if (options.json)
        return;
    printf("%-15s  %16s", row->name, drops > 0 ? number(drops) : "-");
    print_script(&exec);
    print_script(&process);
    if (exec.per_second <= 0 || process.per_second <= 0)
        printf("  %s: %s", row->python, exec.why[0] ? exec.why : process.why);
    putchar('\n');
    fflush(stdout);
}

static double rate_of(const struct rates *rates)
{
    return median(rates->rate, rates->count);
}

static json_t *measure_all_ends(const struct zap_builds_row *const *rows, size_t count)
{
    static struct ends ends;
    json_t *list = json_array();
    if (!options.json)
        printf("\nExits of interpreters, a second of processor time\n\n%-15s  %16s  %16s  %16s  "
               "%16s\n",
               "build", "fork and exit", "a plan an exit", "plans together", "process a plan");
    for (size_t i = 0; i < count; i++) {
        struct script process = {.why = "left out: no --script"};
        measure_ends(rows[i], &ends);
        if (options.script)
            process = measure_processes(rows[i]->python);
        json_array_append_new(
            list, json_pack("{s:s, s:f, s:f, s:f, s:o}", "build", rows[i]->name, "bare",
                            rate_of(&ends.bare), "alone", rate_of(&ends.alone), "together",
                            rate_of(&ends.together), "process", json_of_script(&process)));
        if (options.json)
            continue;
        printf("%-15s  %16s  %16s  %16s", rows[i]->name, number(rate_of(&ends.bare)),
               number(rate_of(&ends.alone)), number(rate_of(&ends.together)));
        print_script(&process);
        putchar('\n');
        fflush(stdout);
    }
    return list;
}

static void measure_all(const struct zap_builds_row *const *rows, size_t count)
{
    json_t *list = json_array();
    double *drops = calloc(count, sizeof *drops);
    ZAP_CHECK(drops != NULL);
    if (!options.json)
        print_head();
    for (size_t i = 0; i < count; i++) {
        json_t *routes = json_array();
        drops[i] = measure_build(rows[i], routes);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "build", rows[i]->name,
                                              "version", rows[i]->version, "mode", rows[i]->mode,
                                              "python", rows[i]->python, "routes", routes));
    }
    struct script hypothesis = {.why = "left out: no --script"};
    const char *python = NULL;
    if (options.script) {
        if (!options.json)
            printf("\nThe same job without pyzap: modules dropped, a second of processor time\n\n"
                   "%-15s  %16s  %16s  %16s\n",
                   "build", "pyzap", "exec of source", "process a plan");
        for (size_t i = 0; i < count; i++)
            measure_scripts(rows[i], drops[i], json_array_get(list, i));
        hypothesis = measure_hypothesis(&python);
        if (!options.json && hypothesis.per_second > 0)
            printf("\nAs a Hypothesis test of %s: %s\n", python, number(hypothesis.per_second));
        else if (!options.json)
            printf("\nAs a Hypothesis test: %s\n", hypothesis.why);
    }
    free(drops);
    json_t *ends =
        options.routes >> ZAP_ROUTE_EXIT & 1 ? measure_all_ends(rows, count) : json_null();
    json_t *all = json_pack("{s:i, s:i, s:f, s:o, s:o, s:o}", "core", options.core, "repetitions",
                            (int)options.repetitions, "seconds", options.seconds, "builds", list,
                            "exits", ends, "hypothesis", json_of_script(&hypothesis));
    ZAP_CHECK(all != NULL);
    if (options.json) {
        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        putchar('\n');
    }
    json_decref(all);
}

/* This process, and with it all that it starts. Without --core: the last core that it may use. */
static void pin(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        fail(ZAP_EXIT_FAILURE, "cannot see which cores there are: %s", strerror(errno));
    for (size_t i = CPU_SETSIZE; i > 0 && options.core < 0; i--)
        if (CPU_ISSET(i - 1, &set))
            options.core = (int)(i - 1);
    CPU_ZERO(&set);
    CPU_SET((size_t)options.core, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fail(ZAP_EXIT_USAGE, "--core %d: %s", options.core, strerror(errno));
}

static void print_help(void)
{
    puts(
        "Usage: tools/bench [OPTION]...\n"
        "\n"
        "Measure how many plans a second one core runs: modules of 8 nodes that each look at one\n"
        "name, made, torn down, observed and judged by pyzap; beside it a bare C loop that makes "
        "and\n"
        "tears down the same objects, and the same job as one would do it without pyzap: a script\n"
        "that execs the source of each module, a process per module, a Hypothesis test.\n"
        "\n"
        "Options\n"
        "  --python BUILD      a build, as in `pyzap pythons`; may be given again (default: all)\n"
        "  --route R           drop, wipe, collect or exit; may be given again (default: all)\n"
        "  --repetitions N     of each measurement, 1 to 999 (default: 5)\n"
        "  --seconds S         that a repetition takes, 0.01 to 60 (default: 0.3)\n"
        "  --core N            to run on (default: the last one)\n"
        "  --script PATH       bench_exec.py, for what does without pyzap (given by tools/bench)\n"
        "  --json              one JSON object with all figures\n"
        "  --help              this text");
}

static double number_between(const char *option, const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= min && value <= max))
        fail(ZAP_EXIT_USAGE, "--%s: expected a number from %g to %g, found \"%s\"", option, min,
             max, text);
    return value;
}

static void add_route(const char *text)
{
    for (unsigned i = 0; i < ROUTES_COUNT; i++) {
        if (strcmp(text, zap_route_row(all_routes[i])->token) == 0) {
            options.routes |= UINT32_C(1) << all_routes[i];
            return;
        }
    }
    if (strcmp(text, zap_route_row(ZAP_ROUTE_EXIT)->token) == 0)
        options.routes |= UINT32_C(1) << ZAP_ROUTE_EXIT;
    else
        fail(ZAP_EXIT_USAGE, "--route: expected drop, wipe, collect or exit, found \"%s\"", text);
}

static void parse(int argc, char **argv)
{
    enum { PYTHON = 1, ROUTE, REPETITIONS, SECONDS, CORE, SCRIPT, JSON, HELP };
    static const struct option known[] = {
        {"python", required_argument, NULL, PYTHON},
        {"route", required_argument, NULL, ROUTE},
        {"repetitions", required_argument, NULL, REPETITIONS},
        {"seconds", required_argument, NULL, SECONDS},
        {"core", required_argument, NULL, CORE},
        {"script", required_argument, NULL, SCRIPT},
        {"json", no_argument, NULL, JSON},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case PYTHON:
            if (options.pythons_count == PYTHONS_MAX)
                fail(ZAP_EXIT_USAGE, "--python: more than %d", PYTHONS_MAX);
            options.pythons[options.pythons_count++] = optarg;
            break;
        case ROUTE:
            add_route(optarg);
            break;
        case REPETITIONS:
            options.repetitions =
                (unsigned)number_between("repetitions", optarg, 1, REPETITIONS_MAX);
            break;
        case SECONDS:
            options.seconds = number_between("seconds", optarg, 0.01, 60);
            break;
        case CORE:
            options.core = (int)number_between("core", optarg, 0, CPU_SETSIZE - 1);
            break;
        case SCRIPT:
            options.script = optarg;
            break;
        case JSON:
            options.json = true;
            break;
        case HELP:
            print_help();
            exit(ZAP_EXIT_OK);
        default:
            exit(ZAP_EXIT_USAGE);
        }
    }
    if (optind < argc)
        fail(ZAP_EXIT_USAGE, "it takes options only, found \"%s\"; see --help", argv[optind]);
    if (options.routes == 0)
        options.routes = UINT32_MAX;
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    struct zap_builds builds;
    char why[2048];
    struct zap_str text = zap_str_init(why, sizeof why);
    const char *folder = getenv("PYZAP_WORKERS");
    if (zap_builds_load(folder && folder[0] ? folder : NULL, &builds, &text) != ZAP_OK)
        fail(ZAP_EXIT_FAILURE, "%s", why);
    const struct zap_builds_row **rows = calloc(builds.count + PYTHONS_MAX, sizeof *rows);
    ZAP_CHECK(rows != NULL);
    size_t count = 0;
    for (size_t i = 0; i < options.pythons_count; i++) {
        rows[count] = zap_builds_find(&builds, options.pythons[i], &text);
        if (rows[count++] == NULL)
            fail(ZAP_EXIT_USAGE, "%s", why);
    }
    for (size_t i = 0; i < builds.count && options.pythons_count == 0; i++)
        if (builds.rows[i].is_usable)
            rows[count++] = &builds.rows[i];
    if (count == 0)
        fail(ZAP_EXIT_FAILURE, "no worker for any CPython in %s", builds.folder);
    pin();
    measure_all(rows, count);
    free(rows);
    zap_builds_release(&builds);
    return fflush(stdout) == 0 ? ZAP_EXIT_OK : ZAP_EXIT_FAILURE;
}
