/* `pyzap report`: what was run and found, as one HTML page. */
#include "cmd.h"

#include "base/check.h"
#include "host/files.h"
#include "host/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_findings[] = "pyzap-out";

struct arguments {
    const char *out, *findings;
    struct zap_option_list pythons, paths;
    uint64_t deadline_ms, memory_mib;
};

static void print_more(void)
{
    puts("\n"
         "A PLAN is what `pyzap replay` takes: a text plan, a wire plan, a folder of them, or -.\n"
         "Without one, the plans that came with pyzap are run: each shows one thing.\n"
         "\n"
         "The page needs no other file and no network. It holds\n"
         "  what was run, and on which builds\n"
         "  each invariant on each build: how often it held, was broken, or said nothing\n"
         "  where CPython departs from its documentation by design, and on which builds\n"
         "  each finding, with its plan, script, report and stack\n"
         "  a timeline of each teardown to step through, on one build or on two beside each\n"
         "  other: a lane for each object and each name, and where the two first differ\n"
         "\n"
         "The same plans, builds and findings give the same bytes. What is in the folder of\n"
         "findings and is none is told of on standard error and on the page, and left out.\n"
         "FILE is replaced when the page is whole, and not before.\n"
         "\n"
         "Exit status: 0 written, whatever it tells of; 2 usage or bad input; 70 it could not be\n"
         "written, or pyzap itself failed on a plan (the page says where).");
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    const struct zap_option rows[] = {
        {"o", "FILE", ZAP_OPTION_TEXT, &arguments->out, 0, 0, "the page; has to be given"},
        {"python", "BUILD", ZAP_OPTION_LIST, &arguments->pythons, 0, 0,
         "only this build (see `pyzap check --help`); may be given again"},
        {"findings", "DIR", ZAP_OPTION_TEXT, &arguments->findings, 0, 0,
         "the folder that `pyzap check --out DIR` has filed findings in (default:\n"
         "pyzap-out, where it is there)"},
        ZAP_OPTIONS_OF_WORKER(arguments),
    };
    const struct zap_options options = {
        .command = "report",
        .operands = "[PLAN]...",
        .operands_min = 0,
        .operands_max = SIZE_MAX,
        .text = "Write one HTML page to look through: the plans on every chosen build, and all\n"
                "findings that were filed.",
        .rows = rows,
        .rows_count = sizeof rows / sizeof rows[0],
        .print_more = print_more,
    };
    int status = zap_options_parse(&options, argc, argv, &arguments->paths);
    if (status < 0 && !arguments->out)
        return zap_cmd_fail("report", ZAP_EXIT_USAGE,
                            "-o FILE is missing: where is the page to go?");
    return status;
}

/* Told before anything is run, because a run takes its time. */
static int check_out(const char *out)
{
    struct stat about;
    const char *slash = strrchr(out, '/');
    char folder[PATH_MAX] = ".";
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash == out ? 1 : slash - out), out);
    if (stat(out, &about) == 0 && S_ISDIR(about.st_mode))
        return zap_cmd_fail("report", ZAP_EXIT_USAGE, "%s: it is a folder: give a file's name",
                            out);
    if (stat(folder, &about) == 0 && !S_ISDIR(about.st_mode))
        errno = ENOTDIR;
    else if (access(folder, W_OK | X_OK) == 0)
        return -1;
    return zap_cmd_fail("report", ZAP_EXIT_USAGE,
                        "%s: cannot write there: %s: give a file in a folder of yours", out,
                        strerror(errno));
}

/* The plans that are named, or those that stand beside the workers. */
static int read_plans(const struct arguments *arguments, const struct zap_builds *builds,
                      struct zap_inputs *ret_inputs)
{
    char beside[PATH_MAX];
    const char *items[] = {beside};
    struct zap_option_list seed = {items, 1};
    if (arguments->paths.count > 0)
        return zap_cmd_read_plans("report", &arguments->paths, ret_inputs);
    if (!zap_files_join(beside, builds->folder, "seed") || access(beside, R_OK) < 0)
        return zap_cmd_fail("report", ZAP_EXIT_USAGE,
                            "no plans beside the workers in %s: name a PLAN", builds->folder);
    return zap_cmd_read_plans("report", &seed, ret_inputs);
}

/* Nothing is fine, unless somebody has named it. */
static int read_findings(const struct arguments *arguments, struct zap_shelf *ret_shelf)
{
    const char *dir = arguments->findings ? arguments->findings : default_findings;
    if (zap_shelf_read(dir, ret_shelf) != ZAP_OK && (arguments->findings || errno != ENOENT))
        return zap_cmd_fail("report", ZAP_EXIT_USAGE,
                            "%s: %s: give the folder that `pyzap check --out` made", dir,
                            strerror(errno));
    for (size_t i = 0; i < ret_shelf->others_count; i++)
        zap_cmd_fail("report", ZAP_EXIT_OK, "%s/%s: left out: %s", dir, ret_shelf->others[i].name,
                     ret_shelf->others[i].why);
    return -1;
}

/* How often pyzap itself has failed, and where first; returns the exit status. */
static int tell_failures(const struct zap_survey *survey)
{
    size_t rows_count = survey->config.rows_count, i = 0;
    if (survey->failed_count == 0)
        return ZAP_EXIT_OK;
    while (survey->runs[i].verdict != ZAP_HARNESS)
        i++;
    return zap_cmd_fail("report", ZAP_EXIT_FAILURE,
                        "pyzap itself failed in %zu of %zu runs, first with %s on %s: %s",
                        survey->failed_count, survey->config.inputs->count * rows_count,
                        survey->config.inputs->items[i / rows_count].path,
                        survey->config.rows[i % rows_count]->name, survey->runs[i].reason);
}

static int write_page(const struct arguments *arguments, const struct zap_survey *survey,
                      const struct zap_shelf *shelf)
{
    size_t len;
    char *page = zap_page_write(survey, shelf, &len);
    bool is_written = zap_files_replace(arguments->out, page, len);
    int error = errno;
    free(page);
    if (!is_written)
        return zap_cmd_fail("report", ZAP_EXIT_FAILURE, "%s: %s", arguments->out, strerror(error));
    size_t plans = survey->config.inputs->count, builds = survey->config.rows_count;
    printf("%s: %zu plan%s on %zu build%s, %zu finding%s, %zu bytes\n", arguments->out, plans,
           plans == 1 ? "" : "s", builds, builds == 1 ? "" : "s", shelf->findings_count,
           shelf->findings_count == 1 ? "" : "s", len);
    return tell_failures(survey);
}

static int run(const struct arguments *arguments, const struct zap_inputs *inputs,
               const struct zap_builds_row *const *rows, size_t rows_count,
               const struct zap_shelf *shelf)
{
    const struct zap_survey_config config = {
        .inputs = inputs,
        .rows = rows,
        .rows_count = rows_count,
        .worker = {.deadline_ms = (uint32_t)arguments->deadline_ms,
                   .memory_kib = (uint32_t)(arguments->memory_mib * 1024)},
        .interrupted = &zap_cmd_interrupted,
    };
    struct zap_survey survey;
    zap_cmd_catch_interrupts();
    zap_survey_run(&config, &survey);
    int status;
    if (survey.was_interrupted)
        status = zap_cmd_fail("report", ZAP_EXIT_FAILURE, "interrupted: %s is as it was",
                              arguments->out);
    else
        status = write_page(arguments, &survey, shelf);
    zap_survey_release(&survey);
    return status;
}

int zap_cmd_report(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct zap_builds builds = {0};
    struct zap_inputs inputs = {0};
    struct zap_shelf shelf = {0};
    const struct zap_builds_row **rows = NULL;
    size_t rows_count = 0;
    int status = parse(argc, argv, &arguments);
    if (status < 0)
        status = check_out(arguments.out);
    if (status < 0)
        status = zap_cmd_load_builds("report", &builds);
    if (status < 0)
        status = read_plans(&arguments, &builds, &inputs);
    if (status < 0)
        status = zap_cmd_choose_builds("report", &builds, &arguments.pythons, &rows, &rows_count);
    if (status < 0)
        status = read_findings(&arguments, &shelf);
    if (status < 0)
        status = run(&arguments, &inputs, rows, rows_count, &shelf);
    zap_shelf_release(&shelf);
    free(rows);
    zap_inputs_release(&inputs);
    zap_builds_release(&builds);
    free(arguments.pythons.items);
    free(arguments.paths.items);
    return status;
}
