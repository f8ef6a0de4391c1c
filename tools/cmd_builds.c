/* What several commands do first: find the builds to work with, and read plan files. */
#include "cmd.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int zap_cmd_fail(const char *command, int status, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "pyzap %s: ", command);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

int zap_cmd_load_builds(const char *command, struct zap_builds *ret_builds)
{
    char why[512];
    struct zap_str text = zap_str_init(why, sizeof why);
    const char *folder = getenv("PYZAP_WORKERS");
    if (folder && !folder[0])
        folder = NULL;
    if (zap_builds_load(folder, ret_builds, &text) == ZAP_OK)
        return -1;
    if (folder)
        return zap_cmd_fail(command, ZAP_EXIT_USAGE, "PYZAP_WORKERS: %s", why);
    return zap_cmd_fail(command, ZAP_EXIT_FAILURE, "%s", why);
}

int zap_cmd_load_knowns(const char *command, const char *folder, const struct zap_builds *builds,
                        struct zap_knowns *ret_knowns)
{
    char text[512];
    struct zap_str why = zap_str_init(text, sizeof text);
    if (zap_knowns_load(folder, builds, ret_knowns, &why) != ZAP_OK)
        return zap_cmd_fail(command, ZAP_EXIT_USAGE, "%s", text);
    return -1;
}

/* Which builds the names mean, as a mark for each row. */
static int mark_chosen(const char *command, const struct zap_builds *builds,
                       const struct zap_option_list *names, bool *marks)
{
    int status = -1;
    for (size_t i = 0; i < names->count; i++) {
        char why[2048];
        struct zap_str text = zap_str_init(why, sizeof why);
        const struct zap_builds_row *row = zap_builds_find(builds, names->items[i], &text);
        if (row)
            marks[row - builds->rows] = true;
        else
            status = zap_cmd_fail(command, ZAP_EXIT_USAGE, "%s", why);
    }
    for (size_t i = 0; i < builds->count && names->count == 0; i++)
        marks[i] = builds->rows[i].is_usable;
    return status;
}

int zap_cmd_choose_builds(const char *command, const struct zap_builds *builds,
                          const struct zap_option_list *names,
                          const struct zap_builds_row ***ret_rows, size_t *ret_count)
{
    if (zap_builds_count_usable(builds) == 0)
        return zap_cmd_fail(command, ZAP_EXIT_FAILURE,
                            "no worker for any CPython in %s: install a CPython with its headers "
                            "(on Debian: apt-get install libpython3-dev) and build pyzap again",
                            builds->folder);
    bool *marks = calloc(builds->count, sizeof *marks);
    const struct zap_builds_row **rows = calloc(builds->count, sizeof *rows);
    ZAP_CHECK(marks != NULL && rows != NULL);
    int status = mark_chosen(command, builds, names, marks);
    size_t count = 0;
    for (size_t i = 0; i < builds->count; i++) {
        if (marks[i])
            rows[count++] = &builds->rows[i];
    }
    free(marks);
    if (status >= 0) {
        free(rows);
        return status;
    }
    *ret_rows = rows;
    *ret_count = count;
    return -1;
}

int zap_cmd_read_plans(const char *command, const struct zap_option_list *paths,
                       struct zap_inputs *ret_inputs)
{
    memset(ret_inputs, 0, sizeof *ret_inputs);
    for (size_t i = 0; i < paths->count; i++)
        zap_inputs_add(ret_inputs, paths->items[i]);
    if (ret_inputs->errors_count == 0)
        return -1;
    for (size_t i = 0; i < ret_inputs->errors_count; i++)
        zap_cmd_fail(command, ZAP_EXIT_USAGE, "%s", ret_inputs->errors[i]);
    zap_inputs_release(ret_inputs);
    return ZAP_EXIT_USAGE;
}
