/* Runs a finding again: alone, elsewhere, and without us.
 *
 * Every run has a worker of its own, so that nothing but the plan can be the reason for what
 * happens. What hangs is given one second, because there are many runs and each costs its deadline;
 * what eats memory keeps its own limits, which are what it is found by.
 *
 * repro.py is believed only after the bare interpreter has run it: where a worker died, the
 * interpreter has to die the same way; where an invariant was broken, what the script printed is
 * judged as a trace (oracle/script.h) and has to break the same one. Where it does not, the
 * worker's trace says why: without what Python code cannot see, is it still broken?
 */
#include "host/examine.h"

#include "base/check.h"
#include "host/bare.h"
#include "oracle/script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* For a script that comes to an end, its interpreter's start on a busy machine included. */
enum { SCRIPT_MS = 10 * 1000 };

static bool is_interrupted(const struct zap_examine_config *config)
{
    return config->interrupted && *config->interrupted;
}

static void tick(const struct zap_examine_config *config)
{
    if (config->tick)
        config->tick(config->context);
}

/* One run in a worker that has run nothing else. */
static void play(const struct zap_examine_config *config, const struct zap_builds_row *row,
                 const struct zap_plan *plan, const struct zap_shrinker_goal *goal,
                 struct zap_outcome *ret_outcome)
{
    struct zap_worker_config worker = config->worker;
    struct zap_player player;
    bool is_long = worker.deadline_ms == 0 || worker.deadline_ms > ZAP_EXAMINE_DEADLINE_MS;
    if (goal->verdict != ZAP_EXHAUSTED && is_long)
        worker.deadline_ms = ZAP_EXAMINE_DEADLINE_MS;
    zap_player_init(&player, row, &worker, config->flags);
    player.interrupted = config->interrupted;
    zap_player_play(&player, plan, ret_outcome);
    zap_player_release(&player);
    tick(config);
}

/* ------------------------------------------------------------------ again, on the same build */

enum zap_examine_end zap_examine_repeat(const struct zap_examine_config *config,
                                        const struct zap_plan *plan,
                                        const struct zap_shrinker_goal *goal,
                                        struct zap_examination *ret_examination)
{
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    ZAP_CHECK(outcome != NULL);
    memset(ret_examination, 0, offsetof(struct zap_examination, last.trace));
    enum zap_examine_end end = ZAP_EXAMINED;
    while (ret_examination->runs < ZAP_EXAMINE_RUNS && end == ZAP_EXAMINED) {
        play(config, config->row, plan, goal, outcome);
        if (is_interrupted(config)) {
            end = ZAP_EXAMINE_INTERRUPTED;
        } else if (outcome->verdict == ZAP_HARNESS) {
            snprintf(ret_examination->why, sizeof ret_examination->why, "%.390s", outcome->reason);
            end = ZAP_EXAMINE_FAILED;
        } else {
            ret_examination->runs++;
            if (zap_shrinker_reaches(outcome, goal)) {
                ret_examination->reproduced++;
                ret_examination->last = *outcome;
            }
            memcpy(ret_examination->banner, outcome->trace.build.banner,
                   sizeof ret_examination->banner);
        }
    }
    free(outcome);
    return end;
}

/* ------------------------------------------------------------------ elsewhere */

static int find_invariant(const char *id)
{
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++) {
        if (strcmp(zap_invariant_row((enum zap_invariant_code)i)->id, id) == 0)
            return i;
    }
    return ZAP_INVARIANT_COUNT;
}

static bool is_same_kind(const struct zap_outcome *outcome, const struct zap_shrinker_goal *goal)
{
    if (outcome->verdict != goal->verdict)
        return false;
    int i = find_invariant(goal->signature);
    return goal->verdict != ZAP_BROKEN ||
           (i < ZAP_INVARIANT_COUNT && outcome->judgement.verdicts[i] == ZAP_BROKEN);
}

static void describe_finding(const struct zap_outcome *outcome, struct zap_str *out)
{
    zap_str_add(out, zap_verdict_row(outcome->verdict)->name);
    if (outcome->verdict != ZAP_BROKEN)
        zap_str_printf(out, " %s", outcome->signature);
    for (int i = 0; outcome->verdict == ZAP_BROKEN && i < ZAP_INVARIANT_COUNT; i++) {
        if (outcome->judgement.verdicts[i] == ZAP_BROKEN)
            zap_str_printf(out, " %s", zap_invariant_row((enum zap_invariant_code)i)->id);
    }
}

static void describe(const struct zap_outcome *outcome, const struct zap_shrinker_goal *goal,
                     struct zap_examined_build *one)
{
    struct zap_str out = zap_str_init(one->result, sizeof one->result);
    one->build = outcome->trace.build;
    one->effect = ZAP_EFFECT_NONE;
    if (is_same_kind(outcome, goal)) {
        one->effect = ZAP_EFFECT_AFFECTED;
        describe_finding(outcome, &out);
        return;
    }
    if (zap_verdict_row(outcome->verdict)->is_finding) {
        one->effect = ZAP_EFFECT_UNAFFECTED;
        zap_str_add(&out, "but ");
        describe_finding(outcome, &out);
        return;
    }
    int i = find_invariant(goal->signature);
    bool says_nothing = goal->verdict == ZAP_BROKEN && i < ZAP_INVARIANT_COUNT &&
                        outcome->has_judgement && outcome->judgement.verdicts[i] != ZAP_HELD;
    if (outcome->verdict == ZAP_SKIPPED && !outcome->has_judgement) {
        zap_str_add(&out, outcome->reason);
    } else if (outcome->verdict == ZAP_HARNESS) {
        zap_str_printf(&out, "pyzap itself failed: %.150s", outcome->reason);
    } else if (says_nothing) {
        bool is_unseen = outcome->judgement.verdicts[i] == ZAP_SKIPPED;
        zap_str_printf(&out, "%s %s there", goal->signature,
                       is_unseen ? "cannot be seen" : "says nothing about this run");
    } else {
        one->effect = ZAP_EFFECT_UNAFFECTED;
        zap_str_add(&out, goal->verdict == ZAP_BROKEN ? "it held" : "it ran to its end");
    }
}

static int compare_builds(const void *a, const void *b)
{
    const struct zap_examined_build *x = a, *y = b;
    if (x->build.version != y->build.version)
        return x->build.version < y->build.version ? -1 : 1;
    if (x->build.level != y->build.level)
        return x->build.level < y->build.level ? -1 : 1;
    return strcmp(x->row->name, y->row->name);
}

enum zap_examine_end zap_examine_builds(const struct zap_examine_config *config,
                                        const struct zap_plan *plan,
                                        const struct zap_shrinker_goal *goal,
                                        struct zap_examination *examination)
{
    size_t rows_count = config->builds ? config->builds->count : 0;
    struct zap_outcome *outcome = malloc(sizeof *outcome);
    struct zap_examined_build *builds = calloc(rows_count + 1, sizeof *builds);
    ZAP_CHECK(outcome != NULL && builds != NULL);
    examination->builds = builds;
    builds[0].row = config->row;
    describe(&examination->last, goal, &builds[0]);
    size_t count = 1;
    for (size_t i = 0; i < rows_count && !is_interrupted(config); i++) {
        const struct zap_builds_row *row = &config->builds->rows[i];
        if (!row->is_usable || strcmp(row->name, config->row->name) == 0)
            continue;
        play(config, row, plan, goal, outcome);
        builds[count].row = row;
        describe(outcome, goal, &builds[count++]);
    }
    examination->builds_count = count;
    qsort(builds, count, sizeof *builds, compare_builds);
    free(outcome);
    return is_interrupted(config) ? ZAP_EXAMINE_INTERRUPTED : ZAP_EXAMINED;
}

const struct zap_examined_build *zap_examine_first(const struct zap_examination *examination)
{
    for (size_t i = 0; i < examination->builds_count; i++) {
        if (examination->builds[i].effect == ZAP_EFFECT_AFFECTED)
            return &examination->builds[i];
    }
    return NULL;
}

const struct zap_examined_build *zap_examine_last(const struct zap_examination *examination)
{
    for (size_t i = examination->builds_count; i > 0; i--) {
        if (examination->builds[i - 1].effect == ZAP_EFFECT_AFFECTED)
            return &examination->builds[i - 1];
    }
    return NULL;
}

/* ------------------------------------------------------------------ without us */

static bool has_begun(const struct zap_bare *bare)
{
    return strncmp(bare->said, "route kind=", 11) == 0 || strstr(bare->said, "\nroute kind=");
}

static bool has_ended(const struct zap_bare *bare)
{
    return strstr(bare->said, "\nroute-end ") != NULL;
}

/* A script that finds out that it has no end says so, and ends; its line, or NULL. */
static const char *endless_line(const struct zap_bare *bare)
{
    const char *line = strstr(bare->said, "\n# endless: ");
    bool is_its_end =
        bare->end == ZAP_BARE_ENDED && WIFEXITED(bare->status) && WEXITSTATUS(bare->status) == 3;
    return is_its_end && line ? line + strlen("\n# ") : NULL;
}

/* The part of a signature that says how a process ended: up to the name of a function, which the
 * script's end has no stack for. */
static size_t end_len(const char *signature)
{
    return strncmp(signature, "SIG", 3) == 0 ? strcspn(signature, "-") : strlen(signature);
}

/* What breaks a promise about freed memory may well be the end of an interpreter that nobody
 * watches. */
static bool is_about_memory(const struct zap_shrinker_goal *goal)
{
    static const enum zap_invariant_code codes[] = {ZAP_INVARIANT_Z4, ZAP_INVARIANT_Z5};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (goal->verdict == ZAP_BROKEN && find_invariant(goal->signature) == (int)codes[i])
            return true;
    return false;
}

static void look_at_death(const struct zap_shrinker_goal *goal, const struct zap_bare *bare,
                          struct zap_examination *examination, struct zap_str *why)
{
    static const char *const words[] = {
        [ZAP_BARE_TIMED_OUT] = "it was still running when its time was up",
        [ZAP_BARE_EXHAUSTED] = "its memory went over its limit",
    };
    bool shows = false;
    const char *endless = endless_line(bare);
    if (endless) {
        shows = goal->verdict == ZAP_TIMED_OUT;
        zap_str_add_bytes(why, endless, strcspn(endless, "\n"));
    } else if (bare->end == ZAP_BARE_ENDED) {
        struct zap_death death;
        const struct zap_death_facts facts = {
            .status = bare->status,
            .phase = ZAP_PHASE_ROUTE,
            .has_hello = true,
            .detail = "",
            .tail = bare->said_len > 4000 ? bare->said + bare->said_len - 4000 : bare->said,
        };
        zap_death_classify(&facts, &death);
        size_t len = end_len(goal->signature);
        bool is_same_end =
            end_len(death.signature) == len && strncmp(death.signature, goal->signature, len) == 0;
        bool is_signal = strncmp(death.signature, "SIG", 3) == 0;
        bool is_crash =
            goal->verdict == ZAP_CRASHED && is_same_end && (is_signal || !has_ended(bare));
        bool dies_of_it = is_about_memory(goal) && is_signal && has_begun(bare);
        shows = is_crash || dies_of_it;
        if (shows || is_signal)
            zap_str_add(why, death.reason);
        else if (has_ended(bare))
            zap_str_add(why, "the bare interpreter ran it to its end");
        else
            zap_str_printf(why, "it exited with status %d before its end",
                           WIFEXITED(bare->status) ? WEXITSTATUS(bare->status) : -1);
    } else {
        shows = (goal->verdict == ZAP_TIMED_OUT && bare->end == ZAP_BARE_TIMED_OUT &&
                 has_begun(bare)) ||
                (goal->verdict == ZAP_EXHAUSTED && bare->end == ZAP_BARE_EXHAUSTED);
        zap_str_add(why, words[bare->end]);
    }
    examination->shows = shows ? ZAP_SHOWS_YES : ZAP_SHOWS_NO;
}

/* Traces that are too big for the stack. */
struct traces {
    struct zap_trace script, scratch;
};

static void look_at_trace(const struct zap_plan *plan, const struct zap_shrinker_goal *goal,
                          const struct zap_outcome *outcome, const struct zap_bare *bare,
                          struct zap_examination *examination, struct zap_str *why)
{
    struct traces *traces = malloc(sizeof *traces);
    struct zap_judgement judgement;
    int i = find_invariant(goal->signature);
    ZAP_CHECK(traces != NULL && i < ZAP_INVARIANT_COUNT);
    zap_script_read(plan, &outcome->trace.build, bare->said, &traces->script);
    zap_script_judge(plan, &traces->script, &judgement);
    examination->shows = ZAP_SHOWS_NO;
    if (judgement.verdicts[i] == ZAP_BROKEN && !judgement.is_harness) {
        uint32_t at = judgement.at[i];
        examination->shows = ZAP_SHOWS_YES;
        zap_str_printf(why, "%s is broken by what it printed, at: ", goal->signature);
        if (at < traces->script.events_count)
            zap_trace_print_event(&traces->script, at, why);
        free(traces);
        return;
    }
    zap_script_part(plan, &outcome->trace, &traces->script);
    zap_script_judge(plan, &traces->script, &judgement);
    if (judgement.verdicts[i] != ZAP_BROKEN) {
        examination->needs_api = true;
        zap_str_add(why, "needs the C API: ");
        zap_script_needs(plan, &outcome->trace, (enum zap_invariant_code)i, &traces->scratch, why);
    } else if (!has_ended(bare)) {
        zap_str_add(why, "it did not run to its end");
    } else {
        zap_str_add(why, "the bare interpreter does not do it");
    }
    free(traces);
}

/* The end of what it printed. */
static void keep_said(const struct zap_bare *bare, struct zap_examination *examination)
{
    size_t room = sizeof examination->said - 1;
    const char *from = bare->said_len > room ? bare->said + bare->said_len - room : bare->said;
    size_t n = 0;
    for (; from[n]; n++)
        examination->said[n] =
            isprint((unsigned char)from[n]) || from[n] == '\n' || from[n] == '\t' ? from[n] : '?';
    examination->said[n] = '\0';
}

/* A script that cannot do something without C code says so first, and ends; what it says, or NULL.
 */
static const char *unavailable_line(const struct zap_bare *bare)
{
    const char *found = strstr(bare->said, " is not available: ");
    bool is_first = found && strncmp(bare->said, "# ", 2) == 0 &&
                    (size_t)(found - bare->said) < strcspn(bare->said, "\n");
    return is_first ? bare->said + 2 : NULL;
}

static void look_at_bare(const struct zap_plan *plan, const struct zap_shrinker_goal *goal,
                         const struct zap_outcome *outcome, const struct zap_bare *bare,
                         struct zap_examination *examination)
{
    char line[sizeof examination->why];
    struct zap_str why = zap_str_init(line, sizeof line);
    static const char no_wipe[] = "# route wipe is not available";
    examination->shows = ZAP_SHOWS_NO;
    examination->needs_api = false;
    if (bare->end == ZAP_BARE_FAILED)
        zap_str_printf(&why, "%.200s", bare->said);
    else if (strncmp(bare->said, no_wipe, strlen(no_wipe)) == 0)
        zap_str_add(&why, "needs the C API: _PyModule_Clear, which this interpreter hides from "
                          "ctypes, or it has no ctypes");
    else if (goal->verdict == ZAP_BROKEN && unavailable_line(bare)) {
        examination->needs_api = true;
        zap_str_printf(&why, "needs the C API: %.200s", unavailable_line(bare));
    } else if (goal->verdict == ZAP_BROKEN && bare->end == ZAP_BARE_ENDED && has_begun(bare) &&
               WIFEXITED(bare->status) && !endless_line(bare))
        look_at_trace(plan, goal, outcome, bare, examination, &why);
    else
        look_at_death(goal, bare, examination, &why);
    line[strcspn(line, "\n")] = '\0';
    memcpy(examination->why, line, sizeof line);
    keep_said(bare, examination);
}

enum zap_examine_end zap_examine_script(const struct zap_examine_config *config,
                                        const struct zap_plan *plan,
                                        const struct zap_shrinker_goal *goal,
                                        const struct zap_outcome *outcome, const char *script,
                                        struct zap_examination *examination)
{
    const struct zap_bare_config bare_config = {
        .python = config->row->python,
        .script = script,
        .deadline_ms = goal->verdict == ZAP_TIMED_OUT ? ZAP_EXAMINE_DEADLINE_MS : SCRIPT_MS,
        .memory_kib = config->worker.memory_kib ? config->worker.memory_kib : ZAP_WORKER_MEMORY_KIB,
        .interrupted = config->interrupted,
        .tick = config->tick,
        .context = config->context,
    };
    examination->said[0] = '\0';
    if (strcmp(config->row->python, "-") == 0) {
        examination->shows = ZAP_SHOWS_UNKNOWN;
        snprintf(examination->why, sizeof examination->why,
                 "nobody knows this build's interpreter");
        return ZAP_EXAMINED;
    }
    struct zap_bare *bare = malloc(sizeof *bare);
    ZAP_CHECK(bare != NULL);
    zap_bare_run(&bare_config, bare);
    bool is_over = bare->end != ZAP_BARE_INTERRUPTED;
    if (is_over)
        look_at_bare(plan, goal, outcome, bare, examination);
    free(bare);
    return is_over ? ZAP_EXAMINED : ZAP_EXAMINE_INTERRUPTED;
}

void zap_examine_release(struct zap_examination *examination)
{
    free(examination->builds);
    examination->builds = NULL;
    examination->builds_count = 0;
}
