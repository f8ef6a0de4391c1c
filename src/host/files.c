/* The few things that are done with files in more than one place. */
#include "host/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FTW_FDS = 16 };

bool zap_files_join(char ret_path[PATH_MAX], const char *folder, const char *name)
{
    errno = ENAMETOOLONG;
    return snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

bool zap_files_make_folders(const char *path)
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

bool zap_files_write(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    size_t done = 0;
    while (done < len) {
        ssize_t wrote = write(fd, (const char *)bytes + done, len - done);
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

bool zap_files_replace(const char *path, const void *bytes, size_t len)
{
    char hidden[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    errno = ENAMETOOLONG;
    if (snprintf(hidden, sizeof hidden, "%.*s.%s.%ld", folder, path, path + folder,
                 (long)getpid()) >= (int)sizeof hidden)
        return false;
    if (zap_files_write(hidden, bytes, len) && rename(hidden, path) == 0)
        return true;
    int error = errno;
    unlink(hidden);
    errno = error;
    return false;
}

ssize_t zap_files_read(const char *path, void *ret_bytes, size_t size)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    ssize_t len = 0;
    if (fstat(fd, &about) < 0) {
        len = -1;
    } else if (!S_ISREG(about.st_mode)) {
        errno = ENOTSUP;
        len = -1;
    }
    while (len >= 0 && (size_t)len < size) {
        ssize_t got = read(fd, (char *)ret_bytes + len, size - (size_t)len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            break;
        len = got < 0 ? -1 : len + got;
    }
    int error = errno;
    close(fd);
    errno = error;
    return len;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path) < 0 && errno != ENOENT;
}

bool zap_files_remove(const char *path)
{
    struct stat about;
    if (lstat(path, &about) < 0)
        return errno == ENOENT;
    return nftw(path, remove_one, FTW_FDS, FTW_DEPTH | FTW_PHYS) == 0;
}

static int is_plain(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

ssize_t zap_files_list(const char *folder, char ***ret_names)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_plain, alphasort);
    if (count < 0)
        return -1;
    char **names = calloc((size_t)count + 1, sizeof *names);
    bool is_good = names != NULL;
    for (int i = 0; i < count; i++) {
        if (is_good)
            is_good = (names[i] = strdup(entries[i]->d_name)) != NULL;
        free(entries[i]);
    }
    free(entries);
    if (!is_good) {
        zap_files_free_names(names, names ? count : 0);
        errno = ENOMEM;
        return -1;
    }
    *ret_names = names;
    return count;
}

void zap_files_free_names(char **names, ssize_t count)
{
    for (ssize_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}
