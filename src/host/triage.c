/* From artefacts to findings.
 *
 * They are looked at from the smallest on, so that the first of a kind is the one to file. Each is
 * filed at once, as the engine left it; when all have been looked at, each is settled as those of
 * `pyzap check` are (host/settle.h). The folder's name says the kind (zap_finding_path), which is
 * all the memory there is between campaigns: where it is there and its plan still does what it did,
 * the finding is an old one. The artefact that a finding was filed with goes last; so after an end
 * that came before, it is met again, and what was not done is done then.
 *
 * Plans that do nothing share a worker; what does something has to do it again in a worker of its
 * own. Deaths by deadline or memory have one kind each and take their time, so when a few artefacts
 * that the engine took for such have proved to be it, the others are believed.
 */
#include "host/triage.h"

#include "base/check.h"
#include "host/corpus.h"
#include "host/files.h"
#include "host/settle.h"
#include "host/target.h"
#include "plan/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARTEFACT_MAX = 1024 * 1024 };

struct artefact {
    char *path;       /* owned */
    char *name;       /* of the file: in path */
    const char *kind; /* NULL: a plan of the corpus, which stays where it is */
    off_t size;
};

struct work {
    struct zap_triage *triage;
    struct zap_player player;
    bool is_fresh; /* the player's next worker has run nothing */
    struct artefact *artefacts;
    size_t count;
    uint64_t slow[ZAP_VERDICT_COUNT];
    uint64_t replays;
    struct zap_outcome outcome;
    uint8_t bytes[ARTEFACT_MAX];
    size_t len;
};

void zap_triage_init(struct zap_triage *triage, const struct zap_triage_config *config)
{
    memset(triage, 0, sizeof *triage);
    triage->config = *config;
}

void zap_triage_release(struct zap_triage *triage)
{
    for (size_t i = 0; i < triage->kinds_count; i++)
        free(triage->kinds[i].outcome);
    free(triage->kinds);
    zap_knowns_forget(&triage->learnt);
    memset(triage, 0, sizeof *triage);
}

static void set_failure(struct zap_triage *triage, const char *what, const char *detail)
{
    if (!triage->failure[0])
        snprintf(triage->failure, sizeof triage->failure, "%.200s: %.300s", what, detail);
}

static bool is_interrupted(const struct zap_triage *triage)
{
    return triage->config.interrupted && *triage->config.interrupted;
}

static void tick(const struct zap_triage *triage)
{
    if (triage->config.tick)
        triage->config.tick(triage->config.context);
}

/* ------------------------------------------------------------------ which there are */

static void add_folder(struct work *work, const char *folder, bool is_corpus)
{
    char **names;
    ssize_t count = zap_files_list(folder, &names);
    for (ssize_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat about;
        const char *kind = is_corpus ? NULL : zap_engine_kind(folder, names[i]);
        if ((!kind && !is_corpus) || !zap_files_join(path, folder, names[i]) ||
            lstat(path, &about) < 0 || !S_ISREG(about.st_mode))
            continue;
        struct artefact *artefacts =
            realloc(work->artefacts, (work->count + 1) * sizeof *artefacts);
        ZAP_CHECK(artefacts != NULL);
        work->artefacts = artefacts;
        struct artefact *artefact = &artefacts[work->count++];
        artefact->path = strdup(path);
        ZAP_CHECK(artefact->path != NULL);
        artefact->name = artefact->path + strlen(folder) + 1;
        artefact->kind = kind;
        artefact->size = about.st_size;
    }
    if (count >= 0)
        zap_files_free_names(names, count);
}

static void add_artefacts(const char *folder, void *context)
{
    add_folder(context, folder, false);
}

static int compare(const void *a, const void *b)
{
    const struct artefact *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* ------------------------------------------------------------------ filing */

/* A finding as the engine left it. The last three are borrowed by the facts. */
static void fill_facts(const struct work *work, const struct zap_triage_kind *kind,
                       const char *name, const struct zap_plan *plan,
                       struct zap_finding_artefact *artefact, struct zap_death *death,
                       struct zap_finding_facts *ret_facts)
{
    const struct zap_triage_config *config = &work->triage->config;
    bool is_broken = kind->verdict == ZAP_BROKEN;
    *artefact = (struct zap_finding_artefact){
        .engine = zap_engine_name(config->setup->engine),
        .target = config->target,
        .name = name,
        .bytes = work->bytes,
        .len = work->len,
    };
    *death = zap_player_death(kind->outcome);
    *ret_facts = (struct zap_finding_facts){
        .build = config->row->name,
        .python = config->row->python,
        .artefact = artefact,
        .verdict = kind->verdict,
        .signature = kind->signature,
        .found = plan,
        .plan = plan,
        .trace = &kind->outcome->trace,
        .judgement = is_broken ? &kind->outcome->judgement : NULL,
        .death = is_broken ? NULL : death,
    };
}

static struct zap_triage_kind *find_kind(struct zap_triage *triage,
                                         const struct zap_shrinker_goal *goal)
{
    for (size_t i = 0; i < triage->kinds_count; i++) {
        struct zap_triage_kind *kind = &triage->kinds[i];
        if (kind->verdict == goal->verdict && strcmp(kind->signature, goal->signature) == 0)
            return kind;
    }
    return NULL;
}

static struct zap_triage_kind *add_kind(struct zap_triage *triage,
                                        const struct zap_shrinker_goal *goal,
                                        const struct zap_outcome *outcome)
{
    struct zap_triage_kind *kinds =
        realloc(triage->kinds, (triage->kinds_count + 1) * sizeof *kinds);
    ZAP_CHECK(kinds != NULL);
    triage->kinds = kinds;
    struct zap_triage_kind *kind = &kinds[triage->kinds_count++];
    memset(kind, 0, sizeof *kind);
    kind->verdict = goal->verdict;
    memcpy(kind->signature, goal->signature, sizeof kind->signature);
    struct zap_str reason = zap_str_init(kind->reason, sizeof kind->reason);
    zap_str_add(&reason, goal->reason);
    for (int i = 0; goal->verdict == ZAP_BROKEN && i < ZAP_INVARIANT_COUNT; i++) {
        if (outcome->judgement.verdicts[i] != ZAP_BROKEN)
            continue;
        const struct zap_invariant_row *row = zap_invariant_row((enum zap_invariant_code)i);
        zap_str_printf(&reason, "%s%s %s", reason.len ? ", " : "", row->id, row->name);
    }
    return kind;
}

static void drop(const struct artefact *artefact)
{
    if (artefact->kind)
        unlink(artefact->path);
}

static void count(struct zap_triage_kind *kind, const struct artefact *artefact)
{
    if (artefact->kind)
        kind->artefacts++;
    else
        kind->plans++;
}

/* What is known of this build, learnt when somebody asks for the first time. */
static const struct zap_knowns_of *knowns_of(struct work *work)
{
    struct zap_triage *triage = work->triage;
    const struct zap_triage_config *config = &triage->config;
    if (config->knowns && !triage->has_learnt)
        zap_knowns_learn(config->knowns, config->row, &work->outcome.trace.build, &config->worker,
                         &triage->learnt);
    triage->has_learnt = true;
    return &triage->learnt;
}

size_t zap_triage_news(const struct zap_triage *triage)
{
    size_t news = 0;
    for (size_t i = 0; i < triage->kinds_count; i++)
        news += !triage->kinds[i].known;
    return news;
}

/* The first of its kind: file it, unless it is known. */
static void take_first(struct work *work, const struct artefact *artefact,
                       const struct zap_plan *plan, const struct zap_shrinker_goal *goal)
{
    struct zap_triage *triage = work->triage;
    struct zap_triage_kind *kind = add_kind(triage, goal, &work->outcome);
    struct zap_finding_artefact found;
    struct zap_finding_facts facts;
    struct zap_death death;
    char text[400];
    struct zap_str why = zap_str_init(text, sizeof text);
    count(kind, artefact);
    kind->known = zap_knowns_match(knowns_of(work), kind->verdict, kind->signature, NULL);
    if (kind->known) {
        drop(artefact);
        return;
    }
    kind->outcome = malloc(sizeof *kind->outcome);
    ZAP_CHECK(kind->outcome != NULL);
    *kind->outcome = work->outcome;
    fill_facts(work, kind, artefact->name, plan, &found, &death, &facts);
    if (zap_finding_file_first(triage->config.out, &facts, kind->path, &kind->was_there, &why) !=
        ZAP_OK) {
        kind->path[0] = '\0';
        set_failure(triage, "findings could not be filed", text);
        return;
    }
    snprintf(kind->artefact, sizeof kind->artefact, "%s", artefact->path);
    kind->is_corpus = !artefact->kind;
}

/* ------------------------------------------------------------------ looking at one */

/* What the target itself says to it: it is not the worker, and sees more at once. */
static void replay(struct work *work, const char *path)
{
    struct zap_triage *triage = work->triage;
    if (work->replays++ >= ZAP_TRIAGE_REPLAYS_MAX)
        return;
    struct zap_target_answer answer;
    zap_target_run(triage->config.setup, path, triage->config.interrupted, &answer);
    if (answer.is_refusal)
        set_failure(triage, path, answer.reason);
    else if (!answer.is_good && !answer.is_given_up && !triage->aside_says[0])
        snprintf(triage->aside_says, sizeof triage->aside_says, "%s", answer.reason);
}

static void set_aside(struct work *work, const struct artefact *artefact)
{
    struct zap_triage *triage = work->triage;
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "%s-%016" PRIx64 ".zap", artefact->kind,
             zap_corpus_hash(work->bytes, work->len));
    triage->aside++;
    if (!zap_files_make_folders(triage->config.aside) ||
        !zap_files_join(path, triage->config.aside, name)) {
        set_failure(triage, triage->config.aside, strerror(errno));
        return;
    }
    bool is_new = access(path, F_OK) < 0;
    if (rename(artefact->path, path) < 0)
        set_failure(triage, path, strerror(errno));
    else if (is_new)
        replay(work, path);
}

/* Run it, and once more in a worker of its own if it did something in one that others had used: but
 * one of many plans of the corpus that do the same is only counted. */
static void play(struct work *work, const struct artefact *artefact, const struct zap_plan *plan)
{
    for (;;) {
        bool was_fresh = work->is_fresh;
        struct zap_shrinker_goal goal;
        work->is_fresh = false;
        zap_player_play(&work->player, plan, &work->outcome);
        if (!zap_verdict_row(work->outcome.verdict)->is_finding &&
            work->outcome.verdict != ZAP_HARNESS)
            return;
        if (!artefact->kind && zap_shrinker_goal_of(&work->outcome, &goal) &&
            find_kind(work->triage, &goal))
            return;
        zap_player_release(&work->player);
        work->is_fresh = true;
        if (was_fresh)
            return;
    }
}

/* The verdict that an engine's word means, where it is of a slow kind; else VOID. */
static enum zap_verdict slow_verdict(const char *kind)
{
    if (strcmp(kind, "timeout") == 0)
        return ZAP_TIMED_OUT;
    return strcmp(kind, "oom") == 0 ? ZAP_EXHAUSTED : ZAP_VOID;
}

/* Is it one of many that are slow to run, after enough of them have been? */
static bool is_believed(struct work *work, const struct artefact *artefact)
{
    struct zap_triage *triage = work->triage;
    enum zap_verdict verdict = artefact->kind ? slow_verdict(artefact->kind) : ZAP_VOID;
    if (verdict == ZAP_VOID || work->slow[verdict] < ZAP_TRIAGE_SLOW_MAX)
        return false;
    for (size_t i = 0; i < triage->kinds_count; i++) {
        if (triage->kinds[i].verdict == verdict) {
            triage->kinds[i].artefacts++;
            drop(artefact);
            return true;
        }
    }
    return false;
}

/* Returns false where nothing more can be done now. */
static bool look_at(struct work *work, const struct artefact *artefact)
{
    struct zap_triage *triage = work->triage;
    struct zap_plan plan;
    struct zap_shrinker_goal goal;
    if (is_believed(work, artefact))
        return true;
    ssize_t len = zap_files_read(artefact->path, work->bytes, sizeof work->bytes);
    if (len < 0) {
        set_failure(triage, artefact->path, strerror(errno));
        return true;
    }
    work->len = (size_t)len;
    zap_wire_decode(work->bytes, work->len, &plan);
    if (artefact->kind && slow_verdict(artefact->kind) != ZAP_VOID && !work->is_fresh) {
        zap_player_release(&work->player); /* rather than running it twice */
        work->is_fresh = true;
    }
    play(work, artefact, &plan);
    if (is_interrupted(triage))
        return false; /* what the outcome says is perhaps not the plan's */
    if (work->outcome.verdict == ZAP_HARNESS) {
        set_failure(triage, "HARNESS", work->outcome.reason);
        return work->outcome.trace.build.version != 0; /* else no worker starts */
    }
    work->slow[work->outcome.verdict]++;
    if (!zap_shrinker_goal_of(&work->outcome, &goal)) {
        if (artefact->kind)
            set_aside(work, artefact);
        return true;
    }
    struct zap_triage_kind *kind = find_kind(triage, &goal);
    if (!kind) {
        take_first(work, artefact, &plan, &goal);
        return true;
    }
    count(kind, artefact);
    if (kind->path[0] || kind->known)
        drop(artefact); /* a smaller one is filed, or none is wanted */
    return true;
}

/* ------------------------------------------------------------------ settling */

static void tick_between_tries(void *context)
{
    tick(context);
}

static void settle(struct work *work, struct zap_triage_kind *kind)
{
    struct zap_triage *triage = work->triage;
    const struct zap_settle_config config = {
        .dir = triage->config.out,
        .examine =
            {
                .row = triage->config.row,
                .builds = triage->config.builds,
                .worker = triage->config.worker,
                .interrupted = triage->config.interrupted,
                .tick = tick_between_tries,
                .context = triage,
            },
    };
    const char *slash = strrchr(kind->artefact, '/');
    ssize_t len = zap_files_read(kind->artefact, work->bytes, sizeof work->bytes);
    if (len < 0) {
        set_failure(triage, kind->artefact, strerror(errno));
        return;
    }
    work->len = (size_t)len;
    struct zap_plan plan;
    struct zap_finding_artefact artefact;
    struct zap_finding_facts facts;
    struct zap_death death;
    struct zap_settled settled;
    zap_wire_decode(work->bytes, work->len, &plan);
    fill_facts(work, kind, slash ? slash + 1 : kind->artefact, &plan, &artefact, &death, &facts);
    zap_settle(&config, &facts, kind->path, kind->was_there, &settled);
    kind->is_old = settled.is_earlier;
    kind->is_flaky = settled.end == ZAP_SETTLED_FLAKY;
    memcpy(kind->path, settled.path, sizeof kind->path);
    switch (settled.end) {
    case ZAP_SETTLED:
    case ZAP_SETTLED_OLD:
    case ZAP_SETTLED_FLAKY:
        break;
    case ZAP_SETTLE_INTERRUPTED:
        return; /* it stays as it is filed, and is settled another time */
    case ZAP_SETTLE_FAILED:
        set_failure(triage, "HARNESS while shrinking or examining", settled.why);
        return;
    case ZAP_SETTLE_UNWRITTEN:
        set_failure(triage, "findings could not be filed", settled.why);
        return;
    }
    if (!kind->is_flaky) /* what its signature does not tell, its smallest plan does */
        kind->known =
            zap_knowns_match_filed(knowns_of(work), kind->verdict, kind->signature, kind->path);
    if (!kind->is_corpus)
        unlink(kind->artefact);
    kind->artefact[0] = '\0';
}

void zap_triage_run(struct zap_triage *triage, const char *corpus)
{
    struct work *work = calloc(1, sizeof *work);
    ZAP_CHECK(work != NULL);
    work->triage = triage;
    zap_finding_tidy(triage->config.out);
    zap_engine_each_artefacts(triage->config.setup, add_artefacts, work);
    if (corpus)
        add_folder(work, corpus, true);
    if (work->count > 0)
        qsort(work->artefacts, work->count, sizeof *work->artefacts, compare);
    zap_player_init(&work->player, triage->config.row, &triage->config.worker, 0);
    work->player.interrupted = triage->config.interrupted;
    work->is_fresh = true;
    triage->left = 0;
    for (size_t i = 0; i < work->count; i++)
        triage->left += work->artefacts[i].kind != NULL;
    for (size_t i = 0; i < work->count && !is_interrupted(triage); i++) {
        bool is_artefact = work->artefacts[i].kind != NULL;
        if (!look_at(work, &work->artefacts[i]))
            break;
        triage->artefacts += is_artefact;
        triage->left -= is_artefact;
        triage->plans += !is_artefact;
        tick(triage);
    }
    zap_player_release(&work->player);
    for (size_t i = 0; i < triage->kinds_count && !is_interrupted(triage); i++) {
        if (triage->kinds[i].artefact[0])
            settle(work, &triage->kinds[i]);
    }
    for (size_t i = 0; i < work->count; i++)
        free(work->artefacts[i].path);
    free(work->artefacts);
    free(work);
}
