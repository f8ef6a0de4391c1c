/* Reads plan files.
 *
 * Nothing is taken on trust: what is too big to be a plan is not read to its end, links in folders
 * are not followed to other folders, and every path that gives no plan leaves exactly one line.
 */
#include "host/input.h"

#include "base/check.h"
#include "plan/text.h"
#include "plan/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 32 }; /* folders in folders */

static void add_error(struct zap_inputs *inputs, const char *path, const char *what)
{
    char **errors = realloc(inputs->errors, (inputs->errors_count + 1) * sizeof *errors);
    ZAP_CHECK(errors != NULL);
    inputs->errors = errors;
    char *line = NULL;
    int len = asprintf(&line, "%s: %s", path, what);
    ZAP_CHECK_CMP(len, >=, 0);
    errors[inputs->errors_count++] = line;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

static void add_plan(struct zap_inputs *inputs, const char *path, const char *bytes, size_t len)
{
    struct zap_input input = {0};
    if (has_suffix(path, ".zap")) {
        zap_wire_decode((const uint8_t *)bytes, len, &input.plan);
    } else {
        struct zap_text_error error;
        if (strspn(bytes, " \t\r\n") == len) {
            add_error(inputs, path,
                      "empty: a text plan begins with `pyzap plan 1` (see `pyzap gen`)");
            return;
        }
        if (zap_text_parse_labels(bytes, len, &input.plan, &input.labels, &error) != ZAP_OK ||
            zap_expect_parse(bytes, len, &input.expect, &error) != ZAP_OK) {
            char what[sizeof error.what + 32];
            snprintf(what, sizeof what, "line %u, column %u: %s", error.line, error.column,
                     error.what);
            add_error(inputs, path, what);
            return;
        }
    }
    struct zap_input *items = realloc(inputs->items, (inputs->count + 1) * sizeof *items);
    ZAP_CHECK(items != NULL);
    inputs->items = items;
    input.path = strdup(path);
    ZAP_CHECK(input.path != NULL);
    items[inputs->count++] = input;
}

/* Read to the end, or to one byte more than any plan has. Returns -1 with errno. */
static ssize_t read_some(int fd, char *bytes, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t got = read(fd, bytes + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static void add_file(struct zap_inputs *inputs, const char *path, int fd)
{
    char *bytes = malloc(ZAP_TEXT_FILE_MAX + 2);
    ZAP_CHECK(bytes != NULL);
    ssize_t len = read_some(fd, bytes, ZAP_TEXT_FILE_MAX + 1);
    if (len < 0) {
        char what[160];
        snprintf(what, sizeof what, "%s: is it a plan file?", strerror(errno));
        add_error(inputs, path, what);
    } else if (len > ZAP_TEXT_FILE_MAX) {
        add_error(inputs, path, "larger than 1 MiB, which no plan is: is it a plan file?");
    } else {
        bytes[len] = '\0';
        add_plan(inputs, path, bytes, (size_t)len);
    }
    free(bytes);
}

static void add_path(struct zap_inputs *inputs, const char *path, int depth);

static int is_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void add_folder(struct zap_inputs *inputs, const char *folder, int depth)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_wanted, alphasort);
    if (count < 0) {
        add_error(inputs, folder, strerror(errno));
        return;
    }
    size_t slash = strlen(folder);
    slash -= slash > 1 && folder[slash - 1] == '/';
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat about;
        int len = snprintf(path, sizeof path, "%.*s/%s", (int)slash, folder, entries[i]->d_name);
        bool is_short = len < (int)sizeof path;
        bool is_folder = is_short && lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
        bool is_plan = has_suffix(path, ".plan") || has_suffix(path, ".zap");
        if (is_short && (is_folder ? depth < DEPTH_MAX : is_plan))
            add_path(inputs, path, depth + 1);
        free(entries[i]);
    }
    free(entries);
}

static void add_path(struct zap_inputs *inputs, const char *path, int depth)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) < 0) {
        char what[160];
        snprintf(what, sizeof what, "%s: give a plan file or a folder of them", strerror(errno));
        add_error(inputs, path, what);
        return;
    }
    size_t before = inputs->count + inputs->errors_count;
    if (S_ISDIR(about.st_mode))
        add_folder(inputs, path, depth);
    else
        add_file(inputs, path, fd);
    if (!is_stdin)
        close(fd);
    if (depth == 0 && inputs->count + inputs->errors_count == before)
        add_error(inputs, path,
                  "no plan in this folder: plan files end in .plan (text) or .zap (wire)");
}

void zap_inputs_add(struct zap_inputs *inputs, const char *path)
{
    add_path(inputs, path, 0);
}

void zap_input_print(const struct zap_plan *plan, const char *comment, struct zap_str *out)
{
    char page[ZAP_TEXT_MAX];
    struct zap_str text = zap_str_init(page, sizeof page);
    zap_text_print(plan, &text);
    ZAP_CHECK(!text.cut);
    size_t first = strcspn(page, "\n") + 1;
    zap_str_add_bytes(out, page, first);
    zap_str_add(out, comment);
    zap_str_add(out, page + first);
}

void zap_inputs_release(struct zap_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        free(inputs->items[i].path);
        zap_expect_release(&inputs->items[i].expect);
    }
    for (size_t i = 0; i < inputs->errors_count; i++)
        free(inputs->errors[i]);
    free(inputs->items);
    free(inputs->errors);
    memset(inputs, 0, sizeof *inputs);
}
