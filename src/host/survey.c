/* Runs plans on builds and keeps what is said of each run.
 *
 * Traces take most of the room, and most builds do the same: equal ones are kept once. The line
 * about the build is left out of them, because it would make all of them differ.
 */
#include "host/survey.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 1024 * 1024 };

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    ZAP_CHECK(copy != NULL);
    return copy;
}

/* ------------------------------------------------------------------ traces */

/* Its number among the traces; it is added where it is new. */
static size_t keep_trace(struct zap_survey *survey, const struct zap_trace *trace, char *page)
{
    struct zap_str text = zap_str_init(page, ZAP_TRACE_TEXT_MAX);
    zap_trace_print(trace, &text);
    const char *events = strchr(page, '\n');
    events = events ? events + 1 : "";
    for (size_t i = 0; i < survey->traces_count; i++) {
        if (strcmp(survey->traces[i], events) == 0)
            return i;
    }
    size_t count = survey->traces_count;
    survey->traces = realloc(survey->traces, (count + 1) * sizeof *survey->traces);
    ZAP_CHECK(survey->traces != NULL);
    survey->traces[count] = copy_of(events);
    survey->traces_count = count + 1;
    return count;
}

/* ------------------------------------------------------------------ runs */

static char *explain(const struct zap_plan *plan, const struct zap_outcome *outcome, char *page)
{
    struct zap_str text = zap_str_init(page, PAGE_MAX);
    if (outcome->verdict == ZAP_BROKEN) {
        zap_judge_explain(plan, &outcome->trace, &outcome->judgement, &text);
    } else if (zap_verdict_row(outcome->verdict)->is_finding) {
        if (outcome->stack.count > 0)
            zap_stack_print(&outcome->stack, &text);
        zap_str_add(&text, outcome->tail);
    }
    return copy_of(page);
}

/* Where the plan's header says that what was found is known. */
static char *known_at(const struct zap_input *input, const struct zap_outcome *outcome)
{
    const struct zap_build *build = &outcome->trace.build;
    struct zap_expect_found found;
    zap_expect_take(&input->plan, &input->labels, outcome, &found);
    const struct zap_expect_row *row =
        zap_expect_find(&input->expect, build->version, zap_expect_kind(build));
    bool is_known = row && zap_expect_compare(row, &found) == ZAP_EXPECT_KNOWN;
    char *known = is_known ? copy_of(row->known) : NULL;
    zap_expect_release_found(&found);
    return known;
}

static void take(struct zap_survey *survey, size_t i, size_t j, const struct zap_outcome *outcome,
                 char *page)
{
    const struct zap_input *input = &survey->config.inputs->items[i];
    struct zap_survey_run *run = &survey->runs[i * survey->config.rows_count + j];
    run->verdict = outcome->verdict;
    run->reason = copy_of(outcome->reason);
    run->explanation = explain(&input->plan, outcome, page);
    run->known = known_at(input, outcome);
    run->has_judgement = outcome->has_judgement;
    run->trace = keep_trace(survey, &outcome->trace, page);
    if (outcome->trace.build.version != 0)
        survey->builds[j] = outcome->trace.build;
    survey->failed_count += outcome->verdict == ZAP_HARNESS;
    if (!outcome->has_judgement)
        return;
    memcpy(run->verdicts, outcome->judgement.verdicts, sizeof run->verdicts);
    memcpy(run->shows, outcome->judgement.shows, sizeof run->shows);
    for (int k = 0; k < ZAP_INVARIANT_COUNT; k++)
        survey->checks[j][k] += outcome->judgement.checks[k];
}

static bool is_interrupted(const struct zap_survey_config *config)
{
    return config->interrupted && *config->interrupted;
}

static void run_build(struct zap_survey *survey, size_t j, struct zap_outcome *outcome, char *page)
{
    const struct zap_survey_config *config = &survey->config;
    struct zap_player player;
    zap_player_init(&player, config->rows[j], &config->worker, 0);
    player.interrupted = config->interrupted;
    for (size_t i = 0; i < config->inputs->count && !is_interrupted(config); i++) {
        zap_player_play(&player, &config->inputs->items[i].plan, outcome);
        take(survey, i, j, outcome, page);
    }
    zap_player_release(&player);
}

void zap_survey_run(const struct zap_survey_config *config, struct zap_survey *ret_survey)
{
    size_t rows_count = config->rows_count, runs_count = config->inputs->count * rows_count;
    struct zap_survey survey = {
        .config = *config,
        .runs = calloc(runs_count + 1, sizeof *survey.runs),
        .builds = calloc(rows_count + 1, sizeof *survey.builds),
        .checks = calloc(rows_count + 1, sizeof *survey.checks),
    };
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    char *page = malloc(ZAP_TRACE_TEXT_MAX);
    ZAP_CHECK(survey.runs != NULL && survey.builds != NULL && survey.checks != NULL);
    ZAP_CHECK(outcome != NULL && page != NULL);
    for (size_t j = 0; j < rows_count; j++)
        run_build(&survey, j, outcome, page);
    free(page);
    free(outcome);
    survey.was_interrupted = is_interrupted(config);
    *ret_survey = survey;
}

void zap_survey_release(struct zap_survey *survey)
{
    size_t runs_count = survey->runs ? survey->config.inputs->count * survey->config.rows_count : 0;
    for (size_t i = 0; i < runs_count; i++) {
        free(survey->runs[i].reason);
        free(survey->runs[i].explanation);
        free(survey->runs[i].known);
    }
    for (size_t i = 0; i < survey->traces_count; i++)
        free(survey->traces[i]);
    free(survey->traces);
    free(survey->runs);
    free(survey->builds);
    free(survey->checks);
    *survey = (struct zap_survey){0};
}
