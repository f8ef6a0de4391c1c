/* The list of builds, as the build system left it beside the workers.
 *
 * builds.tsv (cmake/Workers.cmake describes it) says which interpreters were looked at; the worker
 * files are what can really run. Both count: a row whose worker is missing is unusable, and a
 * worker without a row is usable, so that a worker built by hand only has to be put there.
 */
#include "host/builds.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER_PREFIX "worker-"

static struct zap_builds_row *add_row(struct zap_builds *builds)
{
    struct zap_builds_row *rows = realloc(builds->rows, (builds->count + 1) * sizeof *builds->rows);
    if (!rows)
        return NULL;
    builds->rows = rows;
    struct zap_builds_row *row = &rows[builds->count++];
    memset(row, 0, sizeof *row);
    return row;
}

static struct zap_builds_row *find_row(const struct zap_builds *builds, const char *name)
{
    for (size_t i = 0; i < builds->count; i++) {
        if (strcmp(builds->rows[i].name, name) == 0)
            return &builds->rows[i];
    }
    return NULL;
}

/* Cut the next column off a line. */
static const char *next_column(char **line)
{
    char *column = *line ? *line : (char *)"-";
    if (*line) {
        char *tab = strchr(*line, '\t');
        if (tab)
            *tab++ = '\0';
        *line = tab;
    }
    return column;
}

#define COPY(to, from) snprintf(to, sizeof(to), "%s", from)

static bool take_line(struct zap_builds *builds, char *line)
{
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0')
        return true;
    struct zap_builds_row *row = add_row(builds);
    if (!row)
        return false;
    COPY(row->name, next_column(&line));
    row->is_usable = strcmp(next_column(&line), "usable") == 0;
    COPY(row->version, next_column(&line));
    COPY(row->mode, next_column(&line));
    COPY(row->python, next_column(&line));
    const char *detail = next_column(&line);
    if (!row->is_usable) {
        COPY(row->reason, detail);
        return true;
    }
    int len = snprintf(row->worker, sizeof row->worker, "%s/%s", builds->folder, detail);
    if (len >= (int)sizeof row->worker || access(row->worker, X_OK) < 0) {
        row->is_usable = false;
        snprintf(row->reason, sizeof row->reason, "its %.60s is missing: build pyzap again",
                 detail);
    }
    return true;
}

static bool read_table(struct zap_builds *builds, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    bool is_good = true;
    while (is_good && getline(&line, &size, file) >= 0)
        is_good = take_line(builds, line);
    free(line);
    return is_good && !ferror(file);
}

/* Workers that have no row. */
static bool add_workers(struct zap_builds *builds, DIR *dir)
{
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name + strlen(WORKER_PREFIX);
        if (strncmp(entry->d_name, WORKER_PREFIX, strlen(WORKER_PREFIX)) != 0 || !*name ||
            strlen(name) >= sizeof builds->rows->name || find_row(builds, name))
            continue;
        char path[PATH_MAX];
        int len = snprintf(path, sizeof path, "%s/%s", builds->folder, entry->d_name);
        if (len >= (int)sizeof path || access(path, X_OK) < 0)
            continue;
        struct zap_builds_row *row = add_row(builds);
        if (!row)
            return false;
        COPY(row->name, name);
        COPY(row->version, "-");
        COPY(row->mode, "-");
        COPY(row->python, "-");
        COPY(row->worker, path);
        row->is_usable = true;
    }
    return true;
}

/* ../libexec/pyzap, seen from the program's own file. */
static bool find_folder(char *ret_folder, size_t size)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return false;
    self[len] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(self, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
    return snprintf(ret_folder, size, "%s/libexec/pyzap", self) < (int)size;
}

static int compare_rows(const void *a, const void *b)
{
    return strverscmp(((const struct zap_builds_row *)a)->name,
                      ((const struct zap_builds_row *)b)->name);
}

static enum zap_status fail(struct zap_builds *builds, const char *what, struct zap_str *ret_why)
{
    zap_str_printf(ret_why, "%s: %s", what, strerror(errno));
    zap_builds_release(builds);
    return ZAP_E_IO;
}

enum zap_status zap_builds_load(const char *folder, struct zap_builds *ret_builds,
                                struct zap_str *ret_why)
{
    struct zap_builds *builds = ret_builds;
    memset(builds, 0, sizeof *builds);
    if (folder)
        COPY(builds->folder, folder);
    else if (!find_folder(builds->folder, sizeof builds->folder))
        return fail(builds, "cannot tell where pyzap is (is /proc mounted?)", ret_why);

    DIR *dir = opendir(builds->folder);
    if (!dir) {
        /* A place that somebody named has to be there; our own need not. */
        if (errno == ENOENT && !folder)
            return ZAP_OK;
        return fail(builds, builds->folder, ret_why);
    }
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/builds.tsv", builds->folder);
    FILE *file = fopen(path, "re");
    bool is_good = file ? read_table(builds, file) : errno == ENOENT;
    if (file)
        fclose(file);
    if (!is_good) {
        closedir(dir);
        return fail(builds, path, ret_why);
    }
    is_good = add_workers(builds, dir);
    closedir(dir);
    if (!is_good)
        return fail(builds, builds->folder, ret_why);
    if (builds->count > 0)
        qsort(builds->rows, builds->count, sizeof *builds->rows, compare_rows);
    return ZAP_OK;
}

void zap_builds_release(struct zap_builds *builds)
{
    free(builds->rows);
    memset(builds, 0, sizeof *builds);
}

static void list_names(const struct zap_builds *builds, const char *prefix, struct zap_str *out)
{
    const char *comma = "";
    for (size_t i = 0; i < builds->count; i++) {
        const struct zap_builds_row *row = &builds->rows[i];
        if (!row->is_usable || strncmp(row->name, prefix, strlen(prefix)) != 0)
            continue;
        zap_str_printf(out, "%s%s", comma, row->name);
        comma = ", ";
    }
    if (!*comma)
        zap_str_add(out, "none");
}

static bool is_same_file(const char *path, const char *other)
{
    if (strcmp(path, other) == 0)
        return true;
    char real[PATH_MAX], real_other[PATH_MAX];
    return realpath(path, real) && realpath(other, real_other) && strcmp(real, real_other) == 0;
}

/* "3.1" is not the start of "3.11.7" to a reader: a prefix ends where a part of the name does. */
static bool is_prefix(const char *prefix, const char *name)
{
    size_t len = strlen(prefix);
    return len > 0 && strncmp(prefix, name, len) == 0 &&
           !(prefix[len - 1] >= '0' && prefix[len - 1] <= '9' && name[len] >= '0' &&
             name[len] <= '9');
}

/* The one usable build that a prefix means; ret_count says how many it could. */
static const struct zap_builds_row *find_by_prefix(const struct zap_builds *builds,
                                                   const char *prefix, size_t *ret_count)
{
    const struct zap_builds_row *found = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < builds->count; i++) {
        if (builds->rows[i].is_usable && is_prefix(prefix, builds->rows[i].name)) {
            found = &builds->rows[i];
            ++*ret_count;
        }
    }
    return found;
}

static const struct zap_builds_row *find_by_python(const struct zap_builds *builds,
                                                   const char *path)
{
    for (size_t i = 0; i < builds->count; i++) {
        if (is_same_file(path, builds->rows[i].python))
            return &builds->rows[i];
    }
    return NULL;
}

const struct zap_builds_row *zap_builds_find(const struct zap_builds *builds, const char *text,
                                             struct zap_str *ret_why)
{
    const struct zap_builds_row *found = find_row(builds, text);
    if (!found && strchr(text, '/'))
        found = find_by_python(builds, text);
    if (!found) {
        size_t count;
        found = find_by_prefix(builds, text, &count);
        if (count > 1) {
            zap_str_printf(ret_why, "--python %s: more than one build: ", text);
            list_names(builds, text, ret_why);
            return NULL;
        }
    }
    if (found && found->is_usable)
        return found;
    if (found)
        zap_str_printf(ret_why, "--python %s: %s is unusable (%s); usable: ", text, found->name,
                       found->reason);
    else
        zap_str_printf(ret_why, "--python %s: no such build; usable: ", text);
    list_names(builds, "", ret_why);
    return NULL;
}

size_t zap_builds_count_usable(const struct zap_builds *builds)
{
    size_t count = 0;
    for (size_t i = 0; i < builds->count; i++)
        count += builds->rows[i].is_usable;
    return count;
}
