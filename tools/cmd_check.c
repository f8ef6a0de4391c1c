/* `pyzap check`: random plans on every chosen build, side by side. */
#include "cmd.h"

#include "host/live.h"
#include "host/summary.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_TIME_MS = 60 * 1000, YEAR_S = 366 * 24 * 3600 };

struct arguments {
    struct zap_option_list pythons;
    uint64_t seed, plans, time_ms, size, jobs, deadline_ms, memory_mib;
    uint32_t routes;
    const char *out, *known;
    bool json, run_known;
};

static void print_more(void)
{
    puts(
        "\n"
        "A finding is a folder DIR/BUILD-SIGNATURE, told of on standard error when it is there:\n"
        "  min.plan    the smallest plan that does it    trace.txt  what happened\n"
        "  found.plan  the plan as it was found          repro.py   a stand-alone script\n"
        "  report.md   all of it in words, with the builds that are affected: to be sent\n"
        "What has the same signature on the same build (the invariant that is broken, or how the\n"
        "worker died) is one finding: all are counted, the first is filed.\n"
        "\n"
        "When all builds are done, each finding is examined, and its files are replaced. Its plan\n"
        "is made as small as can be while it does the same (as a rule within a second), run five\n"
        "times alone and once on every usable build, and repro.py is run by the bare interpreter.\n"
        "`pyzap shrink` makes any plan smaller. What never\n"
        "happens again is flaky, and goes to DIR/flaky. A folder that an earlier session has left\n"
        "there stays as it is while its plan does what it did.\n"
        "\n"
        "Ctrl-C ends the session and prints what was done so far; a second one ends at once.\n"
        "Findings that are not examined by then stay as found, and say so; nothing is lost by any\n"
        "other end either.\n"
        "\n"
        "In the table, checks are the single comparisons made: a build without any is a\n"
        "failure, not a pass. Numbers from 10,000 on are shortened there, never in --json.\n"
        "\n"
        "Exit status: 0 nothing found, 1 findings, 2 usage, 70 pyzap itself failed.");
    zap_options_print_verdicts();
    zap_options_print_routes();
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"python", "BUILD", ZAP_OPTION_LIST, &arguments->pythons, 0, 0,
         "only this build: its name, the start of its name, or the interpreter's\n"
         "path (`pyzap pythons` lists them); may be given again"},
        {"seed", "N", ZAP_OPTION_NUMBER, &arguments->seed, 0, INT64_MAX,
         "of the random plans; the same seed gives the same plans, on every build\n"
         "and every machine (default: 1, so that a run repeats the one before)"},
        {"plans", "N", ZAP_OPTION_NUMBER, &arguments->plans, 1, UINT64_MAX,
         "stop after so many plans on each build: numbers 0 to N-1"},
        {"time", "SECONDS", ZAP_OPTION_SECONDS, &arguments->time_ms, 0, YEAR_S,
         "stop after so long on each build (default: 60)"},
        {"route", "R", ZAP_OPTION_ROUTES, &arguments->routes, 0, 0,
         "only plans with this route; may be given again (default: all)"},
        {"size", "N", ZAP_OPTION_NUMBER, &arguments->size, ZAP_SIZE_MIN, ZAP_SIZE_MAX,
         "about how many objects a plan has (default: 8)"},
        {"jobs", "N", ZAP_OPTION_NUMBER, &arguments->jobs, 1, 1024,
         "so many builds side by side, each with all its time\n"
         "(default: all builds at once)"},
        {"out", "DIR", ZAP_OPTION_TEXT, &arguments->out, 0, 0,
         "where findings go; made when there is one (default: pyzap-out)"},
        ZAP_OPTIONS_OF_WORKER(arguments),
        {"known", "DIR", ZAP_OPTION_TEXT, &arguments->known, 0, 0,
         "plans whose headers say what is known to go wrong (`# expect ... known ...`):\n"
         "such findings are counted and named, but are no news (default: pyzap's own)"},
        {"run-known", NULL, ZAP_OPTION_FLAG, &arguments->run_known, 0, 0,
         "run plans that are known to crash a build there, too, instead of skipping\n"
         "them: what they do is a finding like any other"},
        {"json", NULL, ZAP_OPTION_FLAG, &arguments->json, 0, 0,
         "print one JSON object instead of the table"},
    };
    const struct zap_options options = {
        .command = "check",
        .operands = "",
        .text =
            "Generate random plans, run each on every CPython build, all builds side by side, and\n"
            "check what happened against the invariants. A crash, a hang or a memory blow-up of a\n"
            "worker is a finding too: the worker is started again and goes on with the next plan.\n"
            "Before each run canaries on every build prove that such deaths are seen.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = print_more,
    };
    struct zap_option_list operands;
    int status = zap_options_parse(&options, argc, argv, &operands);
    if (status >= 0)
        return status;
    free(operands.items);
    if (arguments->plans && arguments->time_ms)
        return zap_cmd_fail("check", ZAP_EXIT_USAGE, "--plans and --time: give one of them");
    return -1;
}

static void on_tick(void *context, const struct zap_session *session)
{
    zap_live_show(context, session);
}

/* One line, at once: who kills us now has been told of nothing that is not there. */
static void on_filed(void *context, const struct zap_run *run, const struct zap_filed *filed)
{
    zap_live_clear(context);
    if (filed->path[0])
        fprintf(stderr, "found %s  %s  %s\n", filed->path, zap_verdict_row(filed->verdict)->name,
                filed->reason);
    else
        fprintf(stderr, "found on %s, not filed  %s  %s\n", run->row->name,
                zap_verdict_row(filed->verdict)->name, filed->reason);
    fflush(stderr);
}

static int run(const struct arguments *arguments, const struct zap_builds *builds,
               const struct zap_knowns *knowns, const struct zap_builds_row *const *rows,
               size_t count)
{
    struct zap_live live;
    zap_live_init(&live, stderr);
    struct zap_session_config config = {
        .builds = rows,
        .builds_count = count,
        .gen = {.seed = arguments->seed,
                .size = (uint8_t)arguments->size,
                .routes = arguments->routes},
        .flags = arguments->run_known ? ZAP_RUN_KNOWN : 0,
        .plans = arguments->plans,
        .time_ms = arguments->plans ? 0 : arguments->time_ms,
        .jobs = arguments->jobs,
        .out = arguments->out,
        .worker = {.deadline_ms = (uint32_t)arguments->deadline_ms,
                   .memory_kib = (uint32_t)(arguments->memory_mib * 1024)},
        .interrupted = &zap_cmd_interrupted,
        .all = builds,
        .knowns = arguments->run_known ? NULL : knowns,
        .tick = live.out ? on_tick : NULL,
        .filed = on_filed,
        .context = &live,
    };
    if (!arguments->plans && !arguments->time_ms)
        config.time_ms = DEFAULT_TIME_MS;
    if (!arguments->json) {
        printf("seed %llu, ", (unsigned long long)arguments->seed);
        if (arguments->plans)
            printf("%llu plans", (unsigned long long)arguments->plans);
        else
            printf("%g s", (double)config.time_ms / 1000);
        printf(" on %zu build%s\n", count, count == 1 ? "" : "s");
        fflush(stdout);
    }
    zap_cmd_catch_interrupts();
    struct zap_session session;
    if (zap_session_run(&config, &session) != ZAP_OK)
        return zap_cmd_fail("check", ZAP_EXIT_FAILURE, "not enough memory");
    zap_live_clear(&live);
    int status = zap_session_exit_status(&session);
    if (arguments->json) {
        if (zap_summary_json(&session, stdout) != ZAP_OK)
            status = ZAP_EXIT_FAILURE;
    } else {
        if (session.was_interrupted)
            puts("interrupted; so far:");
        zap_summary_print(&session, stdout);
    }
    zap_session_release(&session);
    return status;
}

int zap_cmd_check(int argc, char **argv)
{
    struct arguments arguments = {.seed = 1, .out = "pyzap-out"};
    struct zap_builds builds = {0};
    struct zap_knowns knowns = {0};
    const struct zap_builds_row **rows = NULL;
    size_t count = 0;
    int status = parse(argc, argv, &arguments);
    if (status < 0)
        status = zap_cmd_load_builds("check", &builds);
    if (status < 0)
        status = zap_cmd_choose_builds("check", &builds, &arguments.pythons, &rows, &count);
    if (status < 0)
        status = zap_cmd_load_knowns("check", arguments.known, &builds, &knowns);
    if (status < 0)
        status = run(&arguments, &builds, &knowns, rows, count);
    zap_knowns_release(&knowns);
    free(rows);
    zap_builds_release(&builds);
    free(arguments.pythons.items);
    return status;
}
