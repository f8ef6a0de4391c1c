/* `pyzap show`: a plan in words, as text or as bytes; and with --python, what happens when it runs.
 */
#include "cmd.h"

#include "base/check.h"
#include "host/player.h"
#include "oracle/explain.h"
#include "plan/text.h"
#include "plan/wire.h"

#include <stdlib.h>

enum { PAGE_MAX = 2 * 1024 * 1024 };

struct arguments {
    struct zap_option_list pythons, paths;
    bool text, wire, from_source;
};

static void print_more(void)
{
    puts("\n"
         "FILE is a text plan, a wire plan (its name ends in .zap), or - for a text plan on\n"
         "standard input.\n"
         "\n"
         "Exit status: 0 shown; with --python as `pyzap replay`.");
    zap_options_print_routes();
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"python", "BUILD", ZAP_OPTION_LIST, &arguments->pythons, 0, 0,
         "run it on this build too, and show the trace and the judgement; may be\n"
         "given again"},
        {"from-source", NULL, ZAP_OPTION_FLAG, &arguments->from_source, 0, 0,
         "with --python: build the modules from Python source instead of in C"},
        {"text", NULL, ZAP_OPTION_FLAG, &arguments->text, 0, 0,
         "print the plan as canonical text instead"},
        {"wire", NULL, ZAP_OPTION_FLAG, &arguments->wire, 0, 0,
         "print the plan as canonical bytes instead"},
    };
    const struct zap_options options = {
        .command = "show",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .text =
            "Explain a plan in words: its modules, what they hold, what each __del__ does, and\n"
            "what to expect when the modules go.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = print_more,
    };
    int status = zap_options_parse(&options, argc, argv, &arguments->paths);
    if (status < 0 && arguments->text + arguments->wire + (arguments->pythons.count > 0) > 1)
        return zap_cmd_fail("show", ZAP_EXIT_USAGE,
                            "--text, --wire and --python: give one of them");
    return status;
}

static void print_judgement(const struct zap_plan *plan, const struct zap_outcome *outcome,
                            char *page)
{
    puts("\nJudgement");
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        const struct zap_invariant_row *row = zap_invariant_row((enum zap_invariant_code)i);
        enum zap_verdict verdict = (enum zap_verdict)outcome->judgement.verdicts[i];
        printf("  %-8s %-5s %s", zap_verdict_row(verdict)->name, row->id, row->name);
        if (outcome->judgement.checks[i] > 0)
            printf(" (%u checks)", (unsigned)outcome->judgement.checks[i]);
        putchar('\n');
    }
    for (int i = 0; i < ZAP_FEATURE_COUNT; i++) {
        const struct zap_feature_row *row = zap_feature_row((enum zap_feature_code)i);
        if (row->departs && outcome->judgement.shows[i] > 0)
            printf("  departs from the documentation: %s\n    %s\n", row->text, row->reference);
    }
    if (outcome->verdict == ZAP_BROKEN) {
        struct zap_str text = zap_str_init(page, PAGE_MAX);
        zap_judge_explain(plan, &outcome->trace, &outcome->judgement, &text);
        printf("\n%s", page);
    }
}

/* Run the plan on one build; returns the exit status for it. */
static int show_run(const struct arguments *arguments, const struct zap_builds_row *row,
                    const struct zap_plan *plan, char *page)
{
    struct zap_worker_config config = {0};
    struct zap_player player;
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    ZAP_CHECK(outcome != NULL);
    zap_player_init(&player, row, &config, arguments->from_source ? ZAP_RUN_FROM_SOURCE : 0);
    zap_player_play(&player, plan, outcome);
    zap_player_release(&player);

    printf("\nOn %s: %s", row->name, zap_verdict_row(outcome->verdict)->name);
    printf(outcome->reason[0] ? ": %s\n" : "%s\n", outcome->reason);
    printf("\nTrace\n");
    struct zap_str text = zap_str_init(page, PAGE_MAX);
    zap_trace_print(&outcome->trace, &text);
    fputs(page, stdout);
    if (outcome->has_judgement)
        print_judgement(plan, outcome, page);
    if (outcome->tail[0])
        printf("\nThe end of what the worker printed\n%s\n", outcome->tail);
    enum zap_verdict verdict = outcome->verdict;
    free(outcome);
    if (verdict == ZAP_HARNESS)
        return ZAP_EXIT_FAILURE;
    return zap_verdict_row(verdict)->is_finding ? ZAP_EXIT_FINDINGS : ZAP_EXIT_OK;
}

static int show_runs(const struct arguments *arguments, const struct zap_plan *plan, char *page)
{
    struct zap_builds builds = {0};
    const struct zap_builds_row **rows = NULL;
    size_t count = 0;
    int status = zap_cmd_load_builds("show", &builds);
    if (status < 0)
        status = zap_cmd_choose_builds("show", &builds, &arguments->pythons, &rows, &count);
    if (status < 0) {
        struct zap_str text = zap_str_init(page, PAGE_MAX);
        zap_explain_plan(plan, &text);
        fputs(page, stdout);
        status = ZAP_EXIT_OK;
        for (size_t i = 0; i < count; i++) {
            int one = show_run(arguments, rows[i], plan, page);
            status = one > status ? one : status;
        }
    }
    free(rows);
    zap_builds_release(&builds);
    return status;
}

static int show(const struct arguments *arguments, const struct zap_plan *plan)
{
    if (arguments->wire) {
        uint8_t bytes[ZAP_WIRE_MAX];
        fwrite(bytes, 1, zap_wire_encode(plan, bytes), stdout);
        return ZAP_EXIT_OK;
    }
    char *page = malloc(PAGE_MAX);
    ZAP_CHECK(page != NULL);
    int status = ZAP_EXIT_OK;
    if (arguments->pythons.count > 0) {
        status = show_runs(arguments, plan, page);
    } else {
        struct zap_str text = zap_str_init(page, PAGE_MAX);
        if (arguments->text)
            zap_text_print(plan, &text);
        else
            zap_explain_plan(plan, &text);
        fputs(page, stdout);
    }
    free(page);
    return status;
}

int zap_cmd_show(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct zap_inputs inputs = {0};
    int status = parse(argc, argv, &arguments);
    if (status < 0)
        status = zap_cmd_read_plans("show", &arguments.paths, &inputs);
    if (status < 0 && inputs.count != 1)
        status = zap_cmd_fail("show", ZAP_EXIT_USAGE, "%s: %zu plans: give one file",
                              arguments.paths.items[0], inputs.count);
    if (status < 0)
        status = show(&arguments, &inputs.items[0].plan);
    zap_inputs_release(&inputs);
    free(arguments.pythons.items);
    free(arguments.paths.items);
    return status;
}
