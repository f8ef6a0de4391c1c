/* `pyzap replay`: plans from files on every chosen build, for CI. */
#include "cmd.h"

#include "base/check.h"
#include "host/hearing.h"
#include "host/junit.h"
#include "host/record.h"
#include "host/replay_summary.h"
#include "host/tap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    struct zap_option_list pythons, paths;
    uint64_t deadline_ms, memory_mib, jobs;
    const char *junit, *reason, *reference;
    bool tap, json, trace, from_source, update, witness;
    uint64_t random, seed, size;
    uint32_t routes;
};

static void print_more(void)
{
    puts(
        "\n"
        "A PATH is a text plan, a wire plan (its name ends in .zap), a folder (all *.plan and\n"
        "*.zap files in it and below, by name), or - for a text plan on standard input. All are\n"
        "read before any is run: a file that is no plan is told of, and nothing is run.\n"
        "\n"
        "A text plan says in comments right after its first line what to expect of it:\n"
        "\n"
        "  # expect 2.7..3.7, 3.13..  HELD dies a _b\n"
        "  # expect 3.8..3.12         CRASHED SIGSEGV known "
        "Objects/moduleobject.c:module_getattro\n"
        "  #                          because the C stack overflows\n"
        "\n"
        "Versions are X.Y, X.Y.Z, A..B, A.. or ..B; t at the end means free-threaded builds, d\n"
        "debug builds. Then a verdict (BROKEN with its invariants, a death with the beginning of\n"
        "its signature), or several with `or`; what dies in which order, what lives, what scripts\n"
        "see; known with a link or FILE:FUNCTION for a finding; because and the reason.\n"
        "corpus/regress/README.md says it all. Of a plan, or a build, of which nothing is "
        "expected\n"
        "no finding is.\n"
        "\n"
        "Output: what is new, changed or known, then the counts. --tap prints TAP version 13, one\n"
        "test point for each plan and build; `not ok` for findings, changes and failures of pyzap\n"
        "itself, with a directive for known findings; `# SKIP` where a build lacks the plan's "
        "route\n"
        "or no invariant says anything about the run.\n"
        "\n"
        "Exit status: 0 nothing new or changed, 1 findings or changes, 2 usage or bad input, 70\n"
        "pyzap itself failed, or nothing at all was checked.");
    zap_options_print_verdicts();
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"python", "BUILD", ZAP_OPTION_LIST, &arguments->pythons, 0, 0,
         "only this build (see `pyzap check --help`); may be given again"},
        {"tap", NULL, ZAP_OPTION_FLAG, &arguments->tap, 0, 0, "print TAP"},
        {"junit", "FILE", ZAP_OPTION_TEXT, &arguments->junit, 0, 0,
         "write JUnit XML as well, whole or not at all"},
        {"json", NULL, ZAP_OPTION_FLAG, &arguments->json, 0, 0, "print one JSON object"},
        {"trace", NULL, ZAP_OPTION_FLAG, &arguments->trace, 0, 0, "with the traces"},
        {"update", NULL, ZAP_OPTION_FLAG, &arguments->update, 0, 0,
         "record what happens, on all builds and twice, as what is expected, in those\n"
         "plans where it is something else; nothing else in a file is changed"},
        {"reason", "TEXT", ZAP_OPTION_TEXT, &arguments->reason, 0, 0,
         "why it is to be recorded; --update needs one"},
        {"reference", "REF", ZAP_OPTION_TEXT, &arguments->reference, 0, 0,
         "where the findings to be recorded are known: https://... or FILE:FUNCTION"},
        {"jobs", "N", ZAP_OPTION_NUMBER, &arguments->jobs, 1, 1024,
         "plans at work at one time (default: one on each processor)"},
        {"from-source", NULL, ZAP_OPTION_FLAG, &arguments->from_source, 0, 0,
         "build the modules from Python source instead of in C"},
        {"witness", NULL, ZAP_OPTION_FLAG, &arguments->witness, 0, 0,
         "instead let each build's own interpreter run the plans' scripts with -vv, and\n"
         "hold what it tells against the worker's trace"},
        {"random", "N", ZAP_OPTION_NUMBER, &arguments->random, 1, UINT32_MAX,
         "with --witness: so many random plans as well, those of `pyzap gen`"},
        {"seed", "N", ZAP_OPTION_NUMBER, &arguments->seed, 0, INT64_MAX,
         "of the random plans (default: 1)"},
        ZAP_OPTIONS_OF_RANDOM_PLANS(arguments),
        ZAP_OPTIONS_OF_WORKER(arguments),
    };
    const struct zap_options options = {
        .command = "replay",
        .operands = "PATH...",
        .operands_min = 0,
        .operands_max = SIZE_MAX,
        .text = "Run plans from files and folders on every chosen build, judge what happens, and\n"
                "hold it against what the plans say is to be expected.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = print_more,
    };
    int status = zap_options_parse(&options, argc, argv, &arguments->paths);
    if (status >= 0)
        return status;
    if (arguments->paths.count == 0 && arguments->random == 0)
        return zap_cmd_fail("replay", ZAP_EXIT_USAGE,
                            "PATH... is missing; `pyzap replay --help` says more");
    if (!arguments->witness && (arguments->random || arguments->size || arguments->routes))
        return zap_cmd_fail("replay", ZAP_EXIT_USAGE,
                            "--random, --size and --route: only with --witness");
    if (arguments->witness && (arguments->tap || arguments->json || arguments->update ||
                               arguments->junit || arguments->from_source))
        return zap_cmd_fail(
            "replay", ZAP_EXIT_USAGE,
            "--witness: not with --tap, --json, --junit, --update or --from-source");
    if (arguments->tap + arguments->json + arguments->update > 1)
        return zap_cmd_fail("replay", ZAP_EXIT_USAGE,
                            "--tap, --json and --update: give one of them");
    if (arguments->update && (arguments->junit || arguments->trace || arguments->from_source))
        return zap_cmd_fail("replay", ZAP_EXIT_USAGE,
                            "--update: not with --junit, --trace or --from-source");
    if (arguments->update && !arguments->reason)
        return zap_cmd_fail("replay", ZAP_EXIT_USAGE,
                            "--update: give the reason for what is to be recorded, with --reason");
    if (!arguments->update && (arguments->reason || arguments->reference))
        return zap_cmd_fail("replay", ZAP_EXIT_USAGE,
                            "--reason and --reference: only with --update");
    return -1;
}

static void take_point(void *context, const struct zap_replay_point *point)
{
    zap_tap_point(point, context);
}

static struct zap_replay_config configure(const struct arguments *arguments,
                                          const struct zap_inputs *inputs,
                                          const struct zap_builds_row *const *rows,
                                          size_t rows_count)
{
    return (struct zap_replay_config){
        .inputs = inputs,
        .rows = rows,
        .rows_count = rows_count,
        .worker = {.deadline_ms = (uint32_t)arguments->deadline_ms,
                   .memory_kib = (uint32_t)(arguments->memory_mib * 1024)},
        .flags = arguments->from_source ? ZAP_RUN_FROM_SOURCE : 0,
        .jobs = (size_t)arguments->jobs,
        .keeps_traces = arguments->trace,
    };
}

/* What was found, in the forms that were asked for; returns the exit status. */
static int tell(const struct arguments *arguments, const struct zap_replay *replay,
                size_t rows_count)
{
    int status = zap_replay_exit_status(replay);
    if (arguments->json) {
        if (zap_replay_summary_json(replay, stdout) != ZAP_OK)
            status = ZAP_EXIT_FAILURE;
    } else if (!arguments->tap) {
        zap_replay_summary_print(replay, rows_count, stdout);
    }
    if (arguments->junit && zap_junit_write(replay, rows_count, arguments->junit) != ZAP_OK)
        status =
            zap_cmd_fail("replay", ZAP_EXIT_FAILURE, "%s: %s", arguments->junit, strerror(errno));
    if (status == ZAP_EXIT_FAILURE && replay->changes[ZAP_EXPECT_FAILED] == 0 &&
        replay->checks == 0 && replay->compared == 0)
        zap_cmd_fail("replay", ZAP_EXIT_FAILURE,
                     "nothing was checked: no invariant says anything about these plans on "
                     "these builds");
    return status;
}

static int run(const struct arguments *arguments, const struct zap_inputs *inputs,
               const struct zap_builds_row *const *rows, size_t rows_count)
{
    struct zap_replay_config config = configure(arguments, inputs, rows, rows_count);
    struct zap_replay replay;
    if (arguments->tap) {
        config.take = take_point;
        config.context = stdout;
        zap_tap_begin(inputs->count * rows_count, stdout);
    }
    zap_replay_run(&config, &replay);
    int status = tell(arguments, &replay, rows_count);
    zap_replay_release(&replay);
    return status;
}

/* --update. What was recorded, and why the rest was not, one line each; returns the exit status. */
static int update(const struct arguments *arguments, const struct zap_inputs *inputs,
                  const struct zap_builds *builds, const struct zap_builds_row *const *rows,
                  size_t rows_count)
{
    struct zap_record_config config = {
        .replay = configure(arguments, inputs, rows, rows_count),
        .builds = builds,
        .reason = arguments->reason,
        .reference = arguments->reference,
    };
    struct zap_record *records = zap_record_run(&config);
    int status = ZAP_EXIT_OK;
    size_t recorded = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        const struct zap_record *record = &records[i];
        if (record->status != ZAP_EXIT_OK)
            zap_cmd_fail("replay", record->status, "%s: %s", inputs->items[i].path, record->why);
        else if (record->is_written)
            printf("%s: recorded\n", inputs->items[i].path);
        recorded += record->is_written;
        status = record->status > status ? record->status : status;
    }
    printf("%zu of %zu plans recorded\n", recorded, inputs->count);
    free(records);
    return status;
}

/* ------------------------------------------------------------------ --witness */

/* The random plans, behind those from files. */
static void add_random(const struct arguments *arguments, struct zap_inputs *inputs)
{
    const struct zap_gen_config config = {
        .seed = arguments->seed, .size = (uint8_t)arguments->size, .routes = arguments->routes};
    size_t count = inputs->count + (size_t)arguments->random;
    struct zap_input *items = realloc(inputs->items, (count > 0 ? count : 1) * sizeof *items);
    ZAP_CHECK(items != NULL);
    inputs->items = items;
    for (uint64_t i = 0; i < arguments->random; i++) {
        char name[64];
        snprintf(name, sizeof name, "seed %" PRIu64 ", index %" PRIu64, arguments->seed, i);
        items[inputs->count] = (struct zap_input){.path = strdup(name)};
        ZAP_CHECK(items[inputs->count].path != NULL);
        zap_gen_plan(&config, i, &items[inputs->count++].plan);
    }
}

static void tell_witness(void *context, const struct zap_hearing_point *point)
{
    (void)context;
    if (point->has_failed)
        zap_cmd_fail("replay", 0, "%s on %s: %s", point->input->path, point->row->name, point->why);
    else if (point->witness.end == ZAP_WITNESS_DISAGREES)
        printf("%s on %s: the witness disagrees after %u lines\n%s", point->input->path,
               point->row->name, (unsigned)point->witness.lines, point->why);
}

static int hear(const struct arguments *arguments, const struct zap_inputs *inputs,
                const struct zap_builds_row *const *rows, size_t rows_count)
{
    struct zap_hearing_sum *sums = calloc(rows_count > 0 ? rows_count : 1, sizeof *sums);
    ZAP_CHECK(sums != NULL);
    const struct zap_hearing_config config = {
        .inputs = inputs,
        .rows = rows,
        .rows_count = rows_count,
        .worker = {.deadline_ms = (uint32_t)arguments->deadline_ms,
                   .memory_kib = (uint32_t)(arguments->memory_mib * 1024)},
        .take = tell_witness,
    };
    zap_hearing_run(&config, sums);
    for (size_t i = 0; i < rows_count; i++)
        zap_hearing_print(&sums[i], stdout);
    int status = zap_hearing_exit_status(sums, rows_count);
    zap_hearing_release(sums, rows_count);
    free(sums);
    return status;
}

int zap_cmd_replay(int argc, char **argv)
{
    struct arguments arguments = {.seed = 1};
    struct zap_builds builds = {0};
    struct zap_inputs inputs = {0};
    const struct zap_builds_row **rows = NULL;
    size_t rows_count = 0;
    int status = parse(argc, argv, &arguments);
    if (status < 0 && arguments.paths.count > 0)
        status = zap_cmd_read_plans("replay", &arguments.paths, &inputs);
    if (status < 0)
        add_random(&arguments, &inputs);
    if (status < 0)
        status = zap_cmd_load_builds("replay", &builds);
    if (status < 0)
        status = zap_cmd_choose_builds("replay", &builds, &arguments.pythons, &rows, &rows_count);
    if (status < 0 && arguments.witness)
        status = hear(&arguments, &inputs, rows, rows_count);
    else if (status < 0 && arguments.update)
        status = update(&arguments, &inputs, &builds, rows, rows_count);
    else if (status < 0)
        status = run(&arguments, &inputs, rows, rows_count);
    free(rows);
    zap_builds_release(&builds);
    zap_inputs_release(&inputs);
    free(arguments.pythons.items);
    free(arguments.paths.items);
    return status;
}
