/* The live lines: moved up to, rewritten, cut to the terminal's width so that none wraps.
 *
 * A terminal with too few lines for all builds gets one line for all of them together, because what
 * has scrolled away cannot be rewritten.
 */
#include "host/live.h"

#include "host/summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool zap_live_is_terminal(FILE *out)
{
    const char *terminal = getenv("TERM");
    return isatty(fileno(out)) && terminal && terminal[0] && strcmp(terminal, "dumb") != 0;
}

void zap_live_init(struct zap_live *live, FILE *out)
{
    memset(live, 0, sizeof *live);
    if (zap_live_is_terminal(out))
        live->out = out;
}

static const char *state_word(const struct zap_run *run)
{
    switch (run->state) {
    case ZAP_RUN_WAITING:
        return "waiting";
    case ZAP_RUN_CANARIES:
        return "canaries";
    case ZAP_RUN_STARTING:
        return "starting";
    case ZAP_RUN_RUNNING:
        return run->is_stopping ? "stopping" : "";
    case ZAP_RUN_SHRINKING:
        return "examining";
    case ZAP_RUN_OVER:
        return run->failure[0] ? "FAILED" : "done";
    }
    return "";
}

/* Seconds until a limit, by the clock or by the speed so far; -1 where nobody knows. */
static double seconds_left(const struct zap_session_config *config, const struct zap_run *run,
                           const struct zap_tally *tally)
{
    if (config->plans && tally->plans == 0)
        return -1;
    if (config->plans)
        return (double)(config->plans - tally->plans) * run->seconds / (double)tally->plans;
    double left = (double)config->time_ms / 1000 - run->seconds;
    return left > 0 ? left : 0; /* the last plan may take a moment longer */
}

static void write_counts(const struct zap_tally *tally, double seconds, struct zap_str *out)
{
    char rate[16];
    struct zap_str rate_text = zap_str_init(rate, sizeof rate);
    zap_summary_count(seconds > 0 ? (uint64_t)((double)tally->plans / seconds) : 0, &rate_text);
    zap_str_printf(out, "%11" PRIu64 " plans  %6s/s  %6" PRIu64 " finding%s", tally->plans, rate,
                   tally->findings, tally->findings == 1 ? " " : "s");
}

static void write_line(const struct zap_session *session, const struct zap_run *run, int name_width,
                       struct zap_str *out)
{
    struct zap_tally tally;
    zap_session_tally(run, &tally);
    zap_str_printf(out, "%-*s ", name_width, run->row->name);
    write_counts(&tally, run->seconds, out);
    const char *word = state_word(run);
    double left = seconds_left(&session->config, run, &tally);
    if (word[0])
        zap_str_printf(out, "  %s", word);
    else if (left >= 0)
        zap_str_printf(out, "  %.0f s left", left);
}

static void write_total(const struct zap_session *session, struct zap_str *out)
{
    struct zap_tally all = {0};
    double seconds = 0;
    size_t over = 0;
    for (size_t i = 0; i < session->config.builds_count; i++) {
        struct zap_tally tally;
        zap_session_tally(&session->runs[i], &tally);
        all.plans += tally.plans;
        all.findings += tally.findings;
        over += session->runs[i].state == ZAP_RUN_OVER;
        if (session->runs[i].seconds > seconds)
            seconds = session->runs[i].seconds;
    }
    zap_str_printf(out, "%zu builds, %zu done ", session->config.builds_count, over);
    write_counts(&all, seconds, out);
}

static void print_line(struct zap_live *live, struct zap_str *line, size_t width)
{
    if (line->len >= width)
        line->data[width - 1] = '\0';
    fprintf(live->out, "\r\033[K%s\n", line->data);
    live->lines_count++;
}

void zap_live_clear(struct zap_live *live)
{
    if (!live->out || live->lines_count == 0)
        return;
    fprintf(live->out, "\033[%zuA\r\033[J", live->lines_count);
    fflush(live->out);
    live->lines_count = 0;
}

void zap_live_show(struct zap_live *live, const struct zap_session *session)
{
    if (!live->out)
        return;
    struct winsize size = {0};
    ioctl(fileno(live->out), TIOCGWINSZ, &size);
    size_t width = size.ws_col ? size.ws_col : 80;
    size_t height = size.ws_row ? size.ws_row : 24;
    size_t count = session->config.builds_count;
    int name_width = 0;
    for (size_t i = 0; i < count; i++) {
        int len = (int)strlen(session->runs[i].row->name);
        name_width = len > name_width ? len : name_width;
    }
    if (live->lines_count > 0)
        fprintf(live->out, "\033[%zuA", live->lines_count);
    live->lines_count = 0;
    char text[512];
    struct zap_str line = zap_str_init(text, sizeof text);
    if (count + 1 > height) {
        write_total(session, &line);
        print_line(live, &line, width);
    }
    for (size_t i = 0; count + 1 <= height && i < count; i++) {
        line = zap_str_init(text, sizeof text);
        write_line(session, &session->runs[i], name_width, &line);
        print_line(live, &line, width);
    }
    fputs("\033[J", live->out);
    fflush(live->out);
}
