/* A fuzz target with libFuzzer's ways and no CPython: it takes its flags, says its lines, leaves
 * its files, and does otherwise on request.
 *
 * ZAP_FAKE_ENGINE in the environment is a list of words, separated by commas:
 *
 *   refuse       it does not start, as a target that sees no feedback
 *   abort        it starts on a single file, and not as an engine
 *   usage        the same, because of a flag: any that begins with -bad does that
 *   ends         it ends by itself after its first line
 *   silent       it never says anything of executions
 *   deaf         it ignores SIGTERM
 *   tells        two of its three artefacts are of two invariants that its target tells of
 *   orphan       it starts a process that leaves the group, stops itself, and is found in
 * TMPDIR/orphan merge-fails, merge-hangs
 *
 * ZAP_FAKE_FINDS in the environment is a folder: what is in DIR/artefacts it leaves as artefacts,
 * what is in DIR/corpus as plans of a job that is at work.
 */
#include "proto/proto.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TICK_US = 20 * 1000, EXIT_REFUSED = 70, EXIT_INTERRUPTED = 72 };

static bool has_word(const char *wanted)
{
    const char *words = getenv("ZAP_FAKE_ENGINE");
    size_t len = strlen(wanted);
    while (words && *words) {
        size_t word_len = strcspn(words, ",");
        if (word_len == len && strncmp(words, wanted, len) == 0)
            return true;
        words += word_len + (words[word_len] == ',');
    }
    return false;
}

static const char *flag(int argc, char **argv, const char *name)
{
    const char *value = NULL;
    size_t len = strlen(name);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, len) == 0)
            value = argv[i] + len;
    }
    return value;
}

static void copy_file(const char *from, const char *to)
{
    char bytes[64 * 1024];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    if (!in || !out) {
        printf("ERROR: %s to %s: %s\n", from, to, strerror(errno));
        exit(1);
    }
    size_t len = fread(bytes, 1, sizeof bytes, in);
    fwrite(bytes, 1, len, out);
    fclose(in);
    fclose(out);
}

/* Copy the files of a folder, or only every nth; the new name begins with `to`. */
static int copy_all(const char *folder, const char *to, int every)
{
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        char from[1024], path[2048];
        if (entry->d_name[0] == '.' || count++ % every != 0)
            continue;
        snprintf(from, sizeof from, "%s/%s", folder, entry->d_name);
        snprintf(path, sizeof path, "%s%s", to, entry->d_name);
        copy_file(from, path);
    }
    if (dir)
        closedir(dir);
    return count;
}

static int merge(const char *to, const char *from)
{
    char prefix[1024];
    if (has_word("merge-hangs")) {
        for (;;)
            pause();
    }
    if (has_word("merge-fails"))
        return 1;
    snprintf(prefix, sizeof prefix, "%s/", to);
    copy_all(from, prefix, 2);
    return 0;
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        printf("SYSTEM ERROR : %s: %s\n", path, strerror(errno));
        exit(1);
    }
    fputs(text, file);
    fclose(file);
}

static void leave_finds(const char *prefix)
{
    const char *finds = getenv("ZAP_FAKE_FINDS"), *tmp = getenv("TMPDIR");
    char job[512], path[1024], corpus[1024];
    if (!finds || !tmp)
        return;
    snprintf(path, sizeof path, "%s/artefacts", finds);
    copy_all(path, prefix, 1);
    snprintf(job, sizeof job, "%s/libFuzzerTemp.FuzzWithFork%ld.dir", tmp, (long)getpid());
    mkdir(job, 0777);
    write_text(job, "1.log", "#16\tpulse\nstat::number_of_executed_units: 23\n");
    snprintf(path, sizeof path, "%s/C1/", job);
    mkdir(path, 0777);
    snprintf(corpus, sizeof corpus, "%s/corpus", finds);
    copy_all(corpus, path, 1);
}

/* As fuzz/seen.c does it: two signatures, each once. */
static void tell_of_two(void)
{
    const uint64_t slots[] = {0, 5ull << ZAP_SEEN_COUNT_BITS | 1, 0,
                              9ull << ZAP_SEEN_COUNT_BITS | 1};
    FILE *file = fopen(getenv("PYZAP_FUZZ_SEEN"), "r+");
    if (!file || fwrite(slots, sizeof slots, 1, file) != 1 || fclose(file) != 0) {
        printf("ERROR: PYZAP_FUZZ_SEEN: %s\n", strerror(errno));
        exit(1);
    }
}

static void start_orphan(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        raise(SIGSTOP);
        for (;;)
            pause();
    }
    char text[32];
    snprintf(text, sizeof text, "%ld\n", (long)pid);
    write_text(getenv("TMPDIR"), "orphan", text);
}

static void on_term(int number)
{
    (void)number;
    _exit(EXIT_INTERRUPTED);
}

/* What follows a flag, which has to be there once. */
static const char *operand(int argc, char **argv, const char *name)
{
    const char *found = NULL;
    int count = 0;
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            found = argv[i + 1];
            count++;
        }
    }
    if (count == 1)
        return found;
    printf("PROGRAM ABORT : %s is there %d times\n", name, count);
    exit(1);
}

static const char *instance; /* folder of this AFL++ */

static void on_int(int number)
{
    (void)number;
    write_text(instance, "fuzzer_stats", "execs_done        : 777\n");
    _exit(0);
}

static int fuzz_as_afl(int argc, char **argv)
{
    static char folder[512];
    char path[1024];
    bool is_secondary = false;
    for (int i = 1; i < argc; i++)
        is_secondary = is_secondary || strcmp(argv[i], "-S") == 0;
    const char *out = operand(argc, argv, "-o"), *finds = getenv("ZAP_FAKE_FINDS");
    snprintf(folder, sizeof folder, "%s/%s", out, operand(argc, argv, is_secondary ? "-S" : "-M"));
    instance = folder;
    bool is_first = strstr(folder, "-1-") != NULL;
    mkdir(out, 0777);
    if (mkdir(folder, 0777) < 0) {
        puts("PROGRAM ABORT : the instance is there already");
        return 1;
    }
    static const char *const folders[] = {"queue", "crashes", "hangs"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        mkdir(path, 0777);
    }
    signal(SIGINT, on_int);
    puts("\033[1;92m[+] \033[0mAll set and ready to roll!");
    if (finds && is_first) {
        char from[1024];
        snprintf(from, sizeof from, "%s/artefacts", finds);
        snprintf(path, sizeof path, "%s/crashes/id:", folder);
        copy_all(from, path, 1);
        write_text(folder, "crashes/README.txt", "no artefact\n");
        snprintf(from, sizeof from, "%s/corpus", finds);
        snprintf(path, sizeof path, "%s/queue/id:", folder);
        copy_all(from, path, 1);
    }
    write_text(
        folder, "plot_data",
        "# relative_time, cycles_done, ...\n1, 2, 3, 44, 5, 6, 0.7%, 8, 9, 10, 11.1, 500, 13\n");
    for (;;)
        usleep(TICK_US);
}

static int minimise_as_afl(int argc, char **argv)
{
    const char *to = operand(argc, argv, "-o");
    if (mkdir(to, 0777) < 0) {
        printf("[-] %s: %s\n", to, strerror(errno));
        return 1;
    }
    return merge(to, operand(argc, argv, "-i"));
}

static int fuzz(int argc, char **argv, const char *prefix)
{
    if (has_word("abort"))
        abort();
    if (flag(argc, argv, "-bad") || has_word("usage")) {
        puts("ERROR: The required directory \"bad\" does not exist");
        return 1;
    }
    if (flag(argc, argv, "-nosuch"))
        puts("WARNING: unrecognized flag '-nosuch=1'; use -help=1 to list all flags");
    signal(SIGTERM, has_word("deaf") ? SIG_IGN : on_term);
    if (has_word("orphan"))
        start_orphan();
    printf("INFO: -fork=%s: 3 seed inputs, starting to fuzz in %s\n", flag(argc, argv, "-fork="),
           getenv("TMPDIR"));
    leave_finds(prefix);
    if (has_word("tells"))
        tell_of_two();
    for (unsigned long i = 100;; i += 100) {
        if (!has_word("silent"))
            printf("#%lu: cov: 1 ft: 2 corp: 3 exec/s 5000 oom/timeout/crash: 0/1/2 time: 0s\n", i);
        if (has_word("ends"))
            return 0;
        usleep(TICK_US);
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *slash = strrchr(argv[0], '/');
    if (strcmp(slash ? slash + 1 : argv[0], "afl-fuzz") == 0)
        return fuzz_as_afl(argc, argv);
    if (strcmp(slash ? slash + 1 : argv[0], "afl-cmin") == 0)
        return minimise_as_afl(argc, argv);
    const char *prefix = flag(argc, argv, "-artifact_prefix=");
    struct stat about;
    if (has_word("refuse")) {
        fprintf(stderr, "pyzap: this fuzz target refuses to start: nothing moved\n");
        return EXIT_REFUSED;
    }
    if (flag(argc, argv, "-merge="))
        return merge(argv[argc - 2], argv[argc - 1]);
    if (stat(argv[argc - 1], &about) == 0 && S_ISREG(about.st_mode)) {
        puts("Executed it");
        return 0;
    }
    return fuzz(argc, argv, prefix ? prefix : "");
}
