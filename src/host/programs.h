/* Programs that are not ours, run side by side as one group: started, listened to, ended.
 *
 * What they print comes as lines, without the escapes that colour them. Nothing here waits for a
 * program except where it says so.
 */
#ifndef ZAP_HOST_PROGRAMS_H
#define ZAP_HOST_PROGRAMS_H

#include "host/engine.h"
#include "host/group.h"

#include <signal.h>

enum { ZAP_PROGRAMS_LINE_MAX = 1024 };

struct zap_programs {
    size_t running;
    int status; /* as waitpid gives it: of the first that did not end well, or 0 */

    /* programs.c alone */
    struct zap_group group;
    pid_t *pids; /* owned; 0: gone */
    size_t count;
    int output, input; /* a pipe: ours to read from, theirs to write to */
    char line[ZAP_PROGRAMS_LINE_MAX];
    size_t len;
    int escape; /* where we are in one */
    void (*take_line)(const char *line, void *context);
    void *context;
};

/* Make a group without programs.
 *
 * take_line  called for every line, from within zap_programs_look and _stop
 * Returns    ZAP_OK or ZAP_E_IO (errno); release it in both cases
 */
enum zap_status zap_programs_init(void (*take_line)(const char *line, void *context), void *context,
                                  struct zap_programs *ret_programs);

/* Returns ZAP_OK or ZAP_E_IO (errno). A program that cannot be started says so in a line. */
enum zap_status zap_programs_start(struct zap_programs *programs,
                                   const struct zap_engine_command *command);

/* Wait for news, so long at most; then read what there is, and see who is gone. */
void zap_programs_look(struct zap_programs *programs, int timeout_ms);

/* Ask all of them to end, wait for that, so long at most, and kill what is left. */
void zap_programs_stop(struct zap_programs *programs, int number, int timeout_ms);

/* Kill what is left, and give back the rest. Fine with a zeroed one. */
void zap_programs_release(struct zap_programs *programs);

#endif
