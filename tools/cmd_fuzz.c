/* `pyzap fuzz`: coverage-guided, with libFuzzer or AFL++ around one build at a time. */
#include "cmd.h"

#include "base/check.h"
#include "host/campaign.h"
#include "host/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { YEAR_S = 366 * 24 * 3600 };

struct arguments {
    struct zap_option_list pythons, operands, flags;
    uint64_t jobs, time_ms, max_findings, deadline_ms, memory_mib;
    const char *engine_name, *target, *corpus, *out, *known;
    enum zap_engine engine;
};

static void print_more(void)
{
    puts(
        "\n"
        "What is after -- goes to the engine, behind the flags that pyzap gives it, so it wins:\n"
        "  pyzap fuzz --time 3600 -- -use_value_profile=1 -seed=7\n"
        "  pyzap fuzz --engine afl --jobs 4 -- -p explore\n"
        "\n"
        "An input is the wire form of a plan, and both engines change plans, not bytes. They see\n"
        "which way the run took through the states of namespaces, on every build, and the code of\n"
        "CPython where the build is instrumented (tools/build-cpython --help).\n"
        "\n"
        "The corpus is yours: everything in it of a plan's size is used, *.plan as text; nothing\n"
        "is ever changed or removed but what pyzap has added (HASH.zap), when the corpus is made\n"
        "smaller at the end. What another engine or build needs stays (DIR/.kept lists it).\n"
        "\n"
        "The engine works in OUT/fuzz/ENGINE-TARGET-BUILD; engine.log there is what it printed,\n"
        "and afl/ or corpus/ are what AFL++ or libFuzzer work with on several machines, as they\n"
        "document it: AFL++'s instances are named after the machine, so their folders can be put\n"
        "side by side; libFuzzers share a corpus.\n"
        "\n"
        "At the end what the engine took for findings is run alone, on the build's worker. Those\n"
        "that show the same thing there are one finding, which is filed as OUT/BUILD-SIGNATURE,\n"
        "made smaller and examined as `pyzap check` does it (see its --help), with the engine's\n"
        "bytes as artefact.zap. What was filed by an earlier run, of either, is told of again if\n"
        "it is met again. What does nothing alone is kept in\n"
        "OUT/fuzz/ENGINE-TARGET-BUILD/not-alone.\n"
        "\n"
        "Ctrl-C ends the engine; what it has found is still looked at, and a second one ends that\n"
        "too. Nothing is lost by that, or by any other end: the next run with the same --out goes\n"
        "on with what it finds there. The engine never outlives pyzap.\n"
        "\n"
        "Exit status: 0 nothing found, 1 findings, 2 usage, a folder that cannot be used, or a\n"
        "flag that the engine does not take, 70 pyzap itself failed.");
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"engine", "NAME", ZAP_OPTION_TEXT, &arguments->engine_name, 0, 0,
         "libfuzzer or afl (default: libfuzzer)"},
        {"python", "BUILD", ZAP_OPTION_LIST, &arguments->pythons, 0, 0,
         "this build (see `pyzap check --help`); may be given again: one after the\n"
         "other, each with all the time (default: the newest that can be fuzzed)"},
        {"target", "NAME", ZAP_OPTION_TEXT, &arguments->target, 0, 0,
         "what a plan is run by (default: teardown)"},
        {"jobs", "N", ZAP_OPTION_NUMBER, &arguments->jobs, 1, 1024,
         "so many side by side: libFuzzer's -fork=N; AFL++'s one main and N-1\n"
         "secondaries (default: 1)"},
        {"time", "SECONDS", ZAP_OPTION_SECONDS, &arguments->time_ms, 0, YEAR_S,
         "stop the engine after so long (default: at Ctrl-C)"},
        {"max-findings", "N", ZAP_OPTION_NUMBER, &arguments->max_findings, 1, 1000,
         "stop it when so many different findings have been met: invariants, each\n"
         "counted once; everything else that ends a target, once altogether"},
        {"corpus", "DIR", ZAP_OPTION_TEXT, &arguments->corpus, 0, 0,
         "plans to begin with and to add to; made, and given the seeds that it\n"
         "lacks (default: pyzap-corpus)"},
        {"out", "DIR", ZAP_OPTION_TEXT, &arguments->out, 0, 0,
         "where findings go, and the engine works (default: pyzap-out)"},
        {"known", "DIR", ZAP_OPTION_TEXT, &arguments->known, 0, 0,
         "plans whose headers say what is known to go wrong (see `pyzap check\n"
         "--help`; default: pyzap's own)"},
        {"deadline", "SECONDS", ZAP_OPTION_SECONDS, &arguments->deadline_ms, 0, 3600,
         "for one plan, after which it has TIMED_OUT (default: 10)"},
        {"memory", "MIB", ZAP_OPTION_NUMBER, &arguments->memory_mib, 64, 1024 * 1024,
         "resident size over which a plan is EXHAUSTED (default: 1024)"},
    };
    const struct zap_options options = {
        .command = "fuzz",
        .operands = "[-- FLAG...]",
        .text =
            "Let a fuzzing engine look for plans that take new ways through CPython, and for "
            "those\n"
            "that break something on the way; go on past findings, and say at the end what they "
            "are.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = print_more,
    };
    int own = argc;
    for (int i = 1; i < argc && own == argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            own = i;
    }
    int status = zap_options_parse(&options, own, argv, &arguments->operands);
    if (status >= 0)
        return status;
    arguments->flags.items = (const char **)argv + (own < argc ? own + 1 : argc);
    arguments->flags.count = (size_t)(own < argc ? argc - own - 1 : 0);
    if (!zap_engine_find(arguments->engine_name, &arguments->engine))
        return zap_cmd_fail("fuzz", ZAP_EXIT_USAGE,
                            "--engine: expected libfuzzer or afl, found \"%s\"",
                            arguments->engine_name);
    return -1;
}

/* ------------------------------------------------------------------ builds */

static bool has_target(const struct arguments *arguments, const char *folder,
                       const struct zap_builds_row *row)
{
    char path[PATH_MAX];
    return zap_campaign_target(folder, arguments->engine, arguments->target, row->name, path);
}

/* Builds are in the order of their names, and an ordinary one comes before its variants: so of the
 * newest version the first one that can be fuzzed. */
static const struct zap_builds_row *newest(const struct arguments *arguments,
                                           const struct zap_builds *builds, const char *folder)
{
    const struct zap_builds_row *found = NULL;
    for (size_t i = 0; i < builds->count; i++) {
        const struct zap_builds_row *row = &builds->rows[i];
        if (row->is_usable && has_target(arguments, folder, row) &&
            (!found || strverscmp(row->version, found->version) > 0))
            found = row;
    }
    return found;
}

static int fail_without_target(const struct arguments *arguments, const char *folder,
                               const char *build)
{
    return zap_cmd_fail("fuzz", ZAP_EXIT_USAGE,
                        "%s: there is no %s-%s-%s: run tools/setup --fuzz, which installs the "
                        "engines, and build pyzap again",
                        folder, zap_engine_name(arguments->engine), arguments->target, build);
}

/* ret_rows: owned by the caller. */
static int choose(const struct arguments *arguments, const struct zap_builds *builds,
                  const char *folder, const struct zap_builds_row ***ret_rows, size_t *ret_count)
{
    if (arguments->pythons.count > 0) {
        int status =
            zap_cmd_choose_builds("fuzz", builds, &arguments->pythons, ret_rows, ret_count);
        for (size_t i = 0; status < 0 && i < *ret_count; i++) {
            if (!has_target(arguments, folder, (*ret_rows)[i]))
                status = fail_without_target(arguments, folder, (*ret_rows)[i]->name);
        }
        return status;
    }
    const struct zap_builds_row *row = newest(arguments, builds, folder);
    if (!row)
        return fail_without_target(arguments, folder, "BUILD");
    *ret_rows = calloc(1, sizeof **ret_rows);
    ZAP_CHECK(*ret_rows != NULL);
    (*ret_rows)[0] = row;
    *ret_count = 1;
    return -1;
}

/* ------------------------------------------------------------------ while it runs */

static const char *state_word(enum zap_campaign_state state)
{
    switch (state) {
    case ZAP_CAMPAIGN_LOOKING_BACK:
        return "looking at what is there";
    case ZAP_CAMPAIGN_STARTING:
        return "starting";
    case ZAP_CAMPAIGN_FUZZING:
        return "";
    case ZAP_CAMPAIGN_STOPPING:
        return "stopping";
    case ZAP_CAMPAIGN_TRIAGING:
        return "triaging";
    case ZAP_CAMPAIGN_MINIMISING:
        return "minimising";
    }
    return "";
}

/* One line on a terminal, kept up to date. */
static void show(void *context, const struct zap_campaign *campaign)
{
    (void)context;
    const struct zap_engine_progress *progress = &campaign->progress;
    const struct zap_campaign_config *config = &campaign->config;
    char text[256], count[16], rate[16];
    struct winsize size = {0};
    struct zap_str line = zap_str_init(text, sizeof text);
    struct zap_str count_text = zap_str_init(count, sizeof count);
    struct zap_str rate_text = zap_str_init(rate, sizeof rate);
    double seconds = campaign->counted_at > 0 ? campaign->counted_at : 1;
    zap_summary_count(progress->executions, &count_text);
    zap_summary_count((uint64_t)((double)progress->executions / seconds), &rate_text);
    zap_str_printf(&line, "%s %s  %.0f s  %s executions  %s/s  %" PRIu64 " in corpus  ",
                   zap_engine_name(config->engine), config->row->name, campaign->seconds, count,
                   rate, progress->corpus);
    if (campaign->state == ZAP_CAMPAIGN_LOOKING_BACK || campaign->state == ZAP_CAMPAIGN_TRIAGING)
        zap_str_printf(
            &line, "%" PRIu64 " of %" PRIu64 " artefacts  %zu findings", campaign->triage.artefacts,
            campaign->triage.artefacts + campaign->triage.left, campaign->triage.kinds_count);
    else
        zap_str_printf(&line, "%" PRIu64 " artefacts", progress->artefacts);
    const char *word = state_word(campaign->state);
    double left = (double)config->time_ms / 1000 - campaign->seconds;
    if (word[0])
        zap_str_printf(&line, "  %s", word);
    else if (config->time_ms)
        zap_str_printf(&line, "  %.0f s left", left > 0 ? left : 0);
    ioctl(fileno(stderr), TIOCGWINSZ, &size);
    size_t width = size.ws_col ? size.ws_col : 80;
    if (line.len >= width)
        text[width - 1] = '\0';
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
}

static bool has_terminal(void)
{
    const char *terminal = getenv("TERM");
    return isatty(fileno(stderr)) && terminal && terminal[0] && strcmp(terminal, "dumb") != 0;
}

static void clear_line(void)
{
    if (has_terminal())
        fputs("\r\033[K", stderr);
}

/* ------------------------------------------------------------------ what is said */

static void print_start(const struct arguments *arguments, const struct zap_campaign *campaign)
{
    printf("%s on %s, target %s, ", zap_engine_name(arguments->engine), campaign->config.row->name,
           arguments->target);
    if (arguments->max_findings)
        printf("%" PRIu64 " finding%s or ", arguments->max_findings,
               arguments->max_findings == 1 ? "" : "s");
    if (arguments->time_ms)
        printf("%g s\n", (double)arguments->time_ms / 1000);
    else
        puts("until Ctrl-C");
    const struct zap_corpus *corpus = &campaign->corpus;
    if (corpus->left_alone == 1)
        printf("%s in %s is no plan, and is left alone\n", corpus->left_alone_example, corpus->dir);
    else if (corpus->left_alone > 1)
        printf("%s and %zu more in %s are no plans, and are left alone\n",
               corpus->left_alone_example, corpus->left_alone - 1, corpus->dir);
    fflush(stdout);
}

static void print_kind(const struct zap_triage_kind *kind)
{
    printf("  %s  %s  %s  (",
           kind->known     ? kind->known->row->known
           : kind->path[0] ? kind->path
                           : "(not filed)",
           zap_verdict_row(kind->verdict)->name, kind->reason);
    if (kind->artefacts > 0)
        printf("%" PRIu64 " artefact%s", kind->artefacts, kind->artefacts == 1 ? "" : "s");
    if (kind->plans > 0)
        printf("%s%" PRIu64 " plan%s of the corpus", kind->artefacts > 0 ? ", " : "", kind->plans,
               kind->plans == 1 ? "" : "s");
    printf("%s)\n", kind->is_flaky ? "; flaky: it did not happen again"
                    : kind->is_old ? "; filed by an earlier run"
                                   : "");
}

static void print_kinds(const struct zap_triage *triage, bool is_known, const char *title)
{
    bool is_first = true;
    for (size_t i = 0; i < triage->kinds_count; i++) {
        const struct zap_triage_kind *kind = &triage->kinds[i];
        if ((kind->known != NULL) != is_known)
            continue;
        if (is_first)
            puts(title);
        is_first = false;
        print_kind(kind);
    }
}

static void print_artefacts(const struct zap_campaign *campaign)
{
    const struct zap_triage *triage = &campaign->triage;
    printf("%" PRIu64 " artefact%s", triage->artefacts, triage->artefacts == 1 ? "" : "s");
    if (triage->left > 0)
        printf(", and %" PRIu64 " that the next run will look at", triage->left);
    putchar('\n');
    if (triage->aside > 0)
        printf("%" PRIu64 " of them %s nothing alone on the worker, and %s kept in %s\n",
               triage->aside, triage->aside == 1 ? "does" : "do", triage->aside == 1 ? "is" : "are",
               campaign->aside);
    if (triage->aside_says[0])
        printf("  in the fuzz target: %s\n", triage->aside_says);
}

static void print_run(const struct zap_campaign *campaign)
{
    const struct zap_engine_progress *progress = &campaign->progress;
    char rate[16];
    struct zap_str rate_text = zap_str_init(rate, sizeof rate);
    if (campaign->was_interrupted)
        puts("interrupted; so far:");
    zap_summary_count(
        campaign->seconds > 0 ? (uint64_t)((double)progress->executions / campaign->seconds) : 0,
        &rate_text);
    printf("%.1f s, %" PRIu64 " executions, %s/s", campaign->seconds, progress->executions, rate);
    puts(campaign->has_ended_itself   ? "; the engine ended by itself"
         : campaign->has_found_enough ? "; that many findings were asked for"
                                      : "");
    print_artefacts(campaign);
    print_kinds(&campaign->triage, false, "\nFindings");
    print_kinds(&campaign->triage, true, "\nKnown findings");
    if (campaign->triage.kinds_count > 0)
        putchar('\n');
    fflush(stdout);
}

static void print_corpus(const struct zap_campaign *campaign)
{
    printf("corpus %s: %zu plans before, %zu with what was found", campaign->corpus.dir,
           campaign->corpus_before, campaign->corpus_after);
    if (campaign->note[0])
        printf("; not made smaller: %s\n", campaign->note);
    else
        printf(", %zu now\n", campaign->corpus_now);
    fflush(stdout);
}

/* ------------------------------------------------------------------ */

static int fuzz(const struct arguments *arguments, const char *folder,
                const struct zap_builds *builds, const struct zap_knowns *knowns,
                const struct zap_builds_row *row)
{
    const struct zap_campaign_config config = {
        .row = row,
        .builds = builds,
        .knowns = knowns,
        .engine = arguments->engine,
        .target = arguments->target,
        .folder = folder,
        .out = arguments->out,
        .corpus = arguments->corpus,
        .jobs = arguments->jobs,
        .deadline_ms = arguments->deadline_ms,
        .memory_mib = arguments->memory_mib,
        .time_ms = arguments->time_ms,
        .max_findings = arguments->max_findings,
        .flags = arguments->flags.items,
        .flags_count = arguments->flags.count,
        .interrupted = &zap_cmd_interrupted,
        .tick = has_terminal() ? show : NULL,
    };
    struct zap_campaign *campaign = malloc(sizeof *campaign);
    ZAP_CHECK(campaign != NULL);
    char text[2 * PATH_MAX];
    struct zap_str why = zap_str_init(text, sizeof text);
    int status;
    if (zap_campaign_open(&config, campaign, &why) != ZAP_OK) {
        status = zap_cmd_fail("fuzz", ZAP_EXIT_USAGE, "%s", text);
    } else {
        print_start(arguments, campaign);
        zap_campaign_run(campaign);
        clear_line();
        print_run(campaign);
        zap_campaign_minimise(campaign);
        clear_line();
        print_corpus(campaign);
        status = zap_campaign_exit_status(campaign);
        if (campaign->failure_status != 0)
            zap_cmd_fail("fuzz", status, "%s", campaign->failure);
    }
    zap_campaign_release(campaign);
    free(campaign);
    return status;
}

/* A mistake or a failure outweighs findings, and a failure a mistake. */
static int worse(int a, int b)
{
    return a > b ? a : b;
}
_Static_assert(ZAP_EXIT_OK < ZAP_EXIT_FINDINGS && ZAP_EXIT_FINDINGS < ZAP_EXIT_USAGE &&
                   ZAP_EXIT_USAGE < ZAP_EXIT_FAILURE,
               "worse() compares them");

int zap_cmd_fuzz(int argc, char **argv)
{
    struct arguments arguments = {
        .jobs = 1,
        .deadline_ms = 10 * 1000,
        .memory_mib = 1024,
        .engine_name = "libfuzzer",
        .target = "teardown",
        .corpus = "pyzap-corpus",
        .out = "pyzap-out",
    };
    struct zap_builds builds = {0};
    struct zap_knowns knowns = {0};
    const struct zap_builds_row **rows = NULL;
    size_t count = 0;
    char folder[PATH_MAX + 8];
    int status = parse(argc, argv, &arguments);
    if (status < 0)
        status = zap_cmd_load_builds("fuzz", &builds);
    if (status < 0)
        status = zap_cmd_load_knowns("fuzz", arguments.known, &builds, &knowns);
    snprintf(folder, sizeof folder, "%s/fuzz", builds.folder);
    if (status < 0)
        status = choose(&arguments, &builds, folder, &rows, &count);
    if (status < 0) {
        zap_cmd_catch_interrupts();
        status = ZAP_EXIT_OK;
        for (size_t i = 0; i < count && !zap_cmd_interrupted; i++)
            status = worse(status, fuzz(&arguments, folder, &builds, &knowns, rows[i]));
    }
    zap_knowns_release(&knowns);
    free(rows);
    zap_builds_release(&builds);
    free(arguments.pythons.items);
    free(arguments.operands.items);
    return status;
}
