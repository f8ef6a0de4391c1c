/* The lines of -vv, and the order in which they come.
 *
 * A line is recognised by how it begins; what follows is a name, up to the end of the line. No name
 * of a plan has a newline in it; one with a NUL ends there, because CPython prints it as a C
 * string.
 */
#include "oracle/narration.h"

#include <string.h>

static const struct {
    const char *begins;
    enum zap_told_kind kind;
    uint8_t pass;
} formats[] = {
    /* Longer beginnings first. */
    {"#   clear[1] ", ZAP_TOLD_NAME, 1},
    {"#   clear[2] ", ZAP_TOLD_NAME, 2},
    {"# clear ", ZAP_TOLD_CLEAR, 0},
    {"# restore ", ZAP_TOLD_RESTORE, 0},
    {"# destroy ", ZAP_TOLD_DESTROY, 0},
    {"# cleanup[2] removing ", ZAP_TOLD_REMOVING, 0},
    {"# cleanup[3] wiping ", ZAP_TOLD_WIPING, 0},
    {"# cleanup[1] ", ZAP_TOLD_WIPING, 1},
    {"# cleanup[2] ", ZAP_TOLD_WIPING, 2},
    {"# cleanup ints", ZAP_TOLD_NOTHING, 0}, /* of the free lists of 2.7 */
    {"# cleanup floats", ZAP_TOLD_NOTHING, 0},
    {"# cleanup ", ZAP_TOLD_WIPING, 0},
};

bool zap_narration_next(const char **at, struct zap_told *ret_told)
{
    const char *line = *at;
    if (!*line)
        return false;
    size_t len = strcspn(line, "\n");
    *at = line + len + (line[len] == '\n');
    *ret_told = (struct zap_told){.kind = ZAP_TOLD_NOTHING, .text = line, .len = len};
    for (size_t i = 0; *line == '#' && i < sizeof formats / sizeof formats[0]; i++) {
        size_t begins_len = strlen(formats[i].begins);
        if (strncmp(line, formats[i].begins, begins_len) != 0)
            continue;
        ret_told->kind = formats[i].kind;
        ret_told->pass = formats[i].pass;
        if (formats[i].kind != ZAP_TOLD_NOTHING) {
            ret_told->text += begins_len;
            ret_told->len -= begins_len;
        }
        break;
    }
    return true;
}

/* ---- the order ---- */

enum stage {
    STAGE_NAMES,  /* of sys and builtins */
    STAGE_FIRST,  /* modules are removed; before 3.4: __main__ is cleared */
    STAGE_ALONE,  /* before 3.4: modules that only sys.modules holds are cleared */
    STAGE_OTHERS, /* modules that are left are cleared */
    STAGE_SYS,
    STAGE_BUILTINS,
};

struct order {
    const char *said;
    bool is_old; /* before 3.4 */
    enum stage stage;
    uint8_t pass; /* of the clearing at work, 0 where none is */
};

static bool is_text(const struct zap_told *told, const char *text)
{
    return told->len == strlen(text) && strncmp(told->text, text, told->len) == 0;
}

/* Was it removed from sys.modules before? */
static bool was_removed(const struct order *order, const struct zap_told *told)
{
    struct zap_told earlier;
    for (const char *at = order->said; at < told->text;) {
        zap_narration_next(&at, &earlier);
        if (earlier.kind == ZAP_TOLD_REMOVING && earlier.len == told->len &&
            strncmp(earlier.text, told->text, told->len) == 0)
            return true;
    }
    return false;
}

static enum stage stage_of_wiping(const struct order *order, const struct zap_told *told)
{
    if (is_text(told, "sys") && told->pass == 0)
        return STAGE_SYS;
    if ((is_text(told, "builtins") || is_text(told, "__builtin__")) && told->pass == 0)
        return STAGE_BUILTINS;
    if (order->is_old && told->pass != 2)
        return told->pass == 1 ? STAGE_ALONE : STAGE_FIRST;
    return STAGE_OTHERS;
}

/* What is wrong with a line, or NULL. */
static const char *take(struct order *order, const struct zap_told *told)
{
    enum stage stage = order->stage;
    switch (told->kind) {
    case ZAP_TOLD_NOTHING:
        return NULL;
    case ZAP_TOLD_CLEAR:
        return stage == STAGE_NAMES || stage == STAGE_BUILTINS
                   ? NULL
                   : "names of sys are cleared before modules are, or after all";
    case ZAP_TOLD_RESTORE:
        return stage == STAGE_NAMES ? NULL : "files are restored before modules are cleared";
    case ZAP_TOLD_DESTROY:
        return order->is_old ? "this version does not tell of that" : NULL;
    case ZAP_TOLD_REMOVING:
        if (order->is_old)
            return "this version does not tell of that";
        order->stage = STAGE_FIRST;
        return stage <= STAGE_FIRST ? NULL : "modules are removed before any is cleared";
    case ZAP_TOLD_WIPING:
        order->stage = stage_of_wiping(order, told);
        order->pass = 1;
        if (!order->is_old && told->pass != 0)
            return "this version does not tell of that";
        if (order->stage < stage || (order->stage == stage && stage >= STAGE_SYS))
            return "it was the turn of others";
        if (!order->is_old && order->stage == STAGE_OTHERS && !was_removed(order, told))
            return "it was not removed from sys.modules";
        return NULL;
    case ZAP_TOLD_NAME:
        if (order->is_old)
            return NULL; /* a module is cleared whenever it dies, in the clearing of another too */
        if (told->pass < order->pass || order->pass == 0)
            return order->pass == 0 ? "nothing is being cleared" : "the second pass had begun";
        order->pass = told->pass;
        return NULL;
    }
    return NULL;
}

bool zap_narration_keeps_order(const char *said, zap_profile profile, struct zap_str *what,
                               uint32_t *ret_count)
{
    struct order order = {.said = said,
                          .is_old = zap_profile_has(profile, ZAP_FEATURE_ZAP_ON_DEALLOC)};
    struct zap_told told;
    *ret_count = 0;
    for (const char *at = said, *line = at; zap_narration_next(&at, &told); line = at) {
        const char *wrong = take(&order, &told);
        if (wrong) {
            zap_str_add(what, "\"");
            zap_str_add_bytes(what, line, strcspn(line, "\n"));
            zap_str_printf(what, "\": %s", wrong);
            return false;
        }
        *ret_count += told.kind != ZAP_TOLD_NOTHING;
    }
    if (order.stage != STAGE_BUILTINS) {
        zap_str_add(what, "the narration ends before builtins are cleared");
        return false;
    }
    return true;
}
