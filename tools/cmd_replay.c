/* `pyzap replay`: plans from files on every chosen build, for CI. */
#include "cmd.h"

#include "base/check.h"
#include "host/player.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 2 * 1024 * 1024 };

struct arguments {
    struct zap_option_list pythons, paths;
    uint64_t deadline_ms, memory_mib;
    bool json, trace, from_source;
};

/* What all plans on all builds came to. */
struct totals {
    uint64_t checks, points;
    bool any_finding, any_harness;
};

static void print_more(void)
{
    puts("\n"
         "A PATH is a text plan, a wire plan (its name ends in .zap), a folder (all *.plan and\n"
         "*.zap files in it and below, by name), or - for a text plan on standard input. All are\n"
         "read before any is run: a file that is no plan is told of, and nothing is run.\n"
         "\n"
         "Output: TAP version 13, one test point for each plan and build; `not ok` for findings\n"
         "and for failures of pyzap itself, `# SKIP` where a build lacks the plan's route or no\n"
         "invariant says anything about the run.\n"
         "\n"
         "Exit status: 0 nothing found, 1 findings, 2 usage or bad input, 70 pyzap itself failed,\n"
         "or nothing at all was checked.");
    zap_options_print_verdicts();
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"python", "BUILD", ZAP_OPTION_LIST, &arguments->pythons, 0, 0,
         "only this build (see `pyzap check --help`); may be given again"},
        {"json", NULL, ZAP_OPTION_FLAG, &arguments->json, 0, 0, "print one JSON object"},
        {"trace", NULL, ZAP_OPTION_FLAG, &arguments->trace, 0, 0, "with the traces"},
        {"from-source", NULL, ZAP_OPTION_FLAG, &arguments->from_source, 0, 0,
         "build the modules from Python source instead of in C"},
        {"deadline", "SECONDS", ZAP_OPTION_SECONDS, &arguments->deadline_ms, 0, 3600,
         "without any progress, after which a worker has TIMED_OUT (default: 10)"},
        {"memory", "MIB", ZAP_OPTION_NUMBER, &arguments->memory_mib, 64, 1024 * 1024,
         "resident size over which a worker is EXHAUSTED (default: 1024)"},
    };
    const struct zap_options options = {
        .command = "replay",
        .operands = "PATH...",
        .operands_min = 1,
        .operands_max = SIZE_MAX,
        .text = "Run plans from files and folders on every chosen build, and judge what happens.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = print_more,
    };
    return zap_options_parse(&options, argc, argv, &arguments->paths);
}

/* ------------------------------------------------------------------ TAP */

/* Text as a YAML block: every line indented, none lost. */
static void print_block(const char *key, const char *text)
{
    printf("  %s: |\n", key);
    while (*text) {
        size_t len = strcspn(text, "\n");
        printf("    %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static void print_comment(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        printf("# %.*s\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

/* A TAP description may hold no '#', which would begin a directive. */
static void print_description(const char *path, const char *build)
{
    for (; *path; path++)
        putchar(*path == '#' || *path == '\n' ? '_' : *path);
    printf(" on %s", build);
}

static void print_details(const struct zap_plan *plan, const struct zap_outcome *outcome,
                          char *page)
{
    printf("  ---\n  verdict: %s\n", zap_verdict_row(outcome->verdict)->name);
    if (outcome->signature[0])
        printf("  signal: %s\n", outcome->signature);
    if (outcome->reason[0])
        print_block("reason", outcome->reason);
    if (outcome->verdict == ZAP_BROKEN) {
        const char *comma = "";
        fputs("  invariants: [", stdout);
        for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
            if (outcome->judgement.verdicts[i] != ZAP_BROKEN)
                continue;
            printf("%s%s", comma, zap_invariant_row((enum zap_invariant_code)i)->id);
            comma = ", ";
        }
        puts("]");
        struct zap_str text = zap_str_init(page, PAGE_MAX);
        zap_judge_explain(plan, &outcome->trace, &outcome->judgement, &text);
        print_block("explanation", page);
    }
    if (outcome->tail[0])
        print_block("printed", outcome->tail);
    puts("  ...");
}

static void print_point(uint64_t number, const struct zap_input *input, const char *build,
                        const struct zap_outcome *outcome, bool with_trace)
{
    enum zap_verdict verdict = outcome->verdict;
    bool is_bad = zap_verdict_row(verdict)->is_finding || verdict == ZAP_HARNESS;
    char *page = malloc(PAGE_MAX);
    ZAP_CHECK(page != NULL);
    printf("%s %" PRIu64 " - ", is_bad ? "not ok" : "ok", number);
    print_description(input->path, build);
    if (verdict == ZAP_SKIPPED || verdict == ZAP_VOID)
        printf(" # SKIP %s", outcome->reason);
    putchar('\n');
    if (is_bad)
        print_details(&input->plan, outcome, page);
    if (with_trace) {
        struct zap_str text = zap_str_init(page, PAGE_MAX);
        zap_trace_print(&outcome->trace, &text);
        print_comment(page);
    }
    free(page);
}

/* ------------------------------------------------------------------ JSON */

static json_t *json_outcome(const struct zap_input *input, const char *build,
                            const struct zap_outcome *outcome, bool with_trace)
{
    json_t *object = json_object();
    json_object_set_new(object, "path", json_string(input->path));
    json_object_set_new(object, "build", json_string(build));
    json_object_set_new(object, "verdict", json_string(zap_verdict_row(outcome->verdict)->name));
    json_object_set_new(object, "checks", json_integer((json_int_t)outcome->checks));
    if (outcome->reason[0])
        json_object_set_new(object, "reason", json_string(outcome->reason));
    if (outcome->signature[0])
        json_object_set_new(object, "signal", json_string(outcome->signature));
    if (outcome->has_judgement) {
        json_t *invariants = json_object();
        for (int i = 0; i < ZAP_INVARIANT_COUNT; i++)
            json_object_set_new(
                invariants, zap_invariant_row((enum zap_invariant_code)i)->id,
                json_string(
                    zap_verdict_row((enum zap_verdict)outcome->judgement.verdicts[i])->name));
        json_object_set_new(object, "invariants", invariants);
    }
    char *page = malloc(PAGE_MAX);
    ZAP_CHECK(page != NULL);
    struct zap_str text = zap_str_init(page, PAGE_MAX);
    if (outcome->verdict == ZAP_BROKEN) {
        zap_judge_explain(&input->plan, &outcome->trace, &outcome->judgement, &text);
        json_object_set_new(object, "explanation", json_string(page));
    }
    if (with_trace) {
        text = zap_str_init(page, PAGE_MAX);
        zap_trace_print(&outcome->trace, &text);
        json_object_set_new(object, "trace", json_string(page));
    }
    free(page);
    return object;
}

/* ------------------------------------------------------------------ running */

static void count(struct totals *totals, const struct zap_outcome *outcome)
{
    totals->points++;
    totals->checks += outcome->checks;
    if (zap_verdict_row(outcome->verdict)->is_finding)
        totals->any_finding = true;
    if (outcome->verdict == ZAP_HARNESS)
        totals->any_harness = true;
}

static void play_all(const struct arguments *arguments, const struct zap_inputs *inputs,
                     struct zap_player *players, size_t players_count, json_t *results,
                     struct totals *totals)
{
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    ZAP_CHECK(outcome != NULL);
    for (size_t i = 0; i < inputs->count; i++) {
        for (size_t j = 0; j < players_count; j++) {
            const char *build = players[j].row->name;
            zap_player_play(&players[j], &inputs->items[i].plan, outcome);
            count(totals, outcome);
            if (results)
                json_array_append_new(
                    results, json_outcome(&inputs->items[i], build, outcome, arguments->trace));
            else
                print_point(totals->points, &inputs->items[i], build, outcome, arguments->trace);
            fflush(stdout);
        }
    }
    free(outcome);
}

static int exit_status(const struct totals *totals)
{
    if (totals->any_harness)
        return ZAP_EXIT_FAILURE;
    if (totals->any_finding)
        return ZAP_EXIT_FINDINGS;
    if (totals->checks == 0)
        return zap_cmd_fail("replay", ZAP_EXIT_FAILURE,
                            "nothing was checked: no invariant says anything about these plans on "
                            "these builds");
    return ZAP_EXIT_OK;
}

static int run(const struct arguments *arguments, const struct zap_inputs *inputs,
               const struct zap_builds_row *const *rows, size_t rows_count)
{
    struct zap_worker_config config = {.deadline_ms = (uint32_t)arguments->deadline_ms,
                                       .memory_kib = (uint32_t)(arguments->memory_mib * 1024)};
    struct zap_player *players = calloc(rows_count, sizeof *players);
    ZAP_CHECK(players != NULL);
    for (size_t i = 0; i < rows_count; i++)
        zap_player_init(&players[i], rows[i], &config,
                        arguments->from_source ? ZAP_RUN_FROM_SOURCE : 0);
    json_t *results = arguments->json ? json_array() : NULL;
    if (!results)
        printf("TAP version 13\n1..%zu\n", inputs->count * rows_count);
    struct totals totals = {0};
    play_all(arguments, inputs, players, rows_count, results, &totals);
    for (size_t i = 0; i < rows_count; i++)
        zap_player_release(&players[i]);
    free(players);
    int status = exit_status(&totals);
    if (results) {
        json_t *object =
            json_pack("{s:I, s:o}", "checks", (json_int_t)totals.checks, "results", results);
        if (json_dumpf(object, stdout, JSON_INDENT(2)) != 0)
            status = ZAP_EXIT_FAILURE;
        putchar('\n');
        json_decref(object);
    }
    return status;
}

int zap_cmd_replay(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct zap_builds builds = {0};
    struct zap_inputs inputs = {0};
    const struct zap_builds_row **rows = NULL;
    size_t rows_count = 0;
    int status = parse(argc, argv, &arguments);
    if (status < 0)
        status = zap_cmd_read_plans("replay", &arguments.paths, &inputs);
    if (status < 0)
        status = zap_cmd_load_builds("replay", &builds);
    if (status < 0)
        status = zap_cmd_choose_builds("replay", &builds, &arguments.pythons, &rows, &rows_count);
    if (status < 0)
        status = run(&arguments, &inputs, rows, rows_count);
    free(rows);
    zap_builds_release(&builds);
    zap_inputs_release(&inputs);
    free(arguments.pythons.items);
    free(arguments.paths.items);
    return status;
}
