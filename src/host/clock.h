/* The host's clock: monotonic milliseconds. Nothing below src/host knows the time. */
#ifndef ZAP_HOST_CLOCK_H
#define ZAP_HOST_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t zap_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
