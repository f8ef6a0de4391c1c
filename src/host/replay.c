/* Runs every plan on every build, side by side, and compares.
 *
 * There is one player for each build, with the plans in order; at most `jobs` of them have a plan
 * at work, and the one that is furthest behind is the next to get one, so that all builds of a plan
 * are done at about the same time. One loop looks after all; nothing here is a thread. What is
 * known of a point is made text when it comes in, because an outcome is a hundred times larger.
 * Points are handed out in one order, whatever comes in first.
 */
#include "host/replay.h"

#include "base/check.h"
#include "host/clock.h"
#include "host/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 50, PAGE_MAX = 2 * 1024 * 1024 };

/* One build's part. */
struct lane {
    struct zap_player player;
    size_t next; /* plan */
    bool is_busy;
    int64_t began_at_ms;
};

struct work {
    const struct zap_replay_config *config;
    struct zap_replay *replay;
    struct lane *lanes;
    size_t jobs, busy, handed_out;
    struct zap_outcome *outcome;
    struct pollfd *fds;
    char *page;
};

/* ------------------------------------------------------------------ points */

static char *keep(const char *text)
{
    if (!text[0])
        return NULL;
    char *kept = strdup(text);
    ZAP_CHECK(kept != NULL);
    return kept;
}

static void take_texts(struct work *work, struct zap_replay_point *point)
{
    const struct zap_outcome *outcome = work->outcome;
    point->reason = keep(outcome->reason);
    point->tail = keep(outcome->tail);
    struct zap_str text = zap_str_init(work->page, PAGE_MAX);
    zap_stack_print(&outcome->stack, &text);
    point->stack = keep(work->page);
    if (outcome->verdict == ZAP_BROKEN) {
        text = zap_str_init(work->page, PAGE_MAX);
        zap_judge_explain(&point->input->plan, &outcome->trace, &outcome->judgement, &text);
        point->explanation = keep(work->page);
    }
    if (work->config->keeps_traces) {
        text = zap_str_init(work->page, PAGE_MAX);
        zap_trace_print(&outcome->trace, &text);
        point->trace = keep(work->page);
    }
}

static void count(struct zap_replay *replay, const struct zap_replay_point *point)
{
    replay->checks += point->checks;
    replay->changes[point->change]++;
    replay->compared += point->expects && point->change != ZAP_EXPECT_UNRUN &&
                        point->change != ZAP_EXPECT_FAILED && point->found.verdict != ZAP_SKIPPED &&
                        point->found.verdict != ZAP_VOID;
}

static void finish(struct work *work, struct lane *lane)
{
    const struct zap_outcome *outcome = work->outcome;
    size_t lane_number = (size_t)(lane - work->lanes);
    struct zap_replay_point *point =
        &work->replay->points[lane->next * work->config->rows_count + lane_number];
    const struct zap_build *build = &outcome->trace.build;
    lane->next++;
    lane->is_busy = false;
    work->busy--;
    point->is_done = true;
    point->version = build->version;
    point->kind = zap_expect_kind(build);
    point->ms = (uint64_t)(zap_clock_ms() - lane->began_at_ms);
    point->checks = outcome->checks;
    point->has_judgement = outcome->has_judgement;
    memcpy(point->verdicts, outcome->judgement.verdicts, sizeof point->verdicts);
    zap_expect_take(&point->input->plan, &point->input->labels, outcome, &point->found);
    point->expects = zap_expect_find(&point->input->expect, point->version, point->kind);
    point->change = zap_expect_compare(point->expects, &point->found);
    take_texts(work, point);
    count(work->replay, point);
}

static void hand_out(struct work *work)
{
    while (work->handed_out < work->replay->count &&
           work->replay->points[work->handed_out].is_done) {
        if (work->config->take)
            work->config->take(work->config->context, &work->replay->points[work->handed_out]);
        work->handed_out++;
    }
}

/* ------------------------------------------------------------------ running */

/* The lane that is furthest behind of those that could do something, or NULL. */
static struct lane *choose(const struct work *work)
{
    struct lane *chosen = NULL;
    for (size_t i = 0; i < work->config->rows_count; i++) {
        struct lane *lane = &work->lanes[i];
        if (!lane->is_busy && lane->next < work->config->inputs->count &&
            (!chosen || lane->next < chosen->next))
            chosen = lane;
    }
    return chosen;
}

static void begin_some(struct work *work)
{
    while (work->busy < work->jobs) {
        struct lane *lane = choose(work);
        if (!lane)
            return;
        const struct zap_input *input = &work->config->inputs->items[lane->next];
        lane->is_busy = true;
        lane->began_at_ms = zap_clock_ms();
        lane->player.flags =
            work->config->flags | (input->expect.rows_count > 0 ? (uint32_t)ZAP_RUN_KNOWN : 0);
        work->busy++;
        zap_player_begin(&lane->player, &input->plan);
    }
}

/* Look at all that are busy; returns whether anything was finished. */
static bool look(struct work *work)
{
    bool is_any_done = false;
    for (size_t i = 0; i < work->config->rows_count; i++) {
        struct lane *lane = &work->lanes[i];
        if (lane->is_busy && zap_player_look(&lane->player, work->outcome)) {
            finish(work, lane);
            is_any_done = true;
        }
    }
    return is_any_done;
}

static void wait_for_some(struct work *work)
{
    nfds_t count = 0;
    for (size_t i = 0; i < work->config->rows_count; i++) {
        if (work->lanes[i].is_busy)
            work->fds[count++] =
                (struct pollfd){.fd = work->lanes[i].player.worker.reports, .events = POLLIN};
    }
    poll(work->fds, count, LOOK_MS);
}

static size_t processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (size_t)count : 1;
}

static void *make(size_t count, size_t size)
{
    void *made = calloc(count > 0 ? count : 1, size);
    ZAP_CHECK(made != NULL);
    return made;
}

static void prepare(struct work *work)
{
    const struct zap_replay_config *config = work->config;
    struct zap_replay *replay = work->replay;
    memset(replay, 0, sizeof *replay);
    replay->count = config->inputs->count * config->rows_count;
    replay->points = make(replay->count, sizeof *replay->points);
    for (size_t i = 0; i < replay->count; i++) {
        replay->points[i].number = i + 1;
        replay->points[i].input = &config->inputs->items[i / config->rows_count];
        replay->points[i].row = config->rows[i % config->rows_count];
    }
    work->jobs = config->jobs > 0 ? config->jobs : processors();
    work->lanes = make(config->rows_count, sizeof *work->lanes);
    work->fds = make(config->rows_count, sizeof *work->fds);
    work->outcome = make(1, sizeof *work->outcome);
    work->page = make(1, PAGE_MAX);
    for (size_t i = 0; i < config->rows_count; i++)
        zap_player_init(&work->lanes[i].player, config->rows[i], &config->worker, 0);
}

void zap_replay_run(const struct zap_replay_config *config, struct zap_replay *ret_replay)
{
    struct work work = {.config = config, .replay = ret_replay};
    int64_t began_at_ms = zap_clock_ms();
    prepare(&work);
    for (begin_some(&work); work.busy > 0; begin_some(&work)) {
        if (!look(&work))
            wait_for_some(&work);
        hand_out(&work);
    }
    for (size_t i = 0; i < config->rows_count; i++)
        zap_player_release(&work.lanes[i].player);
    free(work.lanes);
    free(work.fds);
    free(work.outcome);
    free(work.page);
    ret_replay->seconds = (double)(zap_clock_ms() - began_at_ms) / 1000;
}

void zap_replay_release(struct zap_replay *replay)
{
    for (size_t i = 0; i < replay->count; i++) {
        struct zap_replay_point *point = &replay->points[i];
        zap_expect_release_found(&point->found);
        free(point->reason);
        free(point->explanation);
        free(point->stack);
        free(point->tail);
        free(point->trace);
    }
    free(replay->points);
    memset(replay, 0, sizeof *replay);
}

/* ------------------------------------------------------------------ telling */

int zap_replay_exit_status(const struct zap_replay *replay)
{
    const size_t *changes = replay->changes;
    if (changes[ZAP_EXPECT_FAILED] > 0)
        return ZAP_EXIT_FAILURE;
    if (changes[ZAP_EXPECT_NEW] > 0 || changes[ZAP_EXPECT_CHANGED] > 0 ||
        changes[ZAP_EXPECT_GONE] > 0)
        return ZAP_EXIT_FINDINGS;
    return replay->checks > 0 || replay->compared > 0 ? ZAP_EXIT_OK : ZAP_EXIT_FAILURE;
}

void zap_replay_print_change(const struct zap_replay_point *point, struct zap_str *out)
{
    switch (point->change) {
    case ZAP_EXPECT_CHANGED:
    case ZAP_EXPECT_GONE:
        zap_str_add(out, point->change == ZAP_EXPECT_GONE
                             ? "known, but no longer happens: record it with --update --reason; "
                             : "");
        zap_str_printf(out, "line %u: expected ", point->expects->line);
        zap_expect_print(point->expects, out);
        zap_str_add(out, ", found ");
        break;
    case ZAP_EXPECT_NEW:
        zap_str_add(out, "found ");
        break;
    case ZAP_EXPECT_SAME:
    case ZAP_EXPECT_KNOWN:
    case ZAP_EXPECT_UNRUN:
    case ZAP_EXPECT_NONE:
    case ZAP_EXPECT_FAILED:
        break;
    }
    zap_expect_print_found(&point->found, out);
    if (point->reason)
        zap_str_printf(out, " (%s)", point->reason);
}
