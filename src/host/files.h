/* Files and folders, written so that whoever reads them finds them whole. */
#ifndef ZAP_HOST_FILES_H
#define ZAP_HOST_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All of these return false, or -1, with errno. */

/* "FOLDER/NAME"; ENAMETOOLONG where that does not fit. */
bool zap_files_join(char ret_path[PATH_MAX], const char *folder, const char *name);

/* As mkdir -p. A file in the way is ENOTDIR. */
bool zap_files_make_folders(const char *path);

/* Write a file, checked up to the close, because a disk that is full says so late. */
bool zap_files_write(const char *path, const void *bytes, size_t len);

/* The same so that at no moment there is half of it under that name: a hidden file beside it is
 * renamed. */
bool zap_files_replace(const char *path, const void *bytes, size_t len);

/* Read a regular file's first `size` bytes; anything else is ENOTSUP, and is not waited for.
 *
 * Returns how many bytes there were
 */
ssize_t zap_files_read(const char *path, void *ret_bytes, size_t size);

/* As rm -rf; what is not there is fine. Links are removed, not followed. */
bool zap_files_remove(const char *path);

/* The names in a folder that do not begin with a dot, in order.
 *
 * ret_names  owned by the caller: zap_files_free_names
 * Returns    how many
 */
ssize_t zap_files_list(const char *folder, char ***ret_names);
void zap_files_free_names(char **names, ssize_t count);

#endif
