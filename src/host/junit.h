/* Replays as JUnit XML, which is what CI systems read. */
#ifndef ZAP_HOST_JUNIT_H
#define ZAP_HOST_JUNIT_H

#include "host/replay.h"

/* Write a file: a suite for each build, a case for each plan. tests/replay/junit.xsd is its form.
 *
 * path     of the file; there is all of it or what was there before
 * Returns  ZAP_OK, or ZAP_E_IO (errno)
 */
enum zap_status zap_junit_write(const struct zap_replay *replay, size_t rows_count,
                                const char *path);

#endif
