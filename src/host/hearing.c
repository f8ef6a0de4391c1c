/* For each plan: the worker's trace, the script on the bare interpreter, the two side by side.
 *
 * The script is in memory, and has its name in /proc: beside it there is nothing that an import of
 * the script could find. The interpreter is told to leave out `site` (-S), which workers leave out
 * too.
 */
#include "host/hearing.h"

#include "base/check.h"
#include "host/bare.h"
#include "host/player.h"
#include "host/session.h"
#include "plan/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SCRIPT_MS = 30 * 1000, WHY_MAX = 8192 };

struct hearing {
    const struct zap_hearing_config *config;
    struct zap_player player;
    struct zap_outcome outcome;
    struct zap_bare bare;
    char source[ZAP_SOURCE_MAX];
    char why[WHY_MAX];
};

static bool fail(struct hearing *hearing, const char *what, const char *detail)
{
    snprintf(hearing->why, sizeof hearing->why, "%s%s%s", what, *detail ? ": " : "", detail);
    return false;
}

/* Let the plan's script run; false where pyzap has failed. */
static bool run_script(struct hearing *hearing, const struct zap_plan *plan, const char *python)
{
    struct zap_str source = zap_str_init(hearing->source, sizeof hearing->source);
    char path[64];
    zap_source_script(plan, &source);
    int file = memfd_create("plan.py", MFD_CLOEXEC);
    bool is_written = file >= 0 && write(file, source.data, source.len) == (ssize_t)source.len;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), file);
    const struct zap_bare_config bare = {
        .python = python,
        .script = path,
        .is_verbose = true,
        .deadline_ms = SCRIPT_MS,
        .interrupted = hearing->config->interrupted,
    };
    if (!is_written)
        fail(hearing, "the script cannot be kept in memory", strerror(errno));
    else
        zap_bare_run(&bare, &hearing->bare);
    if (file >= 0)
        close(file);
    return is_written;
}

/* What nobody can compare: "" where there is something to compare. */
static const char *unshown(const struct hearing *hearing)
{
    static char text[600];
    const struct zap_bare *bare = &hearing->bare;
    if (bare->is_cut)
        return "it prints more than is kept";
    if (bare->end == ZAP_BARE_ENDED && !WIFSIGNALED(bare->status))
        return "";
    snprintf(text, sizeof text, "the bare interpreter does not get to its end: %.500s",
             bare->end == ZAP_BARE_FAILED      ? bare->said
             : bare->end == ZAP_BARE_TIMED_OUT ? "it was still running when its time was up"
             : bare->end == ZAP_BARE_ENDED     ? strsignal(WTERMSIG(bare->status))
                                               : "it was ended");
    return text;
}

/* Does the worker have a trace of the plan from its beginning to its end? */
static bool has_trace(const struct zap_outcome *outcome)
{
    return outcome->has_judgement && outcome->trace.events_count > 0 &&
           zap_player_known(&outcome->judgement) == ZAP_FEATURE_COUNT;
}

/* False where pyzap has failed. */
static bool hear(struct hearing *hearing, const struct zap_plan *plan, const char *python,
                 struct zap_witness *ret_witness)
{
    struct zap_outcome *outcome = &hearing->outcome;
    *ret_witness = (struct zap_witness){.end = ZAP_WITNESS_NOT_SHOWN};
    hearing->why[0] = '\0';
    zap_player_play(&hearing->player, plan, outcome);
    if (outcome->verdict == ZAP_HARNESS)
        return fail(hearing, "the worker", outcome->reason);
    if (!has_trace(outcome)) {
        fail(hearing, "no trace", outcome->reason);
        return true;
    }
    const char *cannot = zap_witness_cannot_show(plan, &outcome->trace.build);
    if (cannot) {
        fail(hearing, cannot, "");
        return true;
    }
    if (!run_script(hearing, plan, python))
        return false;
    const char *why = unshown(hearing);
    if (*why) {
        fail(hearing, why, "");
        return true;
    }
    struct zap_str words = zap_str_init(hearing->why, sizeof hearing->why);
    zap_witness_compare(plan, &outcome->trace, hearing->bare.said, &words, ret_witness);
    return true;
}

static void count_reason(struct zap_hearing_sum *sum, const char *text)
{
    static const char rest[] = "other reasons";
    size_t i = 0;
    while (i < sum->reasons_count && strcmp(sum->reasons[i].text, text) != 0)
        i++;
    if (i == ZAP_HEARING_REASONS_MAX)
        i--; /* all that are left */
    if (i == sum->reasons_count) {
        bool is_last = i == ZAP_HEARING_REASONS_MAX - 1;
        sum->reasons[i].text = strdup(is_last ? rest : text);
        ZAP_CHECK(sum->reasons[i].text != NULL);
        sum->reasons_count++;
    }
    sum->reasons[i].count++;
}

static void count(struct zap_hearing_sum *sum, const struct zap_hearing_point *point)
{
    const struct zap_witness *witness = &point->witness;
    sum->plans++;
    if (point->has_failed) {
        sum->failed++;
        return;
    }
    sum->agree += witness->end == ZAP_WITNESS_AGREES;
    sum->disagree += witness->end == ZAP_WITNESS_DISAGREES;
    sum->not_shown += witness->end == ZAP_WITNESS_NOT_SHOWN;
    sum->lines += witness->lines;
    sum->narrated += witness->narrated;
    sum->ordered += witness->ordered;
    if (witness->end == ZAP_WITNESS_NOT_SHOWN)
        count_reason(sum, point->why);
}

void zap_hearing_run(const struct zap_hearing_config *config, struct zap_hearing_sum *ret_sums)
{
    struct hearing *hearing = malloc(sizeof *hearing);
    ZAP_CHECK(hearing != NULL);
    hearing->config = config;
    for (size_t r = 0; r < config->rows_count; r++) {
        const struct zap_builds_row *row = config->rows[r];
        ret_sums[r] = (struct zap_hearing_sum){.row = row};
        zap_player_init(&hearing->player, row, &config->worker, ZAP_RUN_FROM_SOURCE);
        for (size_t i = 0; i < config->inputs->count; i++) {
            if (config->interrupted && *config->interrupted)
                break;
            struct zap_hearing_point point = {
                .input = &config->inputs->items[i], .row = row, .why = hearing->why};
            point.has_failed = !hear(hearing, &point.input->plan, row->python, &point.witness);
            count(&ret_sums[r], &point);
            if (config->take)
                config->take(config->context, &point);
        }
        zap_player_release(&hearing->player);
    }
    free(hearing);
}

void zap_hearing_release(struct zap_hearing_sum *sums, size_t sums_count)
{
    for (size_t r = 0; r < sums_count; r++)
        for (size_t i = 0; i < sums[r].reasons_count; i++)
            free(sums[r].reasons[i].text);
}

int zap_hearing_exit_status(const struct zap_hearing_sum *sums, size_t sums_count)
{
    int status = ZAP_EXIT_OK;
    for (size_t r = 0; r < sums_count; r++) {
        if (sums[r].failed > 0 || sums[r].agree + sums[r].disagree == 0)
            return ZAP_EXIT_FAILURE;
        if (sums[r].disagree > 0)
            status = ZAP_EXIT_FINDINGS;
    }
    return status;
}

void zap_hearing_print(const struct zap_hearing_sum *sum, FILE *out)
{
    fprintf(
        out,
        "%s: %zu plans: the witness agrees on %zu, disagrees on %zu, %zu not shown, %zu failed;\n"
        "  %" PRIu64 " lines agree, %" PRIu64 " of them CPython's own; the order of %" PRIu64
        " more was checked\n",
        sum->row->name, sum->plans, sum->agree, sum->disagree, sum->not_shown, sum->failed,
        sum->lines, sum->narrated, sum->ordered);
    for (size_t i = 0; i < sum->reasons_count; i++)
        fprintf(out, "  %zu not shown: %s\n", sum->reasons[i].count, sum->reasons[i].text);
}
