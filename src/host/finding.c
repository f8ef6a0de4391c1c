/* Writes a finding's folder.
 *
 * The files are made in a hidden folder beside the final one and renamed into place, so that
 * what a person or a script finds in DIR is whole. Every write is checked up to the close, because
 * a disk that is full says so late. Where a folder of that name is there already (the same seed
 * gives the same findings), the files are renamed into it one by one, the plan as generated first,
 * so that it is never missing; and what else somebody put there stays.
 */
#include "host/finding.h"

#include "host/input.h"
#include "oracle/explain.h"
#include "plan/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PAGE_MAX = 2 * 1024 * 1024, /* of any of the files; a trace of ZAP_EVENTS_MAX events is one */
    ROUTES_END = 32,
};

/* The options that choose the session's plans. */
static void write_options(const struct zap_gen_config *gen, struct zap_str *out)
{
    zap_str_printf(out, " --seed %" PRIu64, gen->seed);
    if (gen->size)
        zap_str_printf(out, " --size %u", gen->size);
    for (unsigned i = 0; i < ROUTES_END; i++) {
        if (zap_route_row(i) && (gen->routes >> i & 1))
            zap_str_printf(out, " --route %s", zap_route_row(i)->token);
    }
}

static void write_head(const struct zap_finding_facts *facts, const char *comment,
                       struct zap_str *out)
{
    zap_str_printf(out, "%s%s on CPython %s: %s\n", comment, zap_verdict_row(facts->verdict)->name,
                   facts->build, facts->death ? facts->death->reason : facts->signature);
    zap_str_printf(out, "%spyzap gen", comment);
    write_options(facts->gen, out);
    zap_str_printf(out, " --from %" PRIu64 "\n", facts->index);
}

static void write_plan(const struct zap_finding_facts *facts, struct zap_str *out)
{
    char comment[1024];
    struct zap_str head = zap_str_init(comment, sizeof comment);
    write_head(facts, "# ", &head);
    if (facts->original)
        zap_str_printf(&head, "# shrunk from %u object%s to %u; original.plan is as generated\n",
                       facts->original->objects_count,
                       facts->original->objects_count == 1 ? "" : "s", facts->plan->objects_count);
    zap_input_print(facts->plan, comment, out);
}

static void write_original(const struct zap_finding_facts *facts, struct zap_str *out)
{
    char comment[1024];
    struct zap_str head = zap_str_init(comment, sizeof comment);
    write_head(facts, "# ", &head);
    zap_input_print(facts->original, comment, out);
}

static void write_trace(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_trace_print(facts->trace, out);
}

static void write_script(const struct zap_finding_facts *facts, struct zap_str *out)
{
    zap_source_script(facts->plan, out);
}

static void write_death(const struct zap_finding_facts *facts, struct zap_str *out)
{
    const struct zap_death *death = facts->death;
    zap_str_printf(out, "%s\n\nIt was at: %s.\n", zap_verdict_row(facts->verdict)->text,
                   zap_death_phase(death->phase));
    uint32_t count = facts->trace->events_count;
    if (count > 0) {
        zap_str_printf(out, "The last of %u events: ", (unsigned)count);
        zap_trace_print_event(facts->trace, count - 1, out);
        zap_str_add(out, "\n");
    } else {
        zap_str_add(out, "No event was recorded.\n");
    }
    if (death->tail[0])
        zap_str_printf(out, "\nThe end of what the process printed:\n\n%s\n", death->tail);
}

/* Is this the smallest plan, and does it do it by itself? */
static void write_size(const struct zap_finding_facts *facts, struct zap_str *out)
{
    const struct zap_plan *plan = facts->plan, *original = facts->original;
    switch (facts->alone) {
    case ZAP_ALONE_UNKNOWN:
        zap_str_printf(out,
                       "The plan is as generated; `pyzap shrink --python %s plan.plan` looks for a "
                       "smaller one.\n",
                       facts->build);
        return;
    case ZAP_ALONE_YES:
        if (original)
            zap_str_printf(out,
                           "The plan was shrunk: it had %u objects, %u links and %u actions, and "
                           "has %u, %u and %u.\noriginal.plan is the plan as generated.\n",
                           original->objects_count, original->links_count, original->acts_count,
                           plan->objects_count, plan->links_count, plan->acts_count);
        else
            zap_str_add(out,
                        "The plan is as generated: no smaller one was found that does this.\n");
        return;
    case ZAP_ALONE_NO:
        zap_str_printf(out,
                       "The plan is as generated, and did not repeat alone: what happened depends "
                       "on what ran before.\nTo see it again, run\n\n"
                       "  pyzap check --python %s",
                       facts->build);
        write_options(facts->gen, out);
        zap_str_printf(out, " --plans %" PRIu64 "\n", facts->index + 1);
        return;
    }
}

static void write_why(const struct zap_finding_facts *facts, struct zap_str *out)
{
    write_head(facts, "", out);
    zap_str_printf(out, "%s\n\n", facts->trace->build.banner);
    write_size(facts, out);
    zap_str_add(out, "\n");
    if (facts->judgement)
        zap_judge_explain(facts->plan, facts->trace, facts->judgement, out);
    if (facts->death)
        write_death(facts, out);
    zap_str_add(out, "\nThe plan\n\n");
    zap_explain_plan(facts->plan, out);
    if (facts->alone == ZAP_ALONE_NO)
        return; /* then there is nothing to see in this folder */
    zap_str_printf(out,
                   "\nSee it again, in this folder\n\n"
                   "  pyzap replay --python %s plan.plan\n"
                   "  pyzap show --python %s plan.plan\n"
                   "  %s repro.py\n",
                   facts->build, facts->build,
                   strcmp(facts->python, "-") == 0 ? "python" : facts->python);
}

static const struct {
    const char *name;
    void (*write)(const struct zap_finding_facts *facts, struct zap_str *out);
} files[] = {
    {"original.plan", write_original}, /* first: see move_into_place */
    {"plan.plan", write_plan},         {"trace.txt", write_trace},
    {"repro.py", write_script},        {"why.txt", write_why},
};
enum { FILES_COUNT = sizeof files / sizeof files[0] };

static bool has_file(const struct zap_finding_facts *facts, size_t i)
{
    return files[i].write != write_original || facts->original;
}

static enum zap_status fail(struct zap_str *why, const char *what)
{
    zap_str_printf(why, "%s: %s", what, strerror(errno));
    return ZAP_E_IO;
}

/* As mkdir -p. */
static bool make_folders(const char *path)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *slash = part + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    struct stat about;
    if (mkdir(part, 0777) == 0)
        return true;
    if (errno != EEXIST || stat(part, &about) < 0)
        return false;
    errno = ENOTDIR;
    return S_ISDIR(about.st_mode);
}

static bool write_file(const char *path, const struct zap_str *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    size_t done = 0;
    while (done < text->len) {
        ssize_t wrote = write(fd, text->data + done, text->len - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            int error = wrote < 0 ? errno : ENOSPC;
            close(fd);
            errno = error;
            return false;
        }
        done += (size_t)wrote;
    }
    return close(fd) == 0;
}

/* "FOLDER/NAME", or false with errno where that is too long. */
static bool join(char ret_path[PATH_MAX], const char *folder, const char *name)
{
    errno = ENAMETOOLONG;
    return snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

static void remove_folder(const char *folder)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < FILES_COUNT; i++) {
        if (join(path, folder, files[i].name))
            unlink(path);
    }
    rmdir(folder);
}

static enum zap_status write_files(const char *folder, const struct zap_finding_facts *facts,
                                   struct zap_str *why)
{
    char *page = malloc(PAGE_MAX);
    if (!page)
        return fail(why, folder);
    enum zap_status status = ZAP_OK;
    for (size_t i = 0; i < FILES_COUNT && status == ZAP_OK; i++) {
        char path[PATH_MAX];
        if (!has_file(facts, i))
            continue;
        struct zap_str text = zap_str_init(page, PAGE_MAX);
        files[i].write(facts, &text);
        if (!join(path, folder, files[i].name) || !write_file(path, &text))
            status = fail(why, path);
    }
    free(page);
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
        if (!join(old, from, files[i].name) || !join(new, to, files[i].name))
            return false;
        if (has_file(facts, i) ? rename(old, new) < 0 : unlink(new) < 0 && errno != ENOENT)
            return false;
    }
    return rmdir(from) == 0;
}

enum zap_status zap_finding_file(const char *dir, const struct zap_finding_facts *facts,
                                 char *ret_path, struct zap_str *ret_why)
{
    char name[160], hidden[200], path[PATH_MAX], draft[PATH_MAX];
    snprintf(name, sizeof name, "%s-%s-%" PRIu64, facts->build, facts->signature, facts->index);
    snprintf(hidden, sizeof hidden, ".%s.%ld", name, (long)getpid());
    if (!join(path, dir, name) || !join(draft, dir, hidden) || !make_folders(dir) ||
        (mkdir(draft, 0777) < 0 && errno != EEXIST))
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
