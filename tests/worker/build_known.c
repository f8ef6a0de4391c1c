/* What is known not to survive: of random plans, exactly those that do not are skipped, and for the
 * reason that they go wrong for.
 *
 * Each plan that could be one of those is run twice, as `check` runs it and as `check --run-known`
 * does. A plan that is skipped as known has to be a finding when it is run, and the other way
 * round.
 *
 * Run once per build, with its name in ZAP_BUILD.
 */
#include "host/player.h"
#include "plan/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Plans are generated until so many were run, or until there were PLANS_MAX. */
enum { SUSPECTS = 2000, PLANS_MAX = 60000, SEED = 3, SHOWN = 3 };

/* How a plan goes wrong for a reason. */
static const struct {
    enum zap_feature_code feature;
    enum zap_verdict verdict;
    const char *signature; /* how it begins; BROKEN: the invariant */
    const char *asserted;  /* or so, in a debug build; NULL: no assertion is in the way */
} reasons[] = {
    {ZAP_FEATURE_SPEC_RECURSION, ZAP_CRASHED, "SIGSEGV", NULL},
    {ZAP_FEATURE_GETATTR_RECURSION, ZAP_CRASHED, "SIGSEGV", NULL},
    {ZAP_FEATURE_ENDLESS_WIPE, ZAP_TIMED_OUT, "endless-wipe", NULL},
    {ZAP_FEATURE_ENDLESS_NEW, ZAP_TIMED_OUT, "endless-new", NULL},
    {ZAP_FEATURE_ENDLESS_NEW_IN_DEBUG, ZAP_TIMED_OUT, "endless-new", NULL},
    {ZAP_FEATURE_FREED_KEY, ZAP_BROKEN, "Z4", NULL},
    {ZAP_FEATURE_UNHELD_WIPE, ZAP_BROKEN, "Z5", NULL},
    {ZAP_FEATURE_LATE_CODEC_ABORTS, ZAP_CRASHED, "SIGABRT", NULL},
    {ZAP_FEATURE_LATE_CODEC_CRASHES, ZAP_CRASHED, "SIGSEGV", "SIGABRT-_PyCodec_Lookup"},
    {ZAP_FEATURE_SUBINTERP_ATEXIT_HANGS, ZAP_TIMED_OUT, "timeout", NULL},
};
enum { REASONS = sizeof reasons / sizeof reasons[0] };

static struct zap_outcome guarded, run;

/* Has a plan anything that could go wrong for one of the reasons? Kept wide. */
static bool is_suspect(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->acts_count; i++)
        if (plan->acts[i].name == ZAP_NAME_TRAP || plan->acts[i].name == ZAP_NAME_U_TRAP ||
            plan->acts[i].op == ZAP_OP_BIND_AGAIN || plan->acts[i].op == ZAP_OP_NEW_AGAIN ||
            (plan->acts[i].op == ZAP_OP_ENCODE && zap_plan_ends(plan)))
            return true;
    if (plan->route == ZAP_ROUTE_WIPE_UNHELD && plan->acts_count > 0)
        return true;
    for (unsigned i = 0; i < plan->parks_count; i++)
        if (plan->parks[i].place == ZAP_PARK_ATEXIT && plan->route != ZAP_ROUTE_EXIT &&
            zap_plan_has_setting(plan, ZAP_SETTING_STDERR_MISSING))
            return true;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned g = 0; g < plan->modules[m].globals_count; g++) {
            const struct zap_global *global = &plan->modules[m].globals[g];
            if (global->name == ZAP_NAME_TRAP || global->name == ZAP_NAME_U_TRAP)
                return true;
            if ((global->name == ZAP_NAME_SPEC || global->name == ZAP_NAME_GETATTR) &&
                plan->objects[global->object].kind == ZAP_VALUE_MODULE)
                return true;
        }
    }
    return false;
}

/* The reason why a plan was skipped, or REASONS. */
static unsigned skipped_for(const struct zap_outcome *outcome)
{
    unsigned i = 0;
    while (i < REASONS && !(outcome->verdict == ZAP_SKIPPED &&
                            strstr(outcome->reason, zap_feature_row(reasons[i].feature)->text)))
        i++;
    return i;
}

static bool is_as_known(const struct zap_outcome *outcome, unsigned reason, bool is_debug)
{
    const char *signature = reasons[reason].signature, *asserted = reasons[reason].asserted;
    if (is_debug && asserted != NULL &&
        strncmp(outcome->signature, asserted, strlen(asserted)) == 0)
        signature = asserted;
    if (outcome->verdict != reasons[reason].verdict)
        return false;
    if (outcome->verdict != ZAP_BROKEN)
        return strncmp(outcome->signature, signature, strlen(signature)) == 0;
    for (int i = 0; i < ZAP_INVARIANT_COUNT; i++)
        if ((outcome->judgement.verdicts[i] == ZAP_BROKEN) !=
            (strcmp(zap_invariant_row((enum zap_invariant_code)i)->id, signature) == 0))
            return false;
    return true;
}

static void show(const struct zap_plan *plan, uint64_t index, unsigned reason)
{
    static char text[ZAP_TEXT_MAX];
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_text_print(plan, &out);
    printf("plan %" PRIu64 " is %s, and when it is run %s (%s)\n%s\n", index,
           reason < REASONS ? zap_feature_row(reasons[reason].feature)->id : "not known",
           zap_verdict_row(run.verdict)->name, run.reason, text);
}

int main(void)
{
    const char *name = getenv("ZAP_BUILD");
    struct zap_builds builds;
    char why_text[256];
    struct zap_str why = zap_str_init(why_text, sizeof why_text);
    if (name == NULL || zap_builds_load(ZAP_LIBEXEC_DIR, &builds, &why) != ZAP_OK) {
        printf("ZAP_BUILD is not set, or no builds: %s\n", why_text);
        return 1;
    }
    const struct zap_builds_row *row = zap_builds_find(&builds, name, &why);
    if (row == NULL || !row->is_usable) {
        printf("no worker for %s\n", name);
        return 1;
    }
    struct zap_worker_config config = {0};
    struct zap_player with_guard, without;
    zap_player_init(&with_guard, row, &config, 0);
    zap_player_init(&without, row, &config, ZAP_RUN_KNOWN);
    unsigned suspects = 0, wrong = 0, counts[REASONS + 1] = {0};
    for (uint64_t index = 0; index < PLANS_MAX && suspects < SUSPECTS; index++) {
        struct zap_gen_config gen = {.seed = SEED,
                                     .routes = index % 15 == 0 ? ZAP_ROUTES_THAT_END : 0};
        struct zap_plan plan;
        zap_gen_plan(&gen, index, &plan);
        if (!is_suspect(&plan))
            continue;
        zap_player_play(&with_guard, &plan, &guarded);
        zap_player_play(&without, &plan, &run);
        unsigned reason = skipped_for(&guarded);
        bool is_finding = zap_verdict_row(run.verdict)->is_finding;
        bool good = reason < REASONS ? is_as_known(&run, reason, with_guard.worker.build.debug)
                                     : !is_finding;
        counts[reason]++;
        suspects++;
        if (!good && ++wrong <= SHOWN)
            show(&plan, index, reason);
    }
    for (unsigned i = 0; i < REASONS; i++) {
        bool is_there =
            zap_profile_has(zap_profile_of(&with_guard.worker.build), reasons[i].feature);
        printf("%-18s %4u plans%s\n", zap_feature_row(reasons[i].feature)->id, counts[i],
               is_there ? "" : " (not on this build)");
        wrong += !is_there && counts[i] > 0;
    }
    printf("%s: %u plans run twice, %u wrong\n", name, suspects, wrong);
    zap_player_release(&with_guard);
    zap_player_release(&without);
    zap_builds_release(&builds);
    return suspects > 0 && wrong == 0 ? 0 : 1;
}
