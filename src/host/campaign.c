/* The course of a campaign.
 *
 * What an engine finds stands on disk the moment it is found, in the work folder; so a campaign
 * begins with what an earlier one has left there. Its corpora are taken into the corpus, its
 * artefacts are triaged, and only then is anything made anew. A campaign that is cut off, at any
 * moment and by anything, has so lost nothing that the next one with the same --out does not find.
 *
 * The clock is ours: engines have time limits too, but one job of libFuzzer's may last minutes
 * longer.
 */
#include "host/campaign.h"

#include "base/check.h"
#include "host/clock.h"
#include "host/files.h"
#include "host/session.h"
#include "host/target.h"
#include "plan/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 50,
    STOP_MS = 10 * 1000,
    MINIMISE_MS = 10 * 60 * 1000,
    LOG_MAX = 8 * 1024 * 1024, /* then it begins anew, and the old one is kept beside it */
};

static bool is_interrupted(struct zap_campaign *campaign)
{
    if (campaign->config.interrupted && *campaign->config.interrupted)
        campaign->was_interrupted = true;
    return campaign->was_interrupted;
}

static void tick(struct zap_campaign *campaign)
{
    int64_t now_ms = zap_clock_ms();
    if (!campaign->config.tick || now_ms - campaign->ticked_at_ms < ZAP_CAMPAIGN_TICK_MS)
        return;
    campaign->ticked_at_ms = now_ms;
    campaign->config.tick(campaign->config.context, campaign);
}

static void tick_in_triage(void *context)
{
    tick(context);
}

static void set_failure(struct zap_campaign *campaign, int status, const char *what,
                        const char *detail)
{
    if (campaign->failure_status != 0)
        return;
    campaign->failure_status = status;
    snprintf(campaign->failure, sizeof campaign->failure, "%.480s: %.256s", what, detail);
}

/* ------------------------------------------------------------------ opening */

bool zap_campaign_target(const char *folder, enum zap_engine engine, const char *target,
                         const char *build, char ret_path[PATH_MAX])
{
    return snprintf(ret_path, PATH_MAX, "%s/%s-%s-%s", folder, zap_engine_name(engine), target,
                    build) < PATH_MAX &&
           access(ret_path, X_OK) == 0;
}

/* Two engines in one work folder would write over each other's files. */
static bool lock_work(struct zap_campaign *campaign, struct zap_str *why)
{
    char path[PATH_MAX];
    if (zap_files_make_folders(campaign->work) && zap_files_join(path, campaign->work, "lock"))
        campaign->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (campaign->lock >= 0 && flock(campaign->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK)
        zap_str_printf(why, "%s: another `pyzap fuzz` is at work there: give another --out",
                       campaign->work);
    else
        zap_str_printf(why, "%s: %s", campaign->work, strerror(errno));
    return false;
}

static bool open_log(struct zap_campaign *campaign)
{
    char old[PATH_MAX + 8];
    if (campaign->log_file)
        fclose(campaign->log_file);
    snprintf(old, sizeof old, "%s.old", campaign->log);
    rename(campaign->log, old);
    campaign->log_file = fopen(campaign->log, "we");
    campaign->log_len = 0;
    return campaign->log_file != NULL;
}

enum zap_status zap_campaign_open(const struct zap_campaign_config *config,
                                  struct zap_campaign *ret_campaign, struct zap_str *ret_why)
{
    struct zap_campaign *campaign = ret_campaign;
    memset(campaign, 0, sizeof *campaign);
    campaign->config = *config;
    campaign->lock = -1;
    char name[256];
    snprintf(name, sizeof name, "fuzz/%s-%s-%s", zap_engine_name(config->engine), config->target,
             config->row->name);
    if (!zap_campaign_target(config->folder, config->engine, config->target, config->row->name,
                             campaign->executable) ||
        !zap_files_join(campaign->work, config->out, name) ||
        !zap_files_join(campaign->log, campaign->work, "engine.log")) {
        zap_str_printf(ret_why, "%s: %s", name, strerror(errno));
        return ZAP_E_IO;
    }
    campaign->setup = (struct zap_engine_setup){
        .engine = config->engine,
        .target = campaign->executable,
        .folder = config->folder,
        .work = campaign->work,
        .jobs = config->jobs,
        .session = (uint32_t)time(NULL),
        .deadline_ms = config->deadline_ms,
        .memory_mib = config->memory_mib,
        .flags = config->flags,
        .flags_count = config->flags_count,
    };
    char seeds[PATH_MAX];
    if (!zap_files_join(seeds, config->folder, "seeds")) {
        zap_str_printf(ret_why, "%s: %s", config->folder, strerror(errno));
        return ZAP_E_IO;
    }
    if (zap_engine_check(&campaign->setup, ret_why) != ZAP_OK || !lock_work(campaign, ret_why))
        return ZAP_E_IO;
    return zap_corpus_open(config->corpus, seeds, &campaign->corpus, ret_why);
}

/* ------------------------------------------------------------------ corpus */

struct taking {
    const struct zap_corpus *corpus;
    enum zap_status status;
    int error;
};

static void take_folder(const char *folder, void *context)
{
    struct taking *taking = context;
    if (taking->status != ZAP_OK)
        return;
    taking->status = zap_corpus_take(taking->corpus, folder);
    taking->error = errno;
}

/* Take what the engine has found into the corpus, and copy it to a folder, if one is given. */
static bool exchange(struct zap_campaign *campaign, const char *to, size_t *ret_count)
{
    int lock = zap_corpus_lock(&campaign->corpus);
    if (lock < 0)
        return false;
    struct taking taking = {.corpus = &campaign->corpus};
    zap_engine_each_corpus(&campaign->setup, take_folder, &taking);
    errno = taking.error;
    bool is_good = taking.status == ZAP_OK;
    if (is_good && to)
        is_good = zap_corpus_copy(&campaign->corpus, to, ret_count) == ZAP_OK;
    int error = errno;
    close(lock);
    errno = error;
    return is_good;
}

/* ------------------------------------------------------------------ the engine */

static void take_line(const char *line, void *context)
{
    struct zap_campaign *campaign = context;
    if (campaign->log_len > LOG_MAX)
        open_log(campaign);
    if (campaign->log_file) {
        campaign->log_len += fprintf(campaign->log_file, "%s\n", line);
        fflush(campaign->log_file);
    }
    if (campaign->state == ZAP_CAMPAIGN_MINIMISING)
        return;
    zap_engine_read_line(&campaign->setup, line, &campaign->progress);
    campaign->has_bad_flag = campaign->has_bad_flag || zap_engine_minds_flag(line);
    const char *reason;
    enum zap_engine_rank rank = zap_engine_rank_line(line, &reason);
    if (rank > campaign->rank || (rank == campaign->rank && rank == ZAP_ENGINE_RANK_ANY)) {
        campaign->rank = rank;
        snprintf(campaign->last_words, sizeof campaign->last_words, "%s", reason);
    }
}

/* Does the target start at all? The engines are not good at saying why it does not. */
static bool is_target_good(struct zap_campaign *campaign)
{
    uint8_t bytes[ZAP_WIRE_MAX];
    char path[PATH_MAX];
    struct zap_plan plan;
    zap_wire_decode(NULL, 0, &plan);
    size_t len = zap_wire_encode(&plan, bytes);
    if (!zap_files_join(path, campaign->work, "tmp/first.zap") ||
        !zap_files_write(path, bytes, len)) {
        set_failure(campaign, ZAP_EXIT_FAILURE, campaign->work, strerror(errno));
        return false;
    }
    struct zap_target_answer answer;
    zap_target_run(&campaign->setup, path, campaign->config.interrupted, &answer);
    unlink(path);
    if (answer.is_refusal)
        set_failure(campaign, ZAP_EXIT_FAILURE, campaign->executable, answer.reason);
    return !answer.is_refusal && !is_interrupted(campaign);
}

static bool start_engine(struct zap_campaign *campaign)
{
    size_t count = zap_engine_programs(&campaign->setup);
    struct zap_engine_command *commands = calloc(count, sizeof *commands);
    ZAP_CHECK(commands != NULL);
    for (size_t i = 0; i < count; i++)
        zap_engine_run(&campaign->setup, i, &commands[i]);
    bool is_good =
        zap_programs_start(commands, count, take_line, campaign, &campaign->programs) == ZAP_OK;
    if (!is_good)
        set_failure(campaign, ZAP_EXIT_FAILURE, "the engine cannot be started", strerror(errno));
    for (size_t i = 0; i < count; i++)
        zap_engine_command_release(&commands[i]);
    free(commands);
    return is_good;
}

/* It ended, or one of its programs did, and nobody had asked it to. */
static void judge_end(struct zap_campaign *campaign)
{
    int status = campaign->programs.status;
    bool is_new = campaign->progress.executions == 0;
    campaign->has_ended_itself = campaign->programs.running == 0;
    if (!is_new && (status == 0 || (campaign->has_ended_itself && WIFEXITED(status))))
        return; /* a flag made it so: a number of runs, the first finding */
    char what[512];
    bool is_theirs = is_new && campaign->config.flags_count > 0 && WIFEXITED(status) &&
                     campaign->rank != ZAP_ENGINE_RANK_TARGET;
    char flag[64] = "";
    if (is_theirs)
        snprintf(flag, sizeof flag, " (with %.40s)", campaign->config.flags[0]);
    snprintf(what, sizeof what, "%s %s%s%s; %.300s has all that it said; it says",
             zap_engine_name(campaign->config.engine),
             is_new ? "ended at once, without a single execution" : "ended unexpectedly",
             WIFSIGNALED(status) ? " by a signal" : "", flag, campaign->log);
    set_failure(campaign, is_theirs ? ZAP_EXIT_USAGE : ZAP_EXIT_FAILURE, what,
                campaign->last_words[0] ? campaign->last_words : "nothing");
}

/* Looks at files, so not at every look at the programs. */
static bool has_found_enough(struct zap_campaign *campaign)
{
    uint64_t max = campaign->config.max_findings;
    campaign->has_found_enough =
        max > 0 && zap_engine_findings(&campaign->setup, &campaign->progress) >= max;
    return campaign->has_found_enough;
}

static void run_engine(struct zap_campaign *campaign)
{
    const struct zap_engine_progress *progress = &campaign->progress;
    int64_t started_at_ms = 0; /* to fuzz: first it looks at its corpus, which may take long */
    bool is_over = !start_engine(campaign);
    uint64_t executions = 0;
    int64_t read_at_ms = 0;
    while (!is_over && campaign->programs.running > 0) {
        zap_programs_look(&campaign->programs, LOOK_MS);
        int64_t now_ms = zap_clock_ms();
        bool is_time = now_ms - read_at_ms >= ZAP_CAMPAIGN_TICK_MS;
        if (is_time) {
            read_at_ms = now_ms;
            zap_engine_read_files(&campaign->setup, false, &campaign->progress);
        }
        if (started_at_ms == 0 && (progress->has_begun || progress->executions > 0)) {
            campaign->state = ZAP_CAMPAIGN_FUZZING;
            started_at_ms = now_ms;
        }
        if (started_at_ms != 0)
            campaign->seconds = (double)(now_ms - started_at_ms) / 1000;
        if (executions != progress->executions) {
            executions = progress->executions;
            campaign->counted_at = campaign->seconds;
        }
        tick(campaign);
        is_over = is_interrupted(campaign) || campaign->has_bad_flag ||
                  (campaign->config.time_ms && started_at_ms != 0 &&
                   now_ms - started_at_ms >= (int64_t)campaign->config.time_ms) ||
                  (is_time && has_found_enough(campaign));
    }
    int early_status = campaign->programs.status;
    campaign->state = ZAP_CAMPAIGN_STOPPING;
    if (is_over && campaign->programs.running > 0)
        zap_programs_stop(&campaign->programs, zap_engine_stop_signal(campaign->config.engine),
                          STOP_MS);
    if (started_at_ms != 0)
        campaign->seconds = (double)(zap_clock_ms() - started_at_ms) / 1000;
    zap_engine_read_files(&campaign->setup, true, &campaign->progress);
    if (campaign->has_bad_flag)
        set_failure(campaign, ZAP_EXIT_USAGE, zap_engine_name(campaign->config.engine),
                    campaign->last_words);
    if (campaign->failure_status == 0 && (!is_over || early_status != 0)) {
        campaign->programs.status = early_status;
        judge_end(campaign);
    }
    if (campaign->progress.executions == 0 && !campaign->was_interrupted)
        set_failure(campaign, ZAP_EXIT_FAILURE, "no plan was run in that time",
                    campaign->last_words[0] ? campaign->last_words : "give it a longer --time");
    zap_programs_release(&campaign->programs);
}

/* ------------------------------------------------------------------ the course */

static void triage(struct zap_campaign *campaign, const char *corpus)
{
    zap_triage_run(&campaign->triage, corpus);
    if (campaign->triage.failure[0])
        set_failure(campaign, ZAP_EXIT_FAILURE, "triage", campaign->triage.failure);
}

/* What has to be there before the engine starts. */
static bool prepare(struct zap_campaign *campaign)
{
    char path[PATH_MAX];
    size_t count;
    if (!zap_files_join(path, campaign->work, "corpus") || !exchange(campaign, path, &count)) {
        set_failure(campaign, ZAP_EXIT_USAGE, campaign->config.corpus, strerror(errno));
        return false;
    }
    campaign->corpus_before = campaign->corpus_after = campaign->corpus_now = count;
    campaign->is_taken = true;
    if (zap_engine_prepare(&campaign->setup) != ZAP_OK || !open_log(campaign)) {
        set_failure(campaign, ZAP_EXIT_USAGE, campaign->work, strerror(errno));
        return false;
    }
    return true;
}

void zap_campaign_run(struct zap_campaign *campaign)
{
    const struct zap_campaign_config *config = &campaign->config;
    char corpus[PATH_MAX];
    bool is_short = zap_files_join(campaign->aside, campaign->work, "not-alone") &&
                    zap_files_join(corpus, campaign->work, "corpus");
    ZAP_CHECK(is_short); /* zap_engine_check */
    const struct zap_triage_config triage_config = {
        .row = config->row,
        .builds = config->builds,
        .knowns = config->knowns,
        .worker = {.deadline_ms = (uint32_t)config->deadline_ms,
                   .memory_kib = (uint32_t)(config->memory_mib * 1024)},
        .setup = &campaign->setup,
        .target = config->target,
        .out = config->out,
        .aside = campaign->aside,
        .interrupted = config->interrupted,
        .tick = tick_in_triage,
        .context = campaign,
    };
    campaign->state = ZAP_CAMPAIGN_LOOKING_BACK;
    zap_triage_init(&campaign->triage, &triage_config);
    if (!prepare(campaign))
        return;
    triage(campaign, corpus);
    campaign->state = ZAP_CAMPAIGN_STARTING;
    tick(campaign);
    if (campaign->failure_status != 0 || is_interrupted(campaign) || !is_target_good(campaign))
        return;
    zap_engine_forget(&campaign->setup);
    campaign->is_taken = false;
    run_engine(campaign);

    size_t count;
    if (exchange(campaign, corpus, &count)) {
        campaign->corpus_after = campaign->corpus_now = count;
        campaign->is_taken = true;
    } else {
        set_failure(campaign, ZAP_EXIT_FAILURE,
                    "what was found could not be added to the corpus, and stays in the work folder",
                    strerror(errno));
    }
    campaign->state = ZAP_CAMPAIGN_TRIAGING;
    if (is_interrupted(campaign))
        campaign->triage.config.interrupted = NULL; /* that was for the engine */
    triage(campaign, NULL);
}

/* Run the engine's minimiser to its end. */
static bool run_minimiser(struct zap_campaign *campaign, const char *from, const char *to)
{
    const volatile sig_atomic_t *interrupted =
        campaign->was_interrupted ? NULL : campaign->config.interrupted;
    struct zap_engine_command command;
    if (!zap_engine_minimise(&campaign->setup, from, to, &command)) {
        snprintf(campaign->note, sizeof campaign->note, "afl-cmin is not there, or %.200s: %s", to,
                 strerror(errno));
        return false;
    }
    bool is_good =
        zap_programs_start(&command, 1, take_line, campaign, &campaign->programs) == ZAP_OK;
    zap_engine_command_release(&command);
    if (!is_good)
        snprintf(campaign->note, sizeof campaign->note, "%s", strerror(errno));
    int64_t until_ms = zap_clock_ms() + MINIMISE_MS;
    while (is_good && campaign->programs.running > 0) {
        zap_programs_look(&campaign->programs, LOOK_MS);
        tick(campaign);
        if (interrupted && *interrupted) {
            snprintf(campaign->note, sizeof campaign->note, "interrupted");
            is_good = false;
        } else if (zap_clock_ms() >= until_ms) {
            snprintf(campaign->note, sizeof campaign->note, "it took more than %d minutes",
                     MINIMISE_MS / 60000);
            is_good = false;
        }
    }
    if (is_good && campaign->programs.status != 0) {
        snprintf(campaign->note, sizeof campaign->note, "the engine failed; see %.300s",
                 campaign->log);
        is_good = false;
    }
    zap_programs_release(&campaign->programs);
    return is_good;
}

void zap_campaign_minimise(struct zap_campaign *campaign)
{
    char from[PATH_MAX], to[PATH_MAX], who[256];
    if (campaign->corpus_after == 0 || campaign->progress.executions == 0)
        return;
    if (!campaign->is_taken) {
        snprintf(campaign->note, sizeof campaign->note, "what was found is not in it yet");
        return;
    }
    campaign->state = ZAP_CAMPAIGN_MINIMISING;
    tick(campaign);
    snprintf(who, sizeof who, "%s-%s-%s", zap_engine_name(campaign->config.engine),
             campaign->config.target, campaign->config.row->name);
    bool is_short = zap_files_join(from, campaign->work, "corpus") &&
                    zap_files_join(to, campaign->work, "minimised");
    ZAP_CHECK(is_short);
    if (!zap_files_remove(to)) {
        snprintf(campaign->note, sizeof campaign->note, "%.300s: %s", to, strerror(errno));
        return;
    }
    if (!run_minimiser(campaign, from, to))
        return;
    int lock = zap_corpus_lock(&campaign->corpus);
    if (lock < 0 || zap_corpus_shrink(&campaign->corpus, who, from, to) != ZAP_OK)
        snprintf(campaign->note, sizeof campaign->note, "%.300s: %s", campaign->config.corpus,
                 strerror(errno));
    if (lock >= 0)
        close(lock);
    zap_files_remove(to);
    zap_corpus_count(&campaign->corpus, &campaign->corpus_now);
}

void zap_campaign_release(struct zap_campaign *campaign)
{
    zap_programs_release(&campaign->programs);
    if (campaign->is_taken)
        zap_engine_clean(&campaign->setup);
    zap_triage_release(&campaign->triage);
    if (campaign->log_file)
        fclose(campaign->log_file);
    if (campaign->lock >= 0)
        close(campaign->lock);
    campaign->log_file = NULL;
    campaign->lock = -1;
}

int zap_campaign_exit_status(const struct zap_campaign *campaign)
{
    if (campaign->failure_status != 0)
        return campaign->failure_status;
    return zap_triage_news(&campaign->triage) > 0 ? ZAP_EXIT_FINDINGS : ZAP_EXIT_OK;
}
