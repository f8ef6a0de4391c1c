/* An open-addressed table in a mapped file; proto.h says what is in a slot, as the host reads it.
 * A slot goes from 0 to a signature once, by compare and swap, and never back; a full table means
 * that nothing more counts as seen, which is safe. */
#include "seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = ZAP_SEEN_SIZE / sizeof(uint64_t), COUNT_BITS = ZAP_SEEN_COUNT_BITS };

static _Atomic uint64_t *slots;

void zap_seen_start(void)
{
    const char *path = getenv("PYZAP_FUZZ_SEEN");
    if (path == NULL || path[0] == '\0')
        return;
    struct stat about;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &about) == 0) {
        if (about.st_size == ZAP_SEEN_SIZE)
            map = mmap(NULL, ZAP_SEEN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        else
            errno = EINVAL;
    }
    if (map == MAP_FAILED) {
        fprintf(stderr, "pyzap: PYZAP_FUZZ_SEEN=%s: %s: make it a file of %d zero bytes\n", path,
                strerror(errno), ZAP_SEEN_SIZE);
        exit(2);
    }
    close(fd);
    slots = map;
}

bool zap_seen_enough(uint64_t signature)
{
    if (slots == NULL)
        return false;
    uint64_t tag = signature >> COUNT_BITS == 0 ? 1 : signature >> COUNT_BITS;
    for (size_t probe = 0; probe < SLOTS; probe++) {
        _Atomic uint64_t *slot = &slots[(tag + probe) % SLOTS];
        uint64_t old = atomic_load(slot);
        do {
            if (old != 0 && old >> COUNT_BITS != tag)
                break; /* somebody else's: the next one */
            if (old != 0 && (old & ((1u << COUNT_BITS) - 1)) >= ZAP_SEEN_MAX)
                return true;
        } while (
            !atomic_compare_exchange_weak(slot, &old, old == 0 ? tag << COUNT_BITS | 1 : old + 1));
        if (old == 0 || old >> COUNT_BITS == tag)
            return false;
    }
    return false;
}
