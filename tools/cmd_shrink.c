/* `pyzap shrink`: the smallest plan that breaks on one build what a given plan breaks there. */
#include "cmd.h"

#include "base/check.h"
#include "host/shrinker.h"
#include "plan/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    struct zap_option_list pythons, paths;
    uint64_t deadline_ms, memory_mib;
    const char *out;
};

static void print_more(void)
{
    puts(
        "\n"
        "FILE is a text plan, a wire plan (its name ends in .zap), or - for a text plan on\n"
        "standard input. `pyzap check` does this by itself with what it files; the plan that it\n"
        "began with is found.plan there.\n"
        "\n"
        "Modules, objects, globals, links and actions are left out, many at once and then one by\n"
        "one, and what is left is made simpler, the route as well, as long as the same invariant\n"
        "is broken (the first one, where there are several) or the worker dies in the same way.\n"
        "It ends when nothing smaller does that: the same plan gives the same result. Bounds: 800\n"
        "tries, 400 deaths (24 where workers hang or take all memory); and a minute, for a "
        "machine\n"
        "that is busy. Ctrl-C ends it with the smallest plan so far.\n"
        "\n"
        "Exit status: 0 the smallest plan was printed; 2 usage, bad input, or a plan that breaks\n"
        "nothing on that build: then there is nothing to shrink, and nothing is printed;\n"
        "70 pyzap itself failed.");
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"python", "BUILD", ZAP_OPTION_LIST, &arguments->pythons, 0, 0,
         "the build that it breaks something on (see `pyzap check --help`); may be\n"
         "left out where there is only one"},
        {"out", "FILE", ZAP_OPTION_TEXT, &arguments->out, 0, 0,
         "write the plan there instead of printing it"},
        ZAP_OPTIONS_OF_WORKER(arguments),
    };
    const struct zap_options options = {
        .command = "shrink",
        .operands = "FILE",
        .operands_min = 1,
        .operands_max = 1,
        .text =
            "Make a plan that breaks something on a build as small as can be, by trying smaller\n"
            "ones there, and print it as text.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = print_more,
    };
    return zap_options_parse(&options, argc, argv, &arguments->paths);
}

static int write_plan(const char *path, const char *text)
{
    if (!path) {
        fputs(text, stdout);
        return ZAP_EXIT_OK;
    }
    FILE *file = fopen(path, "w");
    bool is_written = file && fputs(text, file) != EOF;
    if (file && fclose(file) != 0)
        is_written = false;
    if (!is_written)
        return zap_cmd_fail("shrink", ZAP_EXIT_FAILURE, "%s: %s", path, strerror(errno));
    return ZAP_EXIT_OK;
}

/* Print the result, and one line about it. */
static int tell(const struct arguments *arguments, const struct zap_input *input,
                const struct zap_builds_row *row, const struct zap_shrinker_goal *goal,
                const struct zap_shrunk *shrunk)
{
    char comment[1024], text[ZAP_TEXT_MAX + sizeof comment];
    struct zap_str head = zap_str_init(comment, sizeof comment);
    struct zap_str page = zap_str_init(text, sizeof text);
    unsigned before = input->plan.objects_count, after = shrunk->plan.objects_count;
    zap_str_printf(&head, "# %s on CPython %s: %s\n", zap_verdict_row(goal->verdict)->name,
                   row->name, goal->verdict == ZAP_BROKEN ? goal->signature : goal->reason);
    if (!zap_plan_equal(&input->plan, &shrunk->plan))
        zap_str_printf(&head, "# shrunk from %u object%s to %u\n", before, before == 1 ? "" : "s",
                       after);
    zap_input_print(&shrunk->plan, comment, &page);
    ZAP_CHECK(!page.cut);
    fprintf(stderr,
            "pyzap shrink: %s: %s %s on %s: %u object%s and %u action%s before, %u and %u now%s\n",
            input->path, zap_verdict_row(goal->verdict)->name, goal->signature, row->name, before,
            before == 1 ? "" : "s", input->plan.acts_count, input->plan.acts_count == 1 ? "" : "s",
            after, shrunk->plan.acts_count, shrunk->is_cut ? "; there may be smaller ones" : "");
    return write_plan(arguments->out, text);
}

static int shrink(const struct arguments *arguments, const struct zap_input *input,
                  const struct zap_builds_row *row, struct zap_outcome *outcome,
                  struct zap_shrunk *shrunk)
{
    const struct zap_shrinker_config config = {
        .row = row,
        .worker = {.deadline_ms = (uint32_t)arguments->deadline_ms,
                   .memory_kib = (uint32_t)(arguments->memory_mib * 1024)},
        .interrupted = &zap_cmd_interrupted,
    };
    struct zap_shrinker_goal goal;
    struct zap_player player;
    zap_player_init(&player, row, &config.worker, 0);
    zap_player_play(&player, &input->plan, outcome);
    zap_player_release(&player);
    if (outcome->verdict == ZAP_HARNESS)
        return zap_cmd_fail("shrink", ZAP_EXIT_FAILURE, "%s: %s", row->name, outcome->reason);
    if (!zap_shrinker_goal_of(outcome, &goal))
        return zap_cmd_fail("shrink", ZAP_EXIT_USAGE,
                            "%s: breaks nothing on %s (%s%s%s): there is nothing to shrink",
                            input->path, row->name, zap_verdict_row(outcome->verdict)->name,
                            outcome->reason[0] ? ": " : "", outcome->reason);

    zap_cmd_catch_interrupts();
    zap_shrinker_run(&config, &input->plan, &goal, shrunk);
    switch (shrunk->end) {
    case ZAP_SHRINKER_DONE:
        return tell(arguments, input, row, &goal, shrunk);
    case ZAP_SHRINKER_NOT_ALONE:
        return zap_cmd_fail("shrink", ZAP_EXIT_USAGE,
                            "%s: %s %s on %s, but not every time: it cannot be shrunk", input->path,
                            zap_verdict_row(goal.verdict)->name, goal.signature, row->name);
    case ZAP_SHRINKER_FAILED:
        return zap_cmd_fail("shrink", ZAP_EXIT_FAILURE, "%s: %s", row->name,
                            shrunk->outcome.reason);
    case ZAP_SHRINKER_INTERRUPTED:
        break;
    }
    return zap_cmd_fail("shrink", ZAP_EXIT_FAILURE, "interrupted before there was a smaller plan");
}

static int run(const struct arguments *arguments, const struct zap_input *input,
               const struct zap_builds_row *row)
{
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    struct zap_shrunk *shrunk = malloc(sizeof *shrunk);
    ZAP_CHECK(outcome != NULL && shrunk != NULL);
    int status = shrink(arguments, input, row, outcome, shrunk);
    free(shrunk);
    free(outcome);
    return status;
}

int zap_cmd_shrink(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct zap_inputs inputs = {0};
    struct zap_builds builds = {0};
    const struct zap_builds_row **rows = NULL;
    size_t count = 0;
    int status = parse(argc, argv, &arguments);
    if (status < 0)
        status = zap_cmd_load_builds("shrink", &builds);
    if (status < 0)
        status = zap_cmd_choose_builds("shrink", &builds, &arguments.pythons, &rows, &count);
    if (status < 0 && count != 1)
        status =
            zap_cmd_fail("shrink", ZAP_EXIT_USAGE,
                         "%zu builds: give one, with --python (`pyzap pythons` lists them)", count);
    if (status < 0)
        status = zap_cmd_read_plans("shrink", &arguments.paths, &inputs);
    if (status < 0 && inputs.count != 1)
        status = zap_cmd_fail("shrink", ZAP_EXIT_USAGE, "%s: %zu plans: give one file",
                              arguments.paths.items[0], inputs.count);
    if (status < 0)
        status = run(&arguments, &inputs.items[0], rows[0]);
    zap_inputs_release(&inputs);
    free(rows);
    zap_builds_release(&builds);
    free(arguments.pythons.items);
    free(arguments.paths.items);
    return status;
}
