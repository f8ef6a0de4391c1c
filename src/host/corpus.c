/* Keeps a corpus folder in order.
 *
 * Whoever adds a file makes it whole under a hidden name first, so a killed run leaves nothing half
 * that anybody reads; and half a file would still mean a plan. Removing is the last step of making
 * the corpus smaller: what is needed has been in the folder all the time, so an end at any moment
 * leaves too much, never too little. Whoever changes more than one file holds a lock on the folder
 * itself.
 *
 * An engine that has made the corpus smaller for one build says nothing about others: a plan that
 * takes a rare path in 3.13 may be dull in 3.11. So what each (engine, target, build) needs stands
 * in a list in DIR/.kept, and a plan goes when no list has it.
 */
#include "host/corpus.h"

#include "base/check.h"
#include "base/hash.h"
#include "host/files.h"
#include "plan/text.h"
#include "plan/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_FOLDER ".kept"

enum { HASH_DIGITS = 16, HASH_NAME_SIZE = HASH_DIGITS + sizeof ".zap" };

uint64_t zap_corpus_hash(const uint8_t *bytes, size_t len)
{
    uint64_t value = zap_hash_bytes(bytes, len);
    return value ^ value >> 32;
}

static void name_of(uint64_t hash, char ret_name[HASH_NAME_SIZE])
{
    snprintf(ret_name, HASH_NAME_SIZE, "%016" PRIx64 ".zap", hash);
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

/* Is it the name of a file that we made? */
static bool is_hash_name(const char *name, uint64_t *ret_hash)
{
    if (strspn(name, "0123456789abcdef") != HASH_DIGITS || strcmp(name + HASH_DIGITS, ".zap") != 0)
        return false;
    *ret_hash = strtoull(name, NULL, 16);
    return true;
}

/* ------------------------------------------------------------------ plans in files */

enum kind { KIND_PLAN, KIND_NONE, KIND_ERROR };

/* The plan that a file means; text where it is called *.plan. KIND_ERROR with errno: it could not
 * be read although it should be. */
static enum kind read_plan(const char *path, struct zap_plan *ret_plan)
{
    static char text[ZAP_TEXT_FILE_MAX + 1];
    struct stat about;
    bool is_text = has_suffix(path, ".plan");
    size_t size_max = is_text ? ZAP_TEXT_FILE_MAX : ZAP_WIRE_MAX;
    if (stat(path, &about) < 0)
        return errno == ENOENT || errno == ELOOP ? KIND_NONE : KIND_ERROR;
    if (!S_ISREG(about.st_mode))
        return KIND_NONE;
    ssize_t len = zap_files_read(path, text, size_max + 1);
    if (len < 0)
        return errno == ENOENT || errno == ENOTSUP ? KIND_NONE : KIND_ERROR;
    if ((size_t)len > size_max)
        return KIND_NONE;
    struct zap_text_error error;
    if (is_text)
        return zap_text_parse(text, (size_t)len, ret_plan, &error) == ZAP_OK ? KIND_PLAN
                                                                             : KIND_NONE;
    zap_wire_decode((const uint8_t *)text, (size_t)len, ret_plan);
    return KIND_PLAN;
}

/* Put a plan into a folder, where it is not there yet. */
static bool write_plan(const char *folder, const struct zap_plan *plan)
{
    uint8_t bytes[ZAP_WIRE_MAX];
    char name[HASH_NAME_SIZE], path[PATH_MAX];
    size_t len = zap_wire_encode(plan, bytes);
    name_of(zap_corpus_hash(bytes, len), name);
    return zap_files_join(path, folder, name) &&
           (access(path, F_OK) == 0 || zap_files_replace(path, bytes, len));
}

/* Call for each plan of a folder; what is none is counted for the corpus, where one is given.
 */
static enum zap_status each_plan(const char *folder, struct zap_corpus *corpus,
                                 bool (*take)(const struct zap_plan *plan, void *context),
                                 void *context)
{
    char **names;
    ssize_t count = zap_files_list(folder, &names);
    if (count < 0)
        return ZAP_E_IO;
    enum zap_status status = ZAP_OK;
    for (ssize_t i = 0; i < count && status == ZAP_OK; i++) {
        char path[PATH_MAX];
        struct zap_plan plan;
        if (!zap_files_join(path, folder, names[i])) {
            status = ZAP_E_IO;
            break;
        }
        enum kind kind = read_plan(path, &plan);
        if (kind == KIND_NONE && corpus && corpus->left_alone++ == 0)
            snprintf(corpus->left_alone_example, sizeof corpus->left_alone_example, "%s", names[i]);
        if (kind == KIND_ERROR || (kind == KIND_PLAN && !take(&plan, context)))
            status = ZAP_E_IO;
    }
    int error = errno;
    zap_files_free_names(names, count);
    errno = error;
    return status;
}

struct copy {
    const char *to;
    size_t count;
};

static bool copy_plan(const struct zap_plan *plan, void *context)
{
    struct copy *copy = context;
    copy->count++;
    return write_plan(copy->to, plan);
}

/* ------------------------------------------------------------------ sets of plans */

struct set {
    uint64_t *hashes; /* owned; in order once sorted */
    size_t count;
};

static void add(struct set *set, uint64_t hash)
{
    if ((set->count & (set->count + 1)) == 0) {
        uint64_t *hashes = realloc(set->hashes, (set->count * 2 + 2) * sizeof *hashes);
        ZAP_CHECK(hashes != NULL);
        set->hashes = hashes;
    }
    set->hashes[set->count++] = hash;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void sort(struct set *set)
{
    if (set->count > 0)
        qsort(set->hashes, set->count, sizeof *set->hashes, compare);
}

static bool has(const struct set *set, uint64_t hash)
{
    return set->count > 0 && bsearch(&hash, set->hashes, set->count, sizeof hash, compare) != NULL;
}

static bool add_plan(const struct zap_plan *plan, void *context)
{
    uint8_t bytes[ZAP_WIRE_MAX];
    add(context, zap_corpus_hash(bytes, zap_wire_encode(plan, bytes)));
    return true;
}

/* All plans of a folder. */
static enum zap_status add_folder(struct set *set, const char *folder)
{
    enum zap_status status = each_plan(folder, NULL, add_plan, set);
    sort(set);
    return status;
}

/* Add the plans that a corpus has not got, under whatever name. */
struct taking {
    const char *to;
    struct set there;
};

static bool take_plan(const struct zap_plan *plan, void *context)
{
    const struct taking *taking = context;
    uint8_t bytes[ZAP_WIRE_MAX];
    return has(&taking->there, zap_corpus_hash(bytes, zap_wire_encode(plan, bytes))) ||
           write_plan(taking->to, plan);
}

/* ------------------------------------------------------------------ opening */

/* root may write anywhere, and a disk can be full: to try is the only way to know. */
static bool is_writable(const char *dir)
{
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, ".pyzap-%ld", (long)getpid());
    if (!zap_files_join(path, dir, name) || !zap_files_write(path, "pyzap\n", 6)) {
        int error = errno;
        unlink(path);
        errno = error;
        return false;
    }
    return unlink(path) == 0;
}

/* A seed keeps its name, for people; a file that has it stays as it is. */
static bool add_seeds(const char *dir, const char *seeds)
{
    char **names;
    ssize_t count = zap_files_list(seeds, &names);
    if (count < 0)
        return errno == ENOENT;
    bool is_good = true;
    for (ssize_t i = 0; i < count && is_good; i++) {
        char from[PATH_MAX], to[PATH_MAX];
        uint8_t bytes[ZAP_WIRE_MAX];
        if (!has_suffix(names[i], ".zap"))
            continue;
        is_good = zap_files_join(from, seeds, names[i]) && zap_files_join(to, dir, names[i]);
        if (!is_good || access(to, F_OK) == 0)
            continue;
        ssize_t len = zap_files_read(from, bytes, sizeof bytes);
        is_good = len >= 0 && zap_files_replace(to, bytes, (size_t)len);
    }
    int error = errno;
    zap_files_free_names(names, count);
    errno = error;
    return is_good;
}

static enum zap_status fail(struct zap_str *why, const char *dir)
{
    zap_str_printf(why, "%s: %s: the corpus has to be a folder that can be read and written", dir,
                   strerror(errno));
    return ZAP_E_IO;
}

enum zap_status zap_corpus_open(const char *dir, const char *seeds, struct zap_corpus *ret_corpus,
                                struct zap_str *ret_why)
{
    memset(ret_corpus, 0, sizeof *ret_corpus);
    errno = ENAMETOOLONG;
    if (snprintf(ret_corpus->dir, sizeof ret_corpus->dir, "%s", dir) >=
            (int)sizeof ret_corpus->dir ||
        !zap_files_make_folders(dir) || !is_writable(dir) || !add_seeds(dir, seeds))
        return fail(ret_why, dir);
    struct set all = {0};
    enum zap_status status = each_plan(dir, ret_corpus, add_plan, &all);
    free(all.hashes);
    return status == ZAP_OK ? ZAP_OK : fail(ret_why, dir);
}

int zap_corpus_lock(const struct zap_corpus *corpus)
{
    int fd = open(corpus->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* ------------------------------------------------------------------ in and out */

enum zap_status zap_corpus_copy(const struct zap_corpus *corpus, const char *to, size_t *ret_count)
{
    if (!zap_files_remove(to) || !zap_files_make_folders(to))
        return ZAP_E_IO;
    struct copy copy = {.to = to};
    enum zap_status status = each_plan(corpus->dir, NULL, copy_plan, &copy);
    if (status == ZAP_OK && copy.count == 0) {
        struct zap_plan plan; /* no engine begins with nothing */
        zap_wire_decode(NULL, 0, &plan);
        if (!copy_plan(&plan, &copy))
            return ZAP_E_IO;
    }
    char **names;
    ssize_t count = status == ZAP_OK ? zap_files_list(to, &names) : -1;
    if (count < 0)
        return ZAP_E_IO;
    zap_files_free_names(names, count);
    *ret_count = (size_t)count;
    return ZAP_OK;
}

enum zap_status zap_corpus_take(const struct zap_corpus *corpus, const char *from)
{
    if (access(from, F_OK) < 0 && errno == ENOENT)
        return ZAP_OK;
    struct taking taking = {.to = corpus->dir};
    enum zap_status status = add_folder(&taking.there, corpus->dir);
    if (status == ZAP_OK)
        status = each_plan(from, NULL, take_plan, &taking);
    int error = errno;
    free(taking.there.hashes);
    errno = error;
    return status;
}

enum zap_status zap_corpus_count(const struct zap_corpus *corpus, size_t *ret_count)
{
    struct set all = {0};
    enum zap_status status = add_folder(&all, corpus->dir);
    size_t count = 0;
    for (size_t i = 0; i < all.count; i++)
        count += i == 0 || all.hashes[i] != all.hashes[i - 1];
    free(all.hashes);
    if (status == ZAP_OK)
        *ret_count = count;
    return status;
}

/* ------------------------------------------------------------------ making it smaller */

/* The plans of a list in DIR/.kept. */
static bool add_list(struct set *set, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    char line[64];
    uint64_t hash;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (is_hash_name(line, &hash))
            add(set, hash);
    }
    bool is_good = !ferror(file);
    fclose(file);
    return is_good;
}

static bool write_list(const struct set *set, const char *path)
{
    size_t size = set->count * HASH_NAME_SIZE + 1;
    char *page = malloc(size);
    ZAP_CHECK(page != NULL);
    struct zap_str text = zap_str_init(page, size);
    for (size_t i = 0; i < set->count; i++) {
        char name[HASH_NAME_SIZE];
        name_of(set->hashes[i], name);
        zap_str_printf(&text, "%s\n", name);
    }
    ZAP_CHECK(!text.cut);
    bool is_good = zap_files_replace(path, text.data, text.len);
    free(page);
    return is_good;
}

/* What anybody needs: our own list is written first, then all are read. */
static bool collect_needed(const struct zap_corpus *corpus, const char *who, struct set *own,
                           struct set *needed)
{
    char folder[PATH_MAX], path[PATH_MAX];
    if (!zap_files_join(folder, corpus->dir, KEPT_FOLDER) || !zap_files_make_folders(folder) ||
        !zap_files_join(path, folder, who) || !write_list(own, path))
        return false;
    char **names;
    ssize_t count = zap_files_list(folder, &names);
    bool is_good = count >= 0;
    for (ssize_t i = 0; i < count && is_good; i++)
        is_good = zap_files_join(path, folder, names[i]) && add_list(needed, path);
    if (count >= 0)
        zap_files_free_names(names, count);
    sort(needed);
    return is_good;
}

/* Of the plans that were looked at, remove those that nobody needs and nobody gave a name. */
static bool remove_others(const struct zap_corpus *corpus, const struct set *input,
                          const struct set *needed)
{
    char **names;
    ssize_t count = zap_files_list(corpus->dir, &names);
    bool is_good = count >= 0;
    for (ssize_t i = 0; i < count && is_good; i++) {
        char path[PATH_MAX];
        uint64_t hash;
        if (is_hash_name(names[i], &hash) && has(input, hash) && !has(needed, hash))
            is_good = zap_files_join(path, corpus->dir, names[i]) &&
                      (unlink(path) == 0 || errno == ENOENT);
    }
    if (count >= 0)
        zap_files_free_names(names, count);
    return is_good;
}

enum zap_status zap_corpus_shrink(const struct zap_corpus *corpus, const char *who,
                                  const char *input, const char *kept)
{
    struct set all = {0}, own = {0}, needed = {0};
    bool is_good = add_folder(&all, input) == ZAP_OK && add_folder(&own, kept) == ZAP_OK;
    if (is_good && own.count == 0) {
        errno = ENODATA; /* nothing is never enough: the engine has failed */
        is_good = false;
    }
    if (is_good)
        is_good =
            collect_needed(corpus, who, &own, &needed) && remove_others(corpus, &all, &needed);
    int error = errno;
    free(all.hashes);
    free(own.hashes);
    free(needed.hashes);
    errno = error;
    return is_good ? ZAP_OK : ZAP_E_IO;
}
