/* Writes a finding's folder.
 *
 * The files are made in a hidden folder beside the final one and renamed into place, so that
 * what a person or a script finds in DIR is whole. Where a folder of that name is there already,
 * the files are renamed into it one by one, the plan as found first, so that it is never missing,
 * and min.plan last: while it says that the finding was not examined yet, the other files need not
 * be about the same plan. What else somebody put there stays.
 *
 * Who is killed leaves a hidden folder with a name that ends in its process id, and nothing else.
 * zap_finding_tidy removes those of the dead.
 */
#include "host/finding.h"

#include "host/examine.h"
#include "host/files.h"
#include "host/input.h"
#include "host/report.h"
#include "plan/source.h"
#include "plan/text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAGE_MAX = 2 * 1024 * 1024, /* of any of the files; a trace of ZAP_EVENTS_MAX events is one */
    HEADER_MAX = 4096,
    DOC_MAX = 8 * 1024,
    ROUTES_END = 32,
    NAME_MAX_LEN = 160,
};

static const char flaky_folder[] = ZAP_FINDING_FLAKY, again_plan[] = "again.plan",
                  earlier_plan[] = "earlier.plan", not_examined[] = ZAP_FINDING_NOT_EXAMINED;

/* ------------------------------------------------------------------ headers of plans */

void zap_finding_options(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_str_printf(out, " --seed %" PRIu64, facts->gen->seed);
    if (facts->gen->size)
        zap_str_printf(out, " --size %u", facts->gen->size);
    for (unsigned i = 0; i < ROUTES_END; i++) {
        if (zap_route_row(i) && (facts->gen->routes >> i & 1))
            zap_str_printf(out, " --route %s", zap_route_row(i)->token);
    }
}

/* The lines of an earlier session's header that say where its plan came from. */
static void write_earlier_origin(const char *header, const char *comment, struct zap_str *out)
{
    for (const char *line = header; *line;) {
        size_t len = strcspn(line, "\n");
        if (strncmp(line, "# pyzap gen ", 12) == 0 || strncmp(line, "# found by ", 11) == 0) {
            zap_str_add(out, comment);
            zap_str_add_bytes(out, line + 2, len - 2);
            zap_str_add(out, "\n");
        }
        line += len + (line[len] == '\n');
    }
}

void zap_finding_origin(const struct zap_finding_facts *facts, const char *comment,
                        struct zap_str *out)
{
    if (facts->earlier) {
        write_earlier_origin(facts->earlier, comment, out);
    } else if (facts->artefact) {
        zap_str_printf(out, "%sfound by `pyzap fuzz`, engine %s, target %s: %s\n", comment,
                       facts->artefact->engine, facts->artefact->target, facts->artefact->name);
    } else {
        zap_str_printf(out, "%spyzap gen", comment);
        zap_finding_options(facts, out);
        zap_str_printf(out, " --from %" PRIu64 "\n", facts->index);
    }
}

static void write_head(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_str_printf(out, "# %s on CPython %s: %s\n# signature %s\n",
                   zap_verdict_row(facts->verdict)->name, facts->build,
                   facts->death ? facts->death->reason : facts->signature, facts->signature);
}

static void write_builds(const struct zap_finding_facts *facts, struct zap_str *out)
{
    const struct zap_examination *examination = facts->examination;
    zap_str_add(out, "# builds");
    for (size_t i = 0; examination && i < examination->builds_count; i++) {
        if (examination->builds[i].effect == ZAP_EFFECT_AFFECTED)
            zap_str_printf(out, " %s", examination->builds[i].row->name);
    }
    if (!examination || examination->builds_count == 0)
        zap_str_printf(out, " %s", facts->build);
    zap_str_add(out, "\n");
}

static void write_min(const struct zap_finding_facts *facts, struct zap_str *out)
{
    char comment[HEADER_MAX];
    struct zap_str head = zap_str_init(comment, sizeof comment);
    write_head(facts, &head);
    write_builds(facts, &head);
    zap_finding_origin(facts, "# ", &head);
    if (facts->is_flaky)
        zap_str_add(&head, "# flaky: it did not happen again\n");
    else if (!facts->examination)
        zap_str_add(&head, not_examined);
    else if (!zap_plan_equal(facts->plan, facts->found))
        zap_str_printf(&head, "# shrunk from %u object%s to %u; found.plan is as it was found\n",
                       facts->found->objects_count, facts->found->objects_count == 1 ? "" : "s",
                       facts->plan->objects_count);
    zap_input_print(facts->plan, comment, out);
}

static void write_found(const struct zap_finding_facts *facts, struct zap_str *out)
{
    char comment[HEADER_MAX];
    struct zap_str head = zap_str_init(comment, sizeof comment);
    write_head(facts, &head);
    zap_finding_origin(facts, "# ", &head);
    if (zap_plan_equal(facts->plan, facts->found))
        zap_str_add(&head, facts->examination && !facts->is_flaky
                               ? "# min.plan is the same plan: none that is smaller was found\n"
                               : "# min.plan is the same plan: it was not made smaller\n");
    zap_input_print(facts->found, comment, out);
}

/* ------------------------------------------------------------------ the other files */

static void write_trace(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_trace_print(facts->trace, out);
    if (facts->is_flaky && facts->death && facts->death->tail[0])
        zap_str_printf(out, "\nThe end of what the process printed:\n\n%s\n", facts->death->tail);
}

static void write_doc_builds(const struct zap_examination *examination, enum zap_effect effect,
                             const char *heading, struct zap_str *out)
{
    const char *separator = heading;
    for (size_t i = 0; i < examination->builds_count; i++) {
        const struct zap_examined_build *one = &examination->builds[i];
        if (one->effect == effect) {
            zap_str_printf(out, "%s%s", separator, one->row->name);
            separator = ", ";
        }
    }
    zap_str_add(out, separator == heading ? "" : "\n");
}

/* What the script is about, in lines that are not too long. */
static void write_doc(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_str_printf(out, "CPython %s: ", facts->build);
    zap_report_what(facts, out);
    zap_str_add(out, "\n");
    for (int i = 0; facts->judgement && i < ZAP_INVARIANT_COUNT; i++) {
        const struct zap_invariant_row *row = zap_invariant_row((enum zap_invariant_code)i);
        if (strcmp(row->id, facts->signature) == 0)
            zap_str_printf(out, "\nWhat should hold:\n    %s\nSaid by:\n    %s\n", row->statement,
                           row->promise);
    }
    const struct zap_examination *examination = facts->examination;
    if (!examination)
        return;
    zap_str_add(out, "\n");
    write_doc_builds(examination, ZAP_EFFECT_AFFECTED, "Affected: ", out);
    write_doc_builds(examination, ZAP_EFFECT_UNAFFECTED, "Not affected: ", out);
    if (examination->why[0])
        zap_str_printf(out, "Seen when this file was run: %s\n", examination->why);
}

void zap_finding_script(const struct zap_finding_facts *facts, struct zap_str *out)
{
    char text[DOC_MAX];
    struct zap_str doc = zap_str_init(text, sizeof text);
    write_doc(facts, &doc);
    zap_source_repro(facts->repro ? facts->repro : facts->plan, text, facts->verdict == ZAP_BROKEN,
                     out);
}

static void write_artefact(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_str_add_bytes(out, (const char *)facts->artefact->bytes, facts->artefact->len);
}

static const struct {
    const char *name;
    void (*write)(const struct zap_finding_facts *facts, struct zap_str *out);
} files[] = {
    {"found.plan", write_found},      {"trace.txt", write_trace},
    {"repro.py", zap_finding_script}, {"report.md", zap_report_write},
    {"artefact.zap", write_artefact}, {"min.plan", write_min}, /* last: see move_into_place */
};
enum { FILES_COUNT = sizeof files / sizeof files[0] };

static bool has_file(const struct zap_finding_facts *facts, size_t i)
{
    if (files[i].write == write_artefact)
        return facts->artefact != NULL;
    return files[i].write != write_found || !facts->earlier;
}

/* ------------------------------------------------------------------ folders */

static enum zap_status fail(struct zap_str *why, const char *what)
{
    zap_str_printf(why, "%s: %s", what, strerror(errno));
    return ZAP_E_IO;
}

/* Remove a folder of ours; what is not ours in it keeps it. */
static void remove_folder(const char *folder)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < FILES_COUNT; i++) {
        if (zap_files_join(path, folder, files[i].name))
            unlink(path);
    }
    if (zap_files_join(path, folder, again_plan))
        unlink(path);
    if (zap_files_join(path, folder, earlier_plan))
        unlink(path);
    rmdir(folder);
}

static enum zap_status
write_file(const char *folder, const char *name, const struct zap_finding_facts *facts,
           void (*write)(const struct zap_finding_facts *facts, struct zap_str *out),
           struct zap_str *why)
{
    char path[PATH_MAX];
    char *page = malloc(PAGE_MAX);
    if (!page)
        return fail(why, folder);
    struct zap_str text = zap_str_init(page, PAGE_MAX);
    write(facts, &text);
    bool is_good = zap_files_join(path, folder, name) && zap_files_write(path, text.data, text.len);
    free(page);
    return is_good ? ZAP_OK : fail(why, path);
}

static enum zap_status write_files(const char *folder, const struct zap_finding_facts *facts,
                                   struct zap_str *why)
{
    enum zap_status status = ZAP_OK;
    for (size_t i = 0; i < FILES_COUNT && status == ZAP_OK; i++) {
        if (has_file(facts, i))
            status = write_file(folder, files[i].name, facts, files[i].write, why);
    }
    return status;
}

/* Give the folder its final name, or its files their places in the folder that has it. */
static bool move_into_place(const char *from, const char *to, const struct zap_finding_facts *facts)
{
    if (rename(from, to) == 0)
        return true;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return false;
    for (size_t i = 0; i < FILES_COUNT; i++) {
        char old[PATH_MAX], new[PATH_MAX];
        if (!zap_files_join(old, from, files[i].name) || !zap_files_join(new, to, files[i].name))
            return false;
        if (has_file(facts, i) ? rename(old, new) < 0
                               : !facts->earlier && unlink(new) < 0 && errno != ENOENT)
            return false;
    }
    return rmdir(from) == 0;
}

static void write_name(const struct zap_finding_facts *facts, char ret_name[NAME_MAX_LEN])
{
    struct zap_str name = zap_str_init(ret_name, NAME_MAX_LEN);
    zap_str_printf(&name, "%s-%s", facts->build, facts->signature);
}

/* The folder that a finding's folder is in. */
static bool place_of(const char *dir, const struct zap_finding_facts *facts,
                     char ret_path[PATH_MAX])
{
    if (facts->is_flaky)
        return zap_files_join(ret_path, dir, flaky_folder);
    errno = ENAMETOOLONG;
    return snprintf(ret_path, PATH_MAX, "%s", dir) < PATH_MAX;
}

bool zap_finding_path(const char *dir, const struct zap_finding_facts *facts,
                      char ret_path[PATH_MAX])
{
    char name[NAME_MAX_LEN], place[PATH_MAX];
    write_name(facts, name);
    return place_of(dir, facts, place) && zap_files_join(ret_path, place, name);
}

/* Make an empty draft beside where a finding goes. */
static bool make_draft(const char *dir, const struct zap_finding_facts *facts,
                       char ret_draft[PATH_MAX])
{
    char name[NAME_MAX_LEN], hidden[NAME_MAX_LEN + 40], place[PATH_MAX];
    write_name(facts, name);
    snprintf(hidden, sizeof hidden, ".%s.%ld", name, (long)getpid());
    return place_of(dir, facts, place) && zap_files_join(ret_draft, place, hidden) &&
           zap_files_make_folders(place) && (mkdir(ret_draft, 0777) == 0 || errno == EEXIST);
}

enum zap_status zap_finding_file(const char *dir, const struct zap_finding_facts *facts,
                                 char *ret_path, struct zap_str *ret_why)
{
    char path[PATH_MAX], draft[PATH_MAX];
    if (!zap_finding_path(dir, facts, path) || !make_draft(dir, facts, draft))
        return fail(ret_why, dir);
    enum zap_status status = write_files(draft, facts, ret_why);
    if (status == ZAP_OK && !move_into_place(draft, path, facts))
        status = fail(ret_why, path);
    if (status != ZAP_OK) {
        remove_folder(draft);
        return status;
    }
    snprintf(ret_path, PATH_MAX, "%s", path);
    return ZAP_OK;
}

enum zap_status zap_finding_file_first(const char *dir, const struct zap_finding_facts *facts,
                                       char *ret_path, bool *ret_was_there, struct zap_str *ret_why)
{
    char path[PATH_MAX], draft[PATH_MAX], old[PATH_MAX], new[PATH_MAX];
    if (!zap_finding_path(dir, facts, path))
        return fail(ret_why, dir);
    bool was_there = access(path, F_OK) == 0;
    if (!was_there) {
        enum zap_status status = zap_finding_file(dir, facts, ret_path, ret_why);
        if (status == ZAP_OK)
            *ret_was_there = false;
        return status;
    }
    if (!make_draft(dir, facts, draft))
        return fail(ret_why, dir);
    enum zap_status status = write_file(draft, again_plan, facts, write_found, ret_why);
    if (status == ZAP_OK && (!zap_files_join(old, draft, again_plan) ||
                             !zap_files_join(new, path, again_plan) || rename(old, new) < 0))
        status = fail(ret_why, path);
    remove_folder(draft);
    if (status != ZAP_OK)
        return status;
    snprintf(ret_path, PATH_MAX, "%s", path);
    *ret_was_there = true;
    return ZAP_OK;
}

enum zap_status zap_finding_settle_again(const char *path, bool instead, struct zap_str *ret_why)
{
    char again[PATH_MAX], found[PATH_MAX], earlier[PATH_MAX];
    if (!zap_files_join(again, path, again_plan) || !zap_files_join(found, path, "found.plan") ||
        !zap_files_join(earlier, path, earlier_plan))
        return fail(ret_why, path);
    if (instead && ((rename(found, earlier) < 0 && errno != ENOENT) || rename(again, found) < 0))
        return fail(ret_why, path);
    if (!instead && unlink(again) < 0 && errno != ENOENT)
        return fail(ret_why, path);
    return ZAP_OK;
}

enum zap_status zap_finding_set_apart(const char *dir, const struct zap_finding_facts *facts,
                                      struct zap_str *ret_why)
{
    char path[PATH_MAX], draft[PATH_MAX];
    struct zap_finding_facts plain = *facts;
    plain.is_flaky = false;
    if (!zap_finding_path(dir, &plain, path) || !make_draft(dir, &plain, draft) ||
        rename(path, draft) < 0)
        return fail(ret_why, dir);
    remove_folder(draft);
    return ZAP_OK;
}

/* ------------------------------------------------------------------ reading */

static bool read_plan(const char *folder, const char *name, char *text, size_t size,
                      struct zap_plan *ret_plan)
{
    char path[PATH_MAX];
    struct zap_text_error error;
    ssize_t len = zap_files_join(path, folder, name) ? zap_files_read(path, text, size - 1) : -1;
    if (len < 0)
        return false;
    text[len] = '\0';
    return zap_text_parse(text, (size_t)len, ret_plan, &error) == ZAP_OK;
}

bool zap_finding_read(const char *path, struct zap_finding_filed *ret_filed)
{
    static char text[ZAP_TEXT_MAX + HEADER_MAX];
    if (!read_plan(path, "found.plan", text, sizeof text, &ret_filed->found))
        return false;
    struct zap_str header = zap_str_init(ret_filed->header, sizeof ret_filed->header);
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (line[0] == '#') {
            zap_str_add_bytes(&header, line, len);
            zap_str_add(&header, "\n");
        }
        line += len + (line[len] == '\n');
    }
    if (!read_plan(path, "min.plan", text, sizeof text, &ret_filed->min))
        return false;
    ret_filed->is_examined = strstr(text, not_examined) == NULL;
    return true;
}

/* ------------------------------------------------------------------ what the killed have left */

/* ".NAME.PID", and no process has that id; ours, at the beginning of a session, is another's. */
static bool is_left_behind(const char *name)
{
    const char *dot = strrchr(name, '.');
    char *end;
    if (name[0] != '.' || dot == name || !isdigit((unsigned char)dot[1]))
        return false;
    errno = 0;
    long pid = strtol(dot + 1, &end, 10);
    if (*end || errno || pid <= 0)
        return false;
    return pid == (long)getpid() || (kill((pid_t)pid, 0) < 0 && errno == ESRCH);
}

static void tidy_place(const char *place)
{
    DIR *dir = opendir(place);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        char path[PATH_MAX];
        if (is_left_behind(entry->d_name) && zap_files_join(path, place, entry->d_name))
            remove_folder(path);
    }
    if (dir)
        closedir(dir);
}

void zap_finding_tidy(const char *dir)
{
    char flaky[PATH_MAX];
    tidy_place(dir);
    if (zap_files_join(flaky, dir, flaky_folder))
        tidy_place(flaky);
}
