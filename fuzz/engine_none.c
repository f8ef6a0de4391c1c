/* No engine: runs a fuzz target on files, one after the other, in one process.
 *
 *     none-teardown-BUILD FILE|FOLDER...
 *
 * What libFuzzer's and AFL++'s drivers do with file arguments, for machines that have neither. A
 * finding ends the process as it would end under an engine, and the last line names the file. */
#include "fuzz.h"

#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096 };

static unsigned runs;

static int fail(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    return 2;
}

static int run_file(const char *path, size_t len)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(len + 1);
    ZAP_CHECK(bytes != NULL);
    size_t got = file == NULL ? 0 : fread(bytes, 1, len, file);
    int status = file == NULL || ferror(file) ? fail(path, strerror(errno)) : 0;
    if (file != NULL)
        fclose(file);
    if (status == 0) {
        printf("running %s (%zu bytes)\n", path, got);
        fflush(stdout);
        LLVMFuzzerTestOneInput(bytes, got);
        runs++;
    }
    free(bytes);
    return status;
}

static int run(const char *path)
{
    struct stat about;
    if (stat(path, &about) < 0)
        return fail(path, strerror(errno));
    if (S_ISREG(about.st_mode))
        return run_file(path, (size_t)about.st_size);
    if (!S_ISDIR(about.st_mode))
        return fail(path, "neither a file nor a folder");
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort), status = 0;
    if (count < 0)
        return fail(path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char inner[PATH_SIZE];
        if (entries[i]->d_name[0] != '.' && status == 0)
            status = snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name) < PATH_SIZE
                         ? run(inner)
                         : fail(path, "the path is too long");
        free(entries[i]);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE|FOLDER...\n", argv[0]);
        return 2;
    }
    LLVMFuzzerInitialize(&argc, &argv);
    int status = 0;
    for (int i = 1; i < argc && status == 0; i++)
        status = run(argv[i]);
    printf("%u plans run, nothing found\n", runs);
    return status != 0 ? status : runs > 0 ? 0 : 70;
}
