/* tools/bench --fuzz: how many plans a second the fuzz targets run, per build and engine, beside
 * the bare loop as a libFuzzer target.
 *
 * Every measurement is an engine that runs for itself, as `pyzap fuzz` would start it, and the
 * processor time that it and its children took: what else the machine does counts little.
 * Everything runs on one core. libFuzzer does a fixed number of runs with each of two targets that
 * take turns: teardown (plans of ZAP_SHAPE_BENCH, drawn by fuzz/bench_mutator.c, so all of one
 * cost) and bare (the same objects as plain C makes them); the ratio is the median of the ratios of
 * neighbours. AFL++ drives the ordinary target of the build with the same plans for a fixed time.
 * "campaign" is what a user sees: the ordinary target from corpus/seed, whatever plans that leads
 * to.
 *
 * The start of the interpreter and of the engine is part of it. A benchmark, not a test: no figure
 * is too low for it.
 */
#include "host/builds.h"
#include "host/engine.h"
#include "host/session.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPETITIONS = 5, RUNS = 200000, CAMPAIGN_RUNS = 200000, AFL_SECONDS = 10, ARGS_MAX = 32 };

static char work[] = "/tmp/pyzap-bench-XXXXXX";
static char bench_folder[PATH_MAX];

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

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *at)
{
    (void)about, (void)kind, (void)at;
    return remove(path);
}

static void remove_work(void)
{
    nftw(work, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A path in the work folder; in one of a few buffers that take turns. */
static const char *in_work(const char *name)
{
    static char paths[4][sizeof work + 64];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", work, name);
    return path;
}

/* Run a program with its output in WORK/log. Returns processor seconds, of its children too. */
static double run(char *const *argv)
{
    pid_t pid = fork();
    if (pid == 0) {
        int in = open("/dev/null", O_RDONLY);
        int out = open(in_work("log"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(in, 0);
        dup2(out, 1);
        dup2(out, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    int status;
    struct rusage usage;
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
        fail(ZAP_EXIT_FAILURE, "cannot start %s: %s", argv[0], strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail(ZAP_EXIT_FAILURE,
             "%s: status %d; it is no use to time what breaks: `pyzap fuzz` first", argv[0],
             status);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double median(double *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned k = i; k > 0 && values[k - 1] > values[k]; k--) {
            double moved = values[k];
            values[k] = values[k - 1];
            values[k - 1] = moved;
        }
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* ------------------------------------------------------------------ libFuzzer */

/* A folder that exists and is empty. */
static const char *fresh(const char *name)
{
    const char *path = in_work(name);
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (mkdir(path, 0777) < 0)
        fail(ZAP_EXIT_FAILURE, "%s: %s", path, strerror(errno));
    return path;
}

/* Runs a processor second; 0 where there is no such target. */
static double libfuzzer(const char *program, unsigned runs, const char *seeds)
{
    char runs_option[32], len_option[32], prefix[sizeof work + 64];
    if (access(program, X_OK) != 0)
        return 0;
    snprintf(runs_option, sizeof runs_option, "-runs=%u", runs);
    snprintf(len_option, sizeof len_option, "-max_len=%d", ZAP_ENGINE_PLAN_MAX);
    snprintf(prefix, sizeof prefix, "-artifact_prefix=%s/", work);
    const char *argv[ARGS_MAX] = {program,
                                  runs_option,
                                  "-seed=1",
                                  "-entropic=0",
                                  "-len_control=0",
                                  "-use_counters=0",
                                  len_option,
                                  prefix,
                                  fresh("corpus"),
                                  seeds,
                                  NULL};
    return runs / run((char *const *)argv);
}

/* ------------------------------------------------------------------ AFL++ */

static double read_stat(const char *name)
{
    char line[256];
    double value = 0;
    FILE *file = fopen(in_work("afl/default/fuzzer_stats"), "r");
    if (file == NULL)
        fail(ZAP_EXIT_FAILURE, "afl-fuzz left no statistics");
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0 && strchr(line, ':') != NULL)
            value = strtod(strchr(line, ':') + 1, NULL);
    fclose(file);
    return value;
}

static double afl(const char *program)
{
    char module[PATH_MAX + 64], seconds[16];
    if (access(program, X_OK) != 0)
        return 0;
    const char *in = fresh("in");
    char seed[sizeof work + 64];
    snprintf(seed, sizeof seed, "%s/a", in);
    FILE *file = fopen(seed, "wb");
    if (file == NULL || fputc(ZAP_ROUTE_DROP, file) == EOF || fclose(file) != 0)
        fail(ZAP_EXIT_FAILURE, "%s: %s", seed, strerror(errno));
    snprintf(module, sizeof module, "%s/bench-mutator.so", bench_folder);
    snprintf(seconds, sizeof seconds, "%d", AFL_SECONDS);
    setenv("AFL_CUSTOM_MUTATOR_LIBRARY", module, 1);
    setenv("AFL_CUSTOM_MUTATOR_ONLY", "1", 1);
    setenv("AFL_DISABLE_TRIM", "1", 1);
    setenv("AFL_NO_UI", "1", 1);
    setenv("AFL_NO_AFFINITY", "1", 1);
    setenv("AFL_SKIP_CPUFREQ", "1", 1);
    setenv("AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1", 1);
    const char *argv[ARGS_MAX] = {"afl-fuzz", "-i", in,     "-o", fresh("afl"), "-V",
                                  seconds,    "-m", "none", "--", program,      NULL};
    double cpu = run((char *const *)argv);
    return read_stat("execs_done") / cpu;
}

/* ------------------------------------------------------------------ the whole */

static void print_rate(double rate)
{
    if (rate > 0)
        printf("  %9.0f", rate);
    else
        printf("  %9s", "-");
}

static void measure(const struct zap_builds_row *row, const char *folder, const char *route)
{
    char bare[PATH_MAX * 2], teardown[PATH_MAX * 2], driven[PATH_MAX * 2], real[PATH_MAX * 2],
        seeds[PATH_MAX + 64];
    snprintf(bare, sizeof bare, "%s/libfuzzer-bare-%s", bench_folder, row->name);
    snprintf(teardown, sizeof teardown, "%s/libfuzzer-teardown-%s", bench_folder, row->name);
    snprintf(driven, sizeof driven, "%s/fuzz/afl-teardown-%s", folder, row->name);
    snprintf(real, sizeof real, "%s/fuzz/libfuzzer-teardown-%s", folder, row->name);
    snprintf(seeds, sizeof seeds, "%s/fuzz/seeds", folder);
    setenv("PYZAP_BENCH_ROUTE", route, 1);
    double bares[REPETITIONS], ours[REPETITIONS], ratios[REPETITIONS];
    for (unsigned i = 0; i < REPETITIONS; i++) {
        bares[i] = libfuzzer(bare, RUNS, NULL);
        ours[i] = libfuzzer(teardown, RUNS, NULL);
        ratios[i] = ours[i] > 0 ? bares[i] / ours[i] : 0;
    }
    printf("%-16s %-8s", row->name, route);
    print_rate(median(bares, REPETITIONS));
    print_rate(median(ours, REPETITIONS));
    printf("  %5.2f", median(ratios, REPETITIONS));
    print_rate(afl(driven));
    print_rate(libfuzzer(real, CAMPAIGN_RUNS, seeds));
    putchar('\n');
    fflush(stdout);
}

static void pin(void)
{
    cpu_set_t set;
    size_t last = 0;
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        fail(ZAP_EXIT_FAILURE, "cannot see which cores there are: %s", strerror(errno));
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set))
            last = i;
    CPU_ZERO(&set);
    CPU_SET(last, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        fail(ZAP_EXIT_FAILURE, "cannot stay on one core: %s", strerror(errno));
}

static void print_help(void)
{
    puts("Usage: tools/bench --fuzz [--route R] [BUILD]...\n"
         "\n"
         "Measure how many plans a second of processor time the fuzz targets run on one core: "
         "modules\n"
         "of 8 nodes that each look at one name, under libFuzzer and under AFL++; beside them a\n"
         "libFuzzer target that makes and tears down the same objects in plain C, and the runs of "
         "a\n"
         "libFuzzer campaign from corpus/seed, whatever plans that leads to.\n"
         "\n"
         "  BUILD      as in `pyzap pythons` (default: all)\n"
         "  --route R  drop, collect or wipe (default: drop)\n"
         "  --help     this text");
}

int main(int argc, char **argv)
{
    const char *route = "drop";
    static const struct option known[] = {
        {"route", required_argument, NULL, 'r'}, {"help", no_argument, NULL, 'h'}, {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'h') {
            print_help();
            return ZAP_EXIT_OK;
        }
        if (option != 'r')
            return ZAP_EXIT_USAGE;
        route = optarg;
    }
    const struct zap_route_row *known_route = zap_route_find(route, strlen(route));
    if (known_route == NULL || known_route->code > ZAP_ROUTE_WIPE)
        fail(ZAP_EXIT_USAGE, "--route: expected drop, collect or wipe, found \"%s\"", route);
    struct zap_builds builds;
    char why[2048];
    struct zap_str text = zap_str_init(why, sizeof why);
    if (zap_builds_load(NULL, &builds, &text) != ZAP_OK)
        fail(ZAP_EXIT_FAILURE, "%s", why);
    /* build/libexec/pyzap: what is measured beside the builds' own targets is in build/bench */
    if (snprintf(bench_folder, sizeof bench_folder, "%s/../../bench", builds.folder) >=
        (int)sizeof bench_folder)
        fail(ZAP_EXIT_FAILURE, "%s: the path is too long", builds.folder);
    for (int i = optind; i < argc; i++)
        if (zap_builds_find(&builds, argv[i], &text) == NULL)
            fail(ZAP_EXIT_USAGE, "%s", why);
    if (mkdtemp(work) == NULL)
        fail(ZAP_EXIT_FAILURE, "%s: %s", work, strerror(errno));
    atexit(remove_work);
    pin();
    printf(
        "%u repetitions of %u runs; figures are medians, a second of processor time of one core; "
        "\"ratio\"\nis pyzap's time by the bare loop's, both under libFuzzer.\n\n",
        REPETITIONS, RUNS);
    printf("%-16s %-8s  %9s  %9s  %5s  %9s  %9s\n", "build", "route", "bare", "libfuzzer", "ratio",
           "afl", "campaign");
    fflush(stdout);
    for (size_t i = 0; i < builds.count; i++) {
        bool chosen = optind == argc;
        for (int k = optind; k < argc; k++)
            chosen |= zap_builds_find(&builds, argv[k], &text) == &builds.rows[i];
        if (chosen && builds.rows[i].is_usable)
            measure(&builds.rows[i], builds.folder, route);
    }
    zap_builds_release(&builds);
    return fflush(stdout) == 0 ? ZAP_EXIT_OK : ZAP_EXIT_FAILURE;
}
