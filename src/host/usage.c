/* Files of /proc, read whole each time: a sample of a worker and a child is six system calls for
 * each. The files of one that has just ended say nothing, which leaves it out.
 */
#include "host/usage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A file of a process as a string, "" where it cannot be read. */
static void read_file(pid_t pid, const char *name, char *ret_text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, ret_text, size - 1);
    if (fd >= 0)
        close(fd);
    ret_text[len > 0 ? len : 0] = '\0';
}

static uint32_t resident_kib_of(pid_t pid)
{
    char text[128];
    unsigned long pages = 0;
    read_file(pid, "statm", text, sizeof text);
    if (sscanf(text, "%*u %lu", &pages) != 1)
        return 0;
    return (uint32_t)(pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

static int64_t queued_ns_of(pid_t pid)
{
    char text[128];
    int64_t queued_ns = 0;
    read_file(pid, "schedstat", text, sizeof text);
    return sscanf(text, "%*d %" SCNd64, &queued_ns) == 1 ? queued_ns : 0;
}

/* The process itself, and its children, oldest first. Returns how many. */
static unsigned list_processes(pid_t pid, pid_t ret_pids[ZAP_USAGE_PROCESSES_MAX])
{
    char name[32], text[16 * ZAP_USAGE_PROCESSES_MAX];
    snprintf(name, sizeof name, "task/%ld/children", (long)pid);
    read_file(pid, name, text, sizeof text);
    unsigned count = 0;
    ret_pids[count++] = pid;
    char *at = text;
    while (count < ZAP_USAGE_PROCESSES_MAX) {
        char *end;
        long child = strtol(at, &end, 10);
        if (end == at)
            break;
        ret_pids[count++] = (pid_t)child;
        at = end;
    }
    return count;
}

static int64_t queued_before(const struct zap_usage *usage, pid_t pid)
{
    for (unsigned i = 0; i < ZAP_USAGE_PROCESSES_MAX && usage->seen[i].pid != 0; i++)
        if (usage->seen[i].pid == pid)
            return usage->seen[i].queued_ns;
    return 0;
}

void zap_usage_sample(struct zap_usage *usage, pid_t pid, int64_t now_ms)
{
    pid_t pids[ZAP_USAGE_PROCESSES_MAX];
    unsigned count = list_processes(pid, pids);
    struct zap_usage next = {.sampled_at_ms = now_ms};
    int64_t passed_ns = (now_ms - usage->sampled_at_ms) * 1000000;
    for (unsigned i = 0; i < count; i++) {
        next.seen[i].pid = pids[i];
        next.seen[i].queued_ns = queued_ns_of(pids[i]);
        int64_t queued_ns = next.seen[i].queued_ns - queued_before(usage, pids[i]);
        if (queued_ns > next.queued_ns)
            next.queued_ns = queued_ns < passed_ns ? queued_ns : passed_ns;
        uint32_t resident_kib = resident_kib_of(pids[i]);
        if (resident_kib > next.resident_kib)
            next.resident_kib = resident_kib;
    }
    *usage = next;
}
