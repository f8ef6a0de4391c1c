/* Command lines, environments and files of libFuzzer (clang 14) and AFL++ (4.04c).
 *
 * What of their ways decides how they are used here:
 *
 * - libFuzzer goes on past findings only in fork mode, which starts jobs through a shell, unquoted;
 *   so paths that a shell would take apart are refused. While a job runs its parent ignores SIGINT;
 *   on SIGTERM it ends at once, and leaves what the jobs at work have found under TMPDIR, which is
 *   therefore a folder of ours: what is there is taken into the corpus, then or at the next start.
 *   Jobs make and remove thousands of small files there, which on ext4 takes most of their time; so
 *   it is a link into memory where there is much of that: what a machine that loses its power loses
 *   are the finds of a few minutes.
 * - AFL++ could resume an earlier session, with all of a queue that nobody has made smaller. A new
 *   one with the corpus, which has what that one found, is as good and begins sooner. Instances are
 *   named after machine and session: so folders of several machines can be put side by side, and an
 *   instance that has read one queue up to a number does not miss the next one.
 */
#include "host/engine.h"

#include "base/check.h"
#include "host/corpus.h"
#include "host/files.h"
#include "plan/wire.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    HOST_MAX = 12,
    INSTANCE_SIZE = HOST_MAX + 32,
    PAGE_SIZE_MAX = 64 * 1024,
    MEMORY_MIN = 1 << 30, /* free, to put anything there */
};

static const char *const names[ZAP_ENGINE_COUNT] = {
    [ZAP_ENGINE_LIBFUZZER] = "libfuzzer",
    [ZAP_ENGINE_AFL] = "afl",
};

const char *zap_engine_name(enum zap_engine engine)
{
    return names[engine];
}

bool zap_engine_find(const char *name, enum zap_engine *ret_engine)
{
    for (int i = 0; i < ZAP_ENGINE_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_engine = (enum zap_engine)i;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ lists of strings */

struct strings {
    char **items; /* owned, and NULL after the last one */
    size_t count;
};

static void add(struct strings *strings, const char *fmt, ...) ZAP_PRINTF(2, 3);
static void add(struct strings *strings, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *item = NULL;
    int len = vasprintf(&item, fmt, args);
    va_end(args);
    char **items = realloc(strings->items, (strings->count + 2) * sizeof *items);
    ZAP_CHECK(len >= 0 && items != NULL);
    strings->items = items;
    items[strings->count++] = item;
    items[strings->count] = NULL;
}

static void free_strings(char **items)
{
    for (size_t i = 0; items && items[i]; i++)
        free(items[i]);
    free(items);
}

void zap_engine_command_release(struct zap_engine_command *command)
{
    free(command->path);
    free_strings(command->argv);
    free_strings(command->environment);
    memset(command, 0, sizeof *command);
}

/* One more variable, in place of what was inherited. */
static void set(struct strings *environment, const char *name, const char *value)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < environment->count; i++) {
        if (strncmp(environment->items[i], name, len) == 0 && environment->items[i][len] == '=') {
            free(environment->items[i]);
            environment->items[i] = environment->items[--environment->count];
            environment->items[environment->count] = NULL;
            break;
        }
    }
    add(environment, "%s=%s", name, value);
}

/* The same, unless somebody has set it. */
static void set_default(struct strings *environment, const char *name, const char *value)
{
    if (!getenv(name))
        set(environment, name, value);
}

/* One more setting of a sanitizer, unless somebody has set that one. */
static void set_option(struct strings *environment, const char *name, const char *key,
                       const char *value)
{
    const char *old = "";
    size_t len = strlen(name);
    for (size_t i = 0; i < environment->count; i++) {
        if (strncmp(environment->items[i], name, len) == 0 && environment->items[i][len] == '=')
            old = environment->items[i] + len + 1;
    }
    char text[1024];
    if (strstr(old, key) || snprintf(text, sizeof text, "%s%s%s=%s", old, old[0] ? ":" : "", key,
                                     value) >= (int)sizeof text)
        return;
    set(environment, name, text);
}

/* "WORK/NAME"; too long a path has been refused by zap_engine_check. */
static void work_path(const struct zap_engine_setup *setup, const char *name,
                      char ret_path[PATH_MAX])
{
    bool is_good = zap_files_join(ret_path, setup->work, name);
    ZAP_CHECK(is_good);
}

/* What every program that runs the target inherits. */
static struct strings base_environment(const struct zap_engine_setup *setup)
{
    struct strings environment = {0};
    char path[PATH_MAX];
    for (char **item = environ; *item; item++)
        add(&environment, "%s", *item);
    work_path(setup, "seen", path);
    set(&environment, "PYZAP_FUZZ_SEEN", path);
    work_path(setup, "tmp", path);
    set(&environment, "TMPDIR", path);
    /* The first two as AFL++ demands; interpreters leave much behind by design. */
    set_option(&environment, "ASAN_OPTIONS", "abort_on_error", "1");
    set_option(&environment, "ASAN_OPTIONS", "symbolize", "0");
    set_option(&environment, "ASAN_OPTIONS", "detect_leaks", "0");
    set_option(&environment, "UBSAN_OPTIONS", "halt_on_error", "1");
    set_option(&environment, "UBSAN_OPTIONS", "abort_on_error", "1");
    return environment;
}

static void finish(struct zap_engine_command *command, const char *path, struct strings *argv,
                   struct strings *environment)
{
    command->path = strdup(path);
    ZAP_CHECK(command->path != NULL);
    command->argv = argv->items;
    command->environment = environment->items;
}

/* As a shell finds a command. */
static bool find_program(const char *name, char ret_path[PATH_MAX])
{
    const char *path = getenv("PATH");
    while (path && *path) {
        int len = (int)strcspn(path, ":");
        if (snprintf(ret_path, PATH_MAX, "%.*s/%s", len, path, name) < PATH_MAX &&
            access(ret_path, X_OK) == 0)
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

/* ------------------------------------------------------------------ checks and preparations */

static bool is_plain_word(const char *path)
{
    for (; *path; path++) {
        if (!isalnum((unsigned char)*path) && !strchr("/._-+=:,@%", *path))
            return false;
    }
    return true;
}

static bool is_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    return zap_files_join(path, folder, name) && access(path, R_OK) == 0;
}

enum zap_status zap_engine_check(const struct zap_engine_setup *setup, struct zap_str *ret_why)
{
    char path[PATH_MAX];
    bool is_afl = setup->engine == ZAP_ENGINE_AFL;
    if (strlen(setup->work) > PATH_MAX / 2) {
        zap_str_printf(ret_why, "%.60s...: too long a path: give a shorter --out", setup->work);
        return ZAP_E_IO;
    }
    if (is_afl && !find_program("afl-fuzz", path)) {
        zap_str_add(ret_why, "afl-fuzz is not there: tools/setup --fuzz installs it");
        return ZAP_E_IO;
    }
    const char *const files[] = {"pyzap.dict", is_afl ? "afl-mutator.so" : "pyzap.dict"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (!is_file(setup->folder, files[i])) {
            zap_str_printf(ret_why, "%s/%s is missing: build pyzap again", setup->folder, files[i]);
            return ZAP_E_IO;
        }
    }
    const char *const paths[] = {setup->work, setup->target, setup->folder};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && !is_afl; i++) {
        if (!is_plain_word(paths[i])) {
            zap_str_printf(ret_why,
                           "%s: libFuzzer gives paths to a shell as they are, and this one has a "
                           "space or the like in it: %s",
                           paths[i], i == 0 ? "give another --out" : "use pyzap from elsewhere");
            return ZAP_E_IO;
        }
    }
    return ZAP_OK;
}

/* Call for each folder WORK/UPPER/.../LOWER..., by the beginnings of two names. */
static void each_folder(const char *upper, const char *upper_start, const char *lower_start,
                        void (*take)(const char *folder, void *context), void *context)
{
    char **uppers, **lowers;
    ssize_t uppers_count = zap_files_list(upper, &uppers);
    for (ssize_t i = 0; i < uppers_count; i++) {
        char middle[PATH_MAX], folder[PATH_MAX];
        if (strncmp(uppers[i], upper_start, strlen(upper_start)) != 0 ||
            !zap_files_join(middle, upper, uppers[i]))
            continue;
        ssize_t lowers_count = zap_files_list(middle, &lowers);
        for (ssize_t j = 0; j < lowers_count; j++) {
            struct stat about;
            if (strncmp(lowers[j], lower_start, strlen(lower_start)) == 0 &&
                zap_files_join(folder, middle, lowers[j]) && stat(folder, &about) == 0 &&
                S_ISDIR(about.st_mode))
                take(folder, context);
        }
        if (lowers_count >= 0)
            zap_files_free_names(lowers, lowers_count);
    }
    if (uppers_count >= 0)
        zap_files_free_names(uppers, uppers_count);
}

static void remove_tmp(const struct zap_engine_setup *setup)
{
    char path[PATH_MAX], real[PATH_MAX];
    struct stat about;
    work_path(setup, "tmp", path);
    bool is_link = lstat(path, &about) == 0 && S_ISLNK(about.st_mode);
    if (is_link && realpath(path, real) && stat(real, &about) == 0 && about.st_uid == geteuid())
        zap_files_remove(real);
    zap_files_remove(path);
}

/* The beginning of the names of AFL++'s instances on this machine: "HOST-". */
static void instance_prefix(char ret_prefix[HOST_MAX + 2])
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    snprintf(ret_prefix, HOST_MAX + 2, "%.*s", HOST_MAX, host[0] ? host : "host");
    for (char *at = ret_prefix; *at; at++) {
        if (!isalnum((unsigned char)*at) && *at != '-')
            *at = '_';
    }
    strcat(ret_prefix, "-");
}

/* HOST-NUMBER-SESSION; AFL++ takes 24 characters at most. */
static void instance_name(const struct zap_engine_setup *setup, size_t number,
                          char ret_name[INSTANCE_SIZE])
{
    char prefix[HOST_MAX + 2];
    instance_prefix(prefix);
    snprintf(ret_name, INSTANCE_SIZE, "%s%zu-%06x", prefix, number + 1,
             (unsigned)setup->session & 0xffffff);
}

/* Is it the name of one on this machine, of whatever session? */
static bool is_instance_here(const char *name)
{
    char prefix[HOST_MAX + 2];
    instance_prefix(prefix);
    size_t len = strlen(prefix);
    if (strncmp(name, prefix, len) != 0)
        return false;
    const char *at = name + len;
    size_t digits = strspn(at, "0123456789");
    return digits > 0 && at[digits] == '-' && strspn(at + digits + 1, "0123456789abcdef") == 6 &&
           at[digits + 7] == '\0';
}

static void note_artefacts(const char *folder, void *context)
{
    bool *any = context;
    char **files;
    ssize_t count = zap_files_list(folder, &files);
    for (ssize_t i = 0; i < count; i++)
        *any = *any || zap_engine_kind(folder, files[i]);
    if (count >= 0)
        zap_files_free_names(files, count);
}

void zap_engine_forget(const struct zap_engine_setup *setup)
{
    char folder[PATH_MAX], path[PATH_MAX], **instances;
    work_path(setup, "afl", folder);
    ssize_t count = zap_files_list(folder, &instances);
    for (ssize_t i = 0; i < count; i++) {
        bool any = false;
        each_folder(folder, instances[i], "crashes", note_artefacts, &any);
        each_folder(folder, instances[i], "hangs", note_artefacts, &any);
        if (!any && is_instance_here(instances[i]) && zap_files_join(path, folder, instances[i]))
            zap_files_remove(path);
    }
    if (count >= 0)
        zap_files_free_names(instances, count);
}

void zap_engine_clean(const struct zap_engine_setup *setup)
{
    char name[INSTANCE_SIZE], file[INSTANCE_SIZE + 32], path[PATH_MAX];
    remove_tmp(setup);
    work_path(setup, "corpus", path);
    zap_files_remove(path);
    for (size_t i = 0; i < setup->jobs; i++) {
        instance_name(setup, i, name);
        snprintf(file, sizeof file, "afl/%s/queue", name);
        work_path(setup, file, path);
        zap_files_remove(path);
    }
}

/* A folder in memory for this work folder alone, made or there already and ours. */
static bool make_memory_folder(const struct zap_engine_setup *setup, char ret_path[PATH_MAX])
{
    static const char memory[] = "/dev/shm";
    char real[PATH_MAX];
    struct statvfs room;
    struct stat about;
    if (!realpath(setup->work, real) || statvfs(memory, &room) < 0 ||
        (uint64_t)room.f_bavail * room.f_frsize < MEMORY_MIN)
        return false;
    uint64_t hash = zap_corpus_hash((const uint8_t *)real, strlen(real));
    snprintf(ret_path, PATH_MAX, "%s/pyzap-fuzz-%ld-%016" PRIx64, memory, (long)geteuid(), hash);
    if (mkdir(ret_path, 0700) < 0 && errno != EEXIST)
        return false;
    return lstat(ret_path, &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == geteuid();
}

static bool make_tmp(const struct zap_engine_setup *setup)
{
    char path[PATH_MAX], memory[PATH_MAX];
    remove_tmp(setup);
    work_path(setup, "tmp", path);
    if (make_memory_folder(setup, memory) && symlink(memory, path) == 0)
        return true;
    return zap_files_make_folders(path);
}

enum zap_status zap_engine_prepare(const struct zap_engine_setup *setup)
{
    static const char zeros[ZAP_SEEN_SIZE];
    char path[PATH_MAX];
    work_path(setup, "seen", path);
    if (!zap_files_write(path, zeros, sizeof zeros))
        return ZAP_E_IO;
    work_path(setup, "artefacts", path);
    if (!zap_files_make_folders(path) || !make_tmp(setup))
        return ZAP_E_IO;
    return ZAP_OK;
}

/* ------------------------------------------------------------------ commands */

size_t zap_engine_programs(const struct zap_engine_setup *setup)
{
    return setup->engine == ZAP_ENGINE_AFL ? (size_t)setup->jobs : 1;
}

static void add_flags(const struct zap_engine_setup *setup, struct strings *argv)
{
    for (size_t i = 0; i < setup->flags_count; i++)
        add(argv, "%s", setup->flags[i]);
}

/* What libFuzzer needs to be told whatever it does. */
static void add_limits(const struct zap_engine_setup *setup, int len_max, struct strings *argv)
{
    add(argv, "-max_len=%d", len_max);
    add(argv, "-timeout=%" PRIu64, (setup->deadline_ms + 999) / 1000);
    add(argv, "-rss_limit_mb=%" PRIu64, setup->memory_mib);
    add(argv, "-artifact_prefix=%s/artefacts/", setup->work);
    add(argv, "-print_final_stats=1");
    /* Which edges, not how often: with that, each number of objects is news, and what is is
     * drowned. On an instrumented 3.11 a chain of six __del__ is met within 60,000 runs, and
     * otherwise by one campaign of three within 110,000. */
    add(argv, "-use_counters=0");
}

static void run_libfuzzer(const struct zap_engine_setup *setup, struct zap_engine_command *command)
{
    struct strings argv = {0}, environment = base_environment(setup);
    add(&argv, "%s", setup->target);
    add(&argv, "-fork=%" PRIu64, setup->jobs);
    add(&argv, "-ignore_crashes=1");
    add(&argv, "-ignore_timeouts=1");
    add(&argv, "-ignore_ooms=1");
    add(&argv, "-entropic=0");    /* its bookkeeping takes most of the time with so many features */
    add(&argv, "-len_control=0"); /* a limit that starts small would cut plans down to nothing */
    add_limits(setup, ZAP_ENGINE_PLAN_MAX, &argv);
    add(&argv, "-dict=%s/pyzap.dict", setup->folder);
    add_flags(setup, &argv);
    add(&argv, "%s/corpus", setup->work);
    finish(command, setup->target, &argv, &environment);
}

static void run_afl(const struct zap_engine_setup *setup, size_t number,
                    struct zap_engine_command *command)
{
    struct strings argv = {0}, environment = base_environment(setup);
    char name[INSTANCE_SIZE], path[PATH_MAX];
    instance_name(setup, number, name);
    add(&argv, "afl-fuzz");
    add(&argv, "-i");
    add(&argv, "%s/corpus", setup->work);
    add(&argv, "-o");
    add(&argv, "%s/afl", setup->work);
    /* A main one goes through its queue in order and does not trim: good for one of many. */
    add(&argv, number == 0 && setup->jobs > 1 ? "-M" : "-S");
    add(&argv, "%s", name);
    add(&argv, "-m");
    add(&argv, "none");
    add(&argv, "-t");
    add(&argv, "%" PRIu64 "+", setup->deadline_ms); /* +: a plan of the corpus may be too slow */
    add(&argv, "-G");
    add(&argv, "%d", ZAP_ENGINE_PLAN_MAX);
    add(&argv, "-x");
    add(&argv, "%s/pyzap.dict", setup->folder);
    add_flags(setup, &argv);
    add(&argv, "--");
    add(&argv, "%s", setup->target);

    snprintf(path, sizeof path, "%s/afl-mutator.so", setup->folder);
    set(&environment, "AFL_CUSTOM_MUTATOR_LIBRARY", path);
    set(&environment, "AFL_NO_UI", "1");
    set_default(&environment, "AFL_CUSTOM_MUTATOR_ONLY", "1"); /* fuzz/afl_mutator.c */
    set(&environment, "AFL_NO_CRASH_README", "1");
    snprintf(path, sizeof path, "%d", ZAP_ENGINE_SLACK_MS);
    set_default(&environment, "AFL_FORKSRV_INIT_TMOUT", path);
    /* The rest is what containers and other people's machines make necessary. */
    set_default(&environment, "AFL_SKIP_CPUFREQ", "1");
    set_default(&environment, "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1");
    if (!getenv("AFL_NO_AFFINITY"))
        set_default(&environment, "AFL_TRY_AFFINITY", "1");
    if (!find_program("afl-fuzz", path))
        snprintf(path, sizeof path, "afl-fuzz"); /* gone since the check: the start will say so */
    finish(command, path, &argv, &environment);
}

void zap_engine_run(const struct zap_engine_setup *setup, size_t number,
                    struct zap_engine_command *ret_command)
{
    if (setup->engine == ZAP_ENGINE_AFL)
        run_afl(setup, number, ret_command);
    else
        run_libfuzzer(setup, ret_command);
}

void zap_engine_play(const struct zap_engine_setup *setup, const char *file,
                     struct zap_engine_command *ret_command)
{
    struct strings argv = {0}, environment = base_environment(setup);
    set(&environment, "PYZAP_FUZZ_SEEN", ""); /* all that it has to say */
    add(&argv, "%s", setup->target);
    if (setup->engine == ZAP_ENGINE_LIBFUZZER) {
        add(&argv, "-timeout=%" PRIu64, (setup->deadline_ms + 999) / 1000);
        add(&argv, "-rss_limit_mb=%" PRIu64, setup->memory_mib);
        add(&argv, "-artifact_prefix=%s/tmp/", setup->work);
    }
    add(&argv, "%s", file);
    finish(ret_command, setup->target, &argv, &environment);
}

bool zap_engine_minimise(const struct zap_engine_setup *setup, const char *from, const char *to,
                         struct zap_engine_command *ret_command)
{
    char path[PATH_MAX];
    struct strings argv = {0};
    if (setup->engine == ZAP_ENGINE_LIBFUZZER) {
        if (!zap_files_make_folders(to))
            return false;
        struct strings environment = base_environment(setup);
        add(&argv, "%s", setup->target);
        add(&argv, "-merge=1");
        add_limits(setup, ZAP_WIRE_MAX, &argv);
        add(&argv, "%s", to);
        add(&argv, "%s", from);
        finish(ret_command, setup->target, &argv, &environment);
        return true;
    }
    if (!find_program("afl-cmin", path))
        return false;
    struct strings environment = base_environment(setup);
    set(&environment, "AFL_ALLOW_TMP", "1");
    add(&argv, "afl-cmin");
    add(&argv, "-i");
    add(&argv, "%s", from);
    add(&argv, "-o");
    add(&argv, "%s", to);
    add(&argv, "-m");
    add(&argv, "none");
    add(&argv, "-t");
    add(&argv, "%" PRIu64, setup->deadline_ms);
    add(&argv, "--");
    add(&argv, "%s", setup->target);
    finish(ret_command, path, &argv, &environment);
    return true;
}

int zap_engine_stop_signal(enum zap_engine engine)
{
    return engine == ZAP_ENGINE_AFL ? SIGINT : SIGTERM;
}

/* ------------------------------------------------------------------ what it says */

static void raise_to(uint64_t *value, uint64_t other)
{
    if (other > *value)
        *value = other;
}

/* The number after a word in a line; false where it is not there. */
static bool number_after(const char *line, const char *word, uint64_t *ret_number)
{
    const char *at = strstr(line, word);
    if (!at || !isdigit((unsigned char)at[strlen(word)]))
        return false;
    *ret_number = strtoull(at + strlen(word), NULL, 10);
    return true;
}

void zap_engine_read_line(const struct zap_engine_setup *setup, const char *line,
                          struct zap_engine_progress *progress)
{
    static const char *const beginnings[] = {"starting to fuzz in ", "INITED", "ready to roll"};
    uint64_t number;
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        progress->has_begun = progress->has_begun || strstr(line, beginnings[i]);
    if (setup->engine != ZAP_ENGINE_LIBFUZZER || line[0] != '#')
        return;
    if (number_after(line, "#", &number))
        raise_to(&progress->executions, number);
    if (number_after(line, " corp: ", &number))
        progress->corpus = number;
    const char *deaths = strstr(line, "oom/timeout/crash: ");
    uint64_t oom, timeout, crash;
    if (deaths && sscanf(deaths, "oom/timeout/crash: %" SCNu64 "/%" SCNu64 "/%" SCNu64, &oom,
                         &timeout, &crash) == 3)
        progress->artefacts = oom + timeout + crash;
}

/* A text file's end, or all of it. Returns false where there is none. */
static bool read_end(const char *path, char ret_page[PAGE_SIZE_MAX])
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    if (fseek(file, -(long)(PAGE_SIZE_MAX - 1), SEEK_END) < 0)
        rewind(file);
    size_t len = fread(ret_page, 1, PAGE_SIZE_MAX - 1, file);
    ret_page[len] = '\0';
    fclose(file);
    return true;
}

/* A libFuzzer job that was at work when everything ended: in its log. */
static uint64_t executions_of_job(const char *log)
{
    static char page[PAGE_SIZE_MAX];
    uint64_t most = 0, number;
    if (!read_end(log, page))
        return 0;
    for (const char *line = page; *line;) {
        if ((line[0] == '#' && number_after(line, "#", &number)) ||
            number_after(line, "stat::number_of_executed_units: ", &number))
            raise_to(&most, number);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return most;
}

static void add_jobs(const struct zap_engine_setup *setup, struct zap_engine_progress *progress)
{
    char tmp[PATH_MAX], **uppers, **logs;
    work_path(setup, "tmp", tmp);
    ssize_t uppers_count = zap_files_list(tmp, &uppers);
    for (ssize_t i = 0; i < uppers_count; i++) {
        char folder[PATH_MAX], log[PATH_MAX];
        ssize_t logs_count =
            zap_files_join(folder, tmp, uppers[i]) ? zap_files_list(folder, &logs) : -1;
        for (ssize_t j = 0; j < logs_count; j++) {
            size_t digits = strspn(logs[j], "0123456789");
            if (digits > 0 && strcmp(logs[j] + digits, ".log") == 0 &&
                zap_files_join(log, folder, logs[j]))
                progress->executions += executions_of_job(log);
        }
        if (logs_count >= 0)
            zap_files_free_names(logs, logs_count);
    }
    if (uppers_count >= 0)
        zap_files_free_names(uppers, uppers_count);
}

/* One column, from 1, of the last line of an instance's plot_data: what it did up to a few seconds
 * ago. */
static uint64_t plot_column(const char *line, int column)
{
    for (; column > 1 && line; column--) {
        line = strchr(line, ',');
        line = line ? line + 1 : NULL;
    }
    return line ? strtoull(line, NULL, 10) : 0;
}

enum { PLOT_CORPUS = 4, PLOT_CRASHES = 8, PLOT_HANGS = 9, PLOT_EXECUTIONS = 12 };

static void add_instance(const struct zap_engine_setup *setup, size_t number, bool is_over,
                         struct zap_engine_progress *progress)
{
    static char page[PAGE_SIZE_MAX];
    char name[INSTANCE_SIZE], file[INSTANCE_SIZE + 32], path[PATH_MAX];
    instance_name(setup, number, name);
    snprintf(file, sizeof file, "afl/%s/plot_data", name);
    work_path(setup, file, path);
    uint64_t executions = 0, value = 0;
    if (read_end(path, page)) {
        char *end = page + strlen(page);
        while (end > page && end[-1] == '\n')
            *--end = '\0';
        const char *line = strrchr(page, '\n');
        line = line ? line + 1 : page;
        if (line[0] != '#') {
            executions = plot_column(line, PLOT_EXECUTIONS);
            raise_to(&progress->corpus, plot_column(line, PLOT_CORPUS));
            progress->artefacts += plot_column(line, PLOT_CRASHES) + plot_column(line, PLOT_HANGS);
        }
    }
    snprintf(file, sizeof file, "afl/%s/fuzzer_stats", name);
    work_path(setup, file, path);
    if (is_over && read_end(path, page) && number_after(page, "execs_done        : ", &value))
        raise_to(&executions, value);
    progress->executions += executions;
}

static void read_instances(const struct zap_engine_setup *setup, bool is_over,
                           struct zap_engine_progress *progress)
{
    struct zap_engine_progress all = {.has_begun = progress->has_begun};
    for (size_t i = 0; i < setup->jobs; i++)
        add_instance(setup, i, is_over, &all);
    raise_to(&all.executions, progress->executions);
    *progress = all;
}

void zap_engine_read_files(const struct zap_engine_setup *setup, bool is_over,
                           struct zap_engine_progress *progress)
{
    if (setup->engine == ZAP_ENGINE_AFL)
        read_instances(setup, is_over, progress);
    else if (is_over)
        add_jobs(setup, progress);
}

uint64_t zap_engine_findings(const struct zap_engine_setup *setup,
                             const struct zap_engine_progress *progress)
{
    uint64_t slots[ZAP_SEEN_SIZE / sizeof(uint64_t)] = {0}, kinds = 0, told = 0;
    char path[PATH_MAX];
    work_path(setup, "seen", path);
    if (zap_files_read(path, slots, sizeof slots) < 0)
        return 0;
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        kinds += slots[i] != 0;
        told += slots[i] & ((1u << ZAP_SEEN_COUNT_BITS) - 1);
    }
    /* Engines count an artefact after the target has told of it, where it has. */
    return kinds + (progress->artefacts > told);
}

#define UNKNOWN_FLAG "WARNING: unrecognized flag "

bool zap_engine_minds_flag(const char *line)
{
    return strncmp(line, UNKNOWN_FLAG, strlen(UNKNOWN_FLAG)) == 0;
}

enum zap_engine_rank zap_engine_rank_line(const char *line, const char **ret_reason)
{
    static const struct {
        const char *mark;
        bool is_at_start, is_said;
        enum zap_engine_rank rank;
    } rows[] = {
        {"pyzap: ", true, false, ZAP_ENGINE_RANK_TARGET},
        {"PROGRAM ABORT : ", false, false, ZAP_ENGINE_RANK_ENGINE},
        {"SYSTEM ERROR : ", false, false, ZAP_ENGINE_RANK_ENGINE},
        {"ERROR: ", true, false, ZAP_ENGINE_RANK_ENGINE},
        {UNKNOWN_FLAG, true, true, ZAP_ENGINE_RANK_ENGINE},
        {"cannot start ", true, true, ZAP_ENGINE_RANK_ENGINE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *at = strstr(line, rows[i].mark);
        if (!at || (rows[i].is_at_start && at != line))
            continue;
        *ret_reason = rows[i].is_said ? at : at + strlen(rows[i].mark);
        return rows[i].rank;
    }
    if (line[strspn(line, " \t")] == '\0')
        return ZAP_ENGINE_RANK_NONE;
    *ret_reason = line;
    return ZAP_ENGINE_RANK_ANY;
}

/* ------------------------------------------------------------------ what it leaves */

void zap_engine_each_corpus(const struct zap_engine_setup *setup,
                            void (*take)(const char *folder, void *context), void *context)
{
    char path[PATH_MAX];
    work_path(setup, "corpus", path);
    take(path, context);
    work_path(setup, "tmp", path);
    each_folder(path, "libFuzzerTemp.", "C", take, context);
    work_path(setup, "afl", path);
    each_folder(path, "", "queue", take, context);
    each_folder(path, "", "_resume", take, context); /* it ended while it was starting */
}

void zap_engine_each_artefacts(const struct zap_engine_setup *setup,
                               void (*take)(const char *folder, void *context), void *context)
{
    char path[PATH_MAX];
    work_path(setup, "artefacts", path);
    take(path, context);
    work_path(setup, "afl", path);
    each_folder(path, "", "crashes", take, context);
    each_folder(path, "", "hangs", take, context);
}

const char *zap_engine_kind(const char *folder, const char *name)
{
    static const char *const kinds[] = {"crash", "timeout", "oom", "leak", "slow-unit"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t len = strlen(kinds[i]);
        if (strncmp(name, kinds[i], len) == 0 && name[len] == '-')
            return kinds[i];
    }
    const char *slash = strrchr(folder, '/');
    const char *last = slash ? slash + 1 : folder;
    if (strncmp(name, "id:", 3) != 0)
        return NULL;
    return strncmp(last, "hangs", 5) == 0 ? "timeout" : "crash";
}
