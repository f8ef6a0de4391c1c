/* Reads findings.
 *
 * A folder is a finding when its min.plan is a plan with the header that finding.c writes, and its
 * report and script are there. A session may be at work in it: each file is whole (files.h), and
 * min.plan comes last, so what is read is at worst from before and after one examination.
 */
#include "host/shelf.h"

#include "base/check.h"
#include "host/files.h"
#include "host/finding.h"
#include "plan/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 2 * 1024 * 1024 };

/* ------------------------------------------------------------------ files */

static char *copy_of(const char *text, size_t len)
{
    char *copy = strndup(text, len);
    ZAP_CHECK(copy != NULL);
    return copy;
}

/* No file leaves *ret_file as it is; returns false (errno) where it cannot be read. */
static bool read_file(const char *folder, const char *name, struct zap_shelf_file *ret_file)
{
    char path[PATH_MAX];
    char *bytes = malloc(FILE_MAX + 1);
    ZAP_CHECK(bytes != NULL);
    ssize_t len = zap_files_join(path, folder, name) ? zap_files_read(path, bytes, FILE_MAX) : -1;
    if (len < 0) {
        int error = errno;
        free(bytes);
        errno = error;
        return false;
    }
    bytes[len] = '\0';
    ret_file->bytes = realloc(bytes, (size_t)len + 1);
    ZAP_CHECK(ret_file->bytes != NULL);
    ret_file->len = (size_t)len;
    return true;
}

/* ------------------------------------------------------------------ the header of min.plan */

/* The rest of the line that begins so, as a copy; NULL where there is none. */
static char *rest_of_line(const char *text, const char *begin)
{
    size_t begin_len = strlen(begin);
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (strncmp(line, begin, begin_len) == 0)
            return copy_of(line + begin_len, len - begin_len);
        line += len + (line[len] == '\n');
    }
    return NULL;
}

/* "# BROKEN on CPython 3.13.0: I14" */
static bool read_head(const char *text, struct zap_shelf_finding *finding)
{
    static const char on[] = " on CPython ";
    for (int i = 0; i < ZAP_VERDICT_COUNT; i++) {
        const char *verdict = zap_verdict_row((enum zap_verdict)i)->name;
        char begin[64];
        snprintf(begin, sizeof begin, "# %s%s", verdict, on);
        char *rest = rest_of_line(text, begin);
        const char *colon = rest ? strstr(rest, ": ") : NULL;
        if (colon) {
            finding->verdict = copy_of(verdict, strlen(verdict));
            finding->build = copy_of(rest, (size_t)(colon - rest));
            finding->reason = copy_of(colon + 2, strlen(colon + 2));
        }
        free(rest);
        if (colon)
            break;
    }
    finding->signature = rest_of_line(text, "# signature ");
    finding->affected = rest_of_line(text, "# builds ");
    finding->is_examined = strstr(text, "\n" ZAP_FINDING_NOT_EXAMINED) == NULL;
    return finding->verdict && finding->signature;
}

/* ------------------------------------------------------------------ folders */

static void release_finding(struct zap_shelf_finding *finding)
{
    free(finding->name);
    free(finding->verdict);
    free(finding->build);
    free(finding->reason);
    free(finding->signature);
    free(finding->affected);
    free(finding->min.bytes);
    free(finding->found.bytes);
    free(finding->script.bytes);
    free(finding->report.bytes);
    free(finding->trace.bytes);
}

static void leave_out(struct zap_shelf *shelf, const char *name, const char *fmt, ...)
    ZAP_PRINTF(3, 4);

static void leave_out(struct zap_shelf *shelf, const char *name, const char *fmt, ...)
{
    char why[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    shelf->others = realloc(shelf->others, (shelf->others_count + 1) * sizeof *shelf->others);
    ZAP_CHECK(shelf->others != NULL);
    shelf->others[shelf->others_count++] =
        (struct zap_shelf_other){copy_of(name, strlen(name)), copy_of(why, strlen(why))};
}

/* Read one folder; false where it is no finding, with the reason among the others. */
static bool read_finding(struct zap_shelf *shelf, const char *path, const char *name,
                         struct zap_shelf_finding *finding)
{
    const struct {
        const char *name;
        struct zap_shelf_file *file;
        bool is_needed;
    } files[] = {
        {"min.plan", &finding->min, true},     {"repro.py", &finding->script, true},
        {"report.md", &finding->report, true}, {"found.plan", &finding->found, false},
        {"trace.txt", &finding->trace, false},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (!read_file(path, files[i].name, files[i].file) &&
            (files[i].is_needed || errno != ENOENT)) {
            leave_out(shelf, name, "no finding: %s: %s", files[i].name, strerror(errno));
            return false;
        }
    }
    struct zap_text_error error;
    if (zap_text_parse(finding->min.bytes, finding->min.len, &finding->plan, &error) != ZAP_OK) {
        leave_out(shelf, name, "no finding: min.plan:%u:%u: %s", error.line, error.column,
                  error.what);
        return false;
    }
    if (!read_head(finding->min.bytes, finding)) {
        leave_out(shelf, name,
                  "no finding: the head of min.plan does not say what broke on which build");
        return false;
    }
    return true;
}

static void add(struct zap_shelf *shelf, const char *path, const char *name, bool is_flaky)
{
    struct stat about;
    if (stat(path, &about) < 0) {
        leave_out(shelf, name, "%s", strerror(errno));
        return;
    }
    if (!S_ISDIR(about.st_mode)) {
        leave_out(shelf, name, "no finding: it is no folder");
        return;
    }
    struct zap_shelf_finding finding = {.name = copy_of(name, strlen(name)), .is_flaky = is_flaky};
    if (!read_finding(shelf, path, name, &finding)) {
        release_finding(&finding);
        return;
    }
    size_t count = shelf->findings_count;
    if ((count & (count - 1)) == 0) {
        shelf->findings =
            realloc(shelf->findings, (count ? 2 * count : 1) * sizeof *shelf->findings);
        ZAP_CHECK(shelf->findings != NULL);
    }
    shelf->findings[shelf->findings_count++] = finding;
}

/* All that is in `dir`, or in its folder of flaky ones. */
static bool add_all(struct zap_shelf *shelf, const char *dir, bool is_flaky)
{
    char **names;
    ssize_t count = zap_files_list(dir, &names);
    if (count < 0)
        return false;
    for (ssize_t i = 0; i < count; i++) {
        char path[PATH_MAX], name[PATH_MAX];
        if (!is_flaky && strcmp(names[i], ZAP_FINDING_FLAKY) == 0)
            continue;
        if (!zap_files_join(path, dir, names[i]) ||
            (is_flaky && !zap_files_join(name, ZAP_FINDING_FLAKY, names[i])))
            leave_out(shelf, names[i], "%s", strerror(errno));
        else
            add(shelf, path, is_flaky ? name : names[i], is_flaky);
    }
    zap_files_free_names(names, count);
    return true;
}

enum zap_status zap_shelf_read(const char *dir, struct zap_shelf *ret_shelf)
{
    struct zap_shelf shelf = {0};
    char flaky[PATH_MAX];
    if (!add_all(&shelf, dir, false))
        return ZAP_E_IO;
    if (!zap_files_join(flaky, dir, ZAP_FINDING_FLAKY) ||
        (!add_all(&shelf, flaky, true) && errno != ENOENT))
        leave_out(&shelf, ZAP_FINDING_FLAKY, "%s", strerror(errno));
    *ret_shelf = shelf;
    return ZAP_OK;
}

void zap_shelf_release(struct zap_shelf *shelf)
{
    for (size_t i = 0; i < shelf->findings_count; i++)
        release_finding(&shelf->findings[i]);
    for (size_t i = 0; i < shelf->others_count; i++) {
        free(shelf->others[i].name);
        free(shelf->others[i].why);
    }
    free(shelf->findings);
    free(shelf->others);
    *shelf = (struct zap_shelf){0};
}
