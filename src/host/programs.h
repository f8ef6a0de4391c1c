/* Programs that are not ours, run side by side: started, listened to, ended.
 *
 * What they print comes as lines, without the escapes that colour them. Nothing here waits for a
 * program except where it says so.
 */
#ifndef ZAP_HOST_PROGRAMS_H
#define ZAP_HOST_PROGRAMS_H

#include "host/engine.h"
#include "host/group.h"

enum { ZAP_PROGRAMS_LINE_MAX = 1024 };

struct zap_programs {
    size_t running;
    int status; /* as waitpid gives it: of the first that did not end well, or 0 */

    /* programs.c alone */
    struct zap_group group;
    int output;
    char line[ZAP_PROGRAMS_LINE_MAX];
    size_t len;
    int escape; /* where we are in one */
    void (*take_line)(const char *line, void *context);
    void *context;
};

/* Start them.
 *
 * take_line     called for every line, from within the other functions
 * ret_programs  all of it is set; release it in both cases
 * Returns       ZAP_OK or ZAP_E_IO (errno). A program that cannot be started says so in a line.
 */
enum zap_status zap_programs_start(const struct zap_engine_command *commands, size_t count,
                                   void (*take_line)(const char *line, void *context),
                                   void *context, struct zap_programs *ret_programs);

/* Wait for news, so long at most; then read what there is, and see who is gone. */
void zap_programs_look(struct zap_programs *programs, int timeout_ms);

/* Ask all of them to end, and wait for that, so long at most. */
void zap_programs_stop(struct zap_programs *programs, int number, int timeout_ms);

/* Kill what is left, read what it has said, and give back the rest. Fine with a zeroed one. */
void zap_programs_release(struct zap_programs *programs);

#endif
