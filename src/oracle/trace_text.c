/* Traces read back from their text, line by line.
 *
 * The theory: every field is read with no more care than it takes to get its value, then what was
 * read is printed again and has to be the line that came in. So this reader is exactly as strict as
 * the writer is canonical, and nothing about the format is said twice: tokens, the order of fields
 * and the words of numbers come from event.def and the tables of plans.
 *
 * What the text does not hold (a build's routes and banner, members that a kind of event does not
 * use) is zero, or ZAP_NO_MODULE and ZAP_NO_NODE, as a worker leaves it.
 */
#include "oracle/trace_text.h"

#include <stdio.h>
#include <string.h>

enum {
    LINE_MAX = 1280, /* as ZAP_TRACE_TEXT_MAX has it */
    WORDS_MAX = 16,
};

/* ---- words ---- */

struct words {
    char text[LINE_MAX]; /* the line, with NULs for spaces */
    const char *word[WORDS_MAX];
    size_t count;
    size_t next;
};

static bool split(const char *line, struct words *ret_words)
{
    ret_words->count = ret_words->next = 0;
    size_t len = strlen(line);
    if (len >= LINE_MAX)
        return false;
    memcpy(ret_words->text, line, len + 1);
    char *at = ret_words->text;
    for (;;) {
        if (ret_words->count == WORDS_MAX)
            return false;
        ret_words->word[ret_words->count++] = at;
        at = strchr(at, ' ');
        if (at == NULL)
            return true;
        *at++ = '\0';
    }
}

/* The next word without `label`, or NULL if there is none that begins so. */
static const char *take(struct words *words, const char *label, size_t label_len)
{
    if (words->next == words->count || strncmp(words->word[words->next], label, label_len) != 0)
        return NULL;
    return words->word[words->next++] + label_len;
}

static const char *take_labelled(struct words *words, const char *label)
{
    return take(words, label, strlen(label));
}

/* The number that a text begins with; ret_end: what follows it. */
static bool read_digits(const char *text, uint32_t max, uint32_t *ret_number, const char **ret_end)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && number <= max; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    if (at == text || number > max)
        return false;
    *ret_number = (uint32_t)number;
    *ret_end = at;
    return true;
}

static bool read_number(const char *text, uint32_t max, uint32_t *ret_number)
{
    const char *end;
    uint32_t number;
    if (!read_digits(text, max, &number, &end) || *end != '\0')
        return false;
    *ret_number = number;
    return true;
}

static bool read_byte(const char *text, uint8_t *ret_byte)
{
    uint32_t number;
    if (!read_number(text, UINT8_MAX, &number))
        return false;
    *ret_byte = (uint8_t)number;
    return true;
}

/* Which of some words this is; the first one is 0. A number stands for what has no word. */
static bool read_word(const char *text, const char *const *choices, size_t choices_count,
                      uint8_t *ret_number)
{
    for (size_t i = 0; i < choices_count; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *ret_number = (uint8_t)i;
            return true;
        }
    }
    return read_byte(text, ret_number);
}

static bool read_flag(const char *text, bool *ret_flag)
{
    *ret_flag = strcmp(text, "yes") == 0;
    return *ret_flag || strcmp(text, "no") == 0;
}

/* ---- names ---- */

/* The name at the beginning of the text, up to a comma or the end. Tokens may hold commas
 * themselves, so what decides is the table. */
static bool read_name(const char *text, uint8_t *ret_name, size_t *ret_len)
{
    char token[128];
    for (unsigned code = 0; code < ZAP_NAME_END; code++) {
        const struct zap_name_row *row = zap_name_row(code);
        if (row == NULL)
            snprintf(token, sizeof token, code == ZAP_NAME_NO ? "other" : "name%u", code);
        else
            snprintf(token, sizeof token, "%s", row->token);
        size_t len = strlen(token);
        if (strncmp(text, token, len) == 0 && (text[len] == ',' || text[len] == '\0')) {
            *ret_name = (uint8_t)code;
            *ret_len = len;
            return true;
        }
    }
    return false;
}

static bool read_names(const char *text, uint64_t *ret_names)
{
    *ret_names = 0;
    if (strcmp(text, "-") == 0)
        return true;
    for (;;) {
        uint8_t name;
        size_t len;
        if (!read_name(text, &name, &len))
            return false;
        *ret_names |= UINT64_C(1) << name;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

/* ---- fields ---- */

static bool take_state(struct words *words, struct zap_event *event)
{
    if (take_labelled(words, "gone=yes") != NULL) {
        event->flags |= ZAP_FLAG_NO_STATE;
        return true;
    }
    static const char *const builtins[] = {"missing", "other", "same"};
    static const uint8_t flags[] = {0, ZAP_FLAG_BUILTINS, ZAP_FLAG_BUILTINS | ZAP_FLAG_SAME};
    uint8_t kind;
    const char *word = take_labelled(words, "bound=");
    if (word == NULL || !read_names(word, &event->bound))
        return false;
    word = take_labelled(words, "none=");
    if (word == NULL || !read_names(word, &event->none))
        return false;
    word = take_labelled(words, "builtins=");
    if (word == NULL || !read_word(word, builtins, 3, &kind) || kind > 2)
        return false;
    event->flags |= flags[kind];
    word = take_labelled(words, "size=");
    return word != NULL && read_number(word, UINT32_MAX, &event->size);
}

static bool read_by(const char *text, uint8_t *ret_by)
{
    if (strcmp(text, "route") == 0) {
        *ret_by = ZAP_BY_ROUTE;
        return true;
    }
    if (strcmp(text, "interpreter") == 0) {
        *ret_by = ZAP_BY_INTERPRETER;
        return true;
    }
    if (strcmp(text, "key") == 0) {
        *ret_by = ZAP_BY_KEY;
        return true;
    }
    if (strcmp(text, "-") == 0) {
        *ret_by = ZAP_BY_UNNUMBERED;
        return true;
    }
    return *text == 'o' && read_byte(text + 1, ret_by);
}

/* Field i, as the info column of its row says: "LABEL", "LABEL:WORD|WORD|..." or "LABEL:*TABLE". */
static bool take_info(struct words *words, const char *column, uint8_t *ret_info)
{
    size_t label_len = strcspn(column, ":");
    const char *text = take(words, column, label_len);
    if (text == NULL || *text++ != '=')
        return false;
    size_t len = strlen(text);
    const char *choices = column[label_len] ? column + label_len + 1 : "";
    if (strcmp(choices, "*route") == 0) {
        const struct zap_route_row *row = zap_route_find(text, len);
        *ret_info = row ? row->code : 0;
        return row != NULL || read_byte(text, ret_info);
    }
    if (strcmp(choices, "*op") == 0) {
        const struct zap_op_row *row = zap_op_find(text, len);
        *ret_info = row ? row->code : 0;
        return row != NULL || read_byte(text, ret_info);
    }
    for (uint8_t i = 0; *choices; i++) {
        size_t choice_len = strcspn(choices, "|");
        if (choice_len == len && strncmp(choices, text, len) == 0) {
            *ret_info = i;
            return true;
        }
        choices += choice_len + (choices[choice_len] == '|');
    }
    return read_byte(text, ret_info);
}

/* "m0" or "o3"; "-" leaves what is there. */
static bool take_number_of(struct words *words, const char *letter, uint8_t *number)
{
    const char *word = take_labelled(words, "-");
    if (word != NULL)
        return *word == '\0';
    word = take_labelled(words, letter);
    return word != NULL && read_byte(word, number);
}

static bool take_field(struct words *words, const struct zap_event_row *row, char field,
                       struct zap_event *event)
{
    static const char *const hows[] = {"refcount", "gc", "gc-clear", "call"};
    static const char *const seens[] = {"missing", "none", "bound"};
    const char *word;
    size_t len;
    bool is_set;
    switch (field) {
    case 'm':
        return take_number_of(words, "m", &event->module);
    case 'n':
        word = take_labelled(words, "name=");
        return word != NULL && read_name(word, &event->name, &len) && word[len] == '\0';
    case 'o':
        return take_number_of(words, "o", &event->node);
    case 'p':
        word = take_labelled(words, "pass=");
        return word != NULL && read_byte(word, &event->info);
    case 'b':
        word = take_labelled(words, "by=");
        return word != NULL && read_by(word, &event->by);
    case 'r':
        word = take_labelled(words, "refs=");
        return word != NULL && read_number(word, UINT32_MAX, &event->refs);
    case 'h':
        word = take_labelled(words, "how=");
        return word != NULL && read_word(word, hows, 4, &event->how);
    case 's':
        return take_state(words, event);
    case 'v':
        word = take_labelled(words, "seen=");
        return word != NULL && read_word(word, seens, 3, &event->how);
    case 'i':
        return take_info(words, row->info, &event->info);
    case 'x':
        word = take(words, row->flag, strlen(row->flag));
        if (word == NULL || *word != '=' || !read_flag(word + 1, &is_set))
            return false;
        event->flags |= is_set ? ZAP_FLAG_X : 0;
        return true;
    default:
        return false;
    }
}

/* ---- lines ---- */

static enum zap_status refuse(const struct words *words, const char *expected, struct zap_str *what)
{
    zap_str_printf(what, "word %zu: expected %s, found %s", words->next + 1, expected,
                   words->next < words->count ? words->word[words->next] : "nothing");
    return ZAP_E_SYNTAX;
}

/* The line itself has to come out of what was read from it. */
static enum zap_status compare(const char *line, const char *again, struct zap_str *what)
{
    if (strcmp(again, line) == 0)
        return ZAP_OK;
    zap_str_printf(what, "this would be printed as: %s", again);
    return ZAP_E_SYNTAX;
}

enum zap_status zap_trace_text_event(const char *line, struct zap_event *ret_event,
                                     struct zap_str *what)
{
    char again[2 * LINE_MAX];
    struct words words;
    line += strspn(line, " \t");
    if (!split(line, &words)) {
        zap_str_add(what, "no event is that long");
        return ZAP_E_SYNTAX;
    }
    const struct zap_event_row *row = NULL;
    for (unsigned code = 0; code < ZAP_EVENT_END && row == NULL; code++) {
        row = zap_event_row(code);
        if (row != NULL && strcmp(row->token, words.word[0]) != 0)
            row = NULL;
    }
    if (row == NULL)
        return refuse(&words, "an event of event.def", what);
    words.next++;
    struct zap_event event = {.kind = row->code, .module = ZAP_NO_MODULE, .node = ZAP_NO_NODE};
    for (const char *field = row->fields; *field; field++) {
        size_t before = words.next;
        if (!take_field(&words, row, *field, &event)) {
            char expected[32];
            snprintf(expected, sizeof expected, "field %c of %s", *field, row->token);
            words.next = before;
            return refuse(&words, expected, what);
        }
    }
    if (words.next != words.count)
        return refuse(&words, "no more", what);
    struct zap_str printed = zap_str_init(again, sizeof again);
    zap_trace_print_one(&event, &printed);
    if (compare(line, again, what) != ZAP_OK)
        return ZAP_E_SYNTAX;
    *ret_event = event;
    return ZAP_OK;
}

static bool take_version(struct words *words, uint32_t *ret_version)
{
    const char *at = take_labelled(words, "version=");
    uint32_t parts[3];
    for (unsigned i = 0; i < 3; i++) {
        if (at == NULL || !read_digits(at, 255, &parts[i], &at) || *at != (i < 2 ? '.' : '\0'))
            return false;
        at++;
    }
    *ret_version = parts[0] << 16 | parts[1] << 8 | parts[2];
    return true;
}

static bool take_level(struct words *words, uint8_t *ret_level)
{
    static const char *const levels[] = {"alpha", "beta", "candidate", "", "", "final"};
    const char *word = take_labelled(words, "level=");
    if (word == NULL || !read_word(word, levels, 6, ret_level))
        return false;
    if (*word < '0' || *word > '9')
        *ret_level = (uint8_t)(*ret_level + 0xa);
    return true;
}

static bool take_yes(struct words *words, const char *label, uint8_t *ret_byte)
{
    bool is_set;
    const char *word = take_labelled(words, label);
    if (word == NULL || !read_flag(word, &is_set))
        return false;
    *ret_byte = is_set;
    return true;
}

static bool take_observers(struct words *words, uint32_t *ret_observers)
{
    const char *word = take_labelled(words, "sees=");
    *ret_observers = 0;
    if (word == NULL || strcmp(word, "-") == 0)
        return word != NULL;
    for (;;) {
        size_t len = strcspn(word, ",");
        const char *token;
        for (unsigned i = 0; (token = zap_observer_token(i)) != NULL; i++)
            if (strlen(token) == len && strncmp(token, word, len) == 0)
                *ret_observers |= 1u << i;
        if (word[len] == '\0')
            return true;
        word += len + 1;
    }
}

static enum zap_status add_build(struct zap_trace *trace, const char *line, struct zap_str *what)
{
    char again[2 * LINE_MAX];
    struct words words;
    struct zap_build read = {0}, *build = &read;
    if (!split(line, &words) || take_labelled(&words, "build") == NULL) {
        zap_str_add(what, "expected a line that begins with build");
        return ZAP_E_SYNTAX;
    }
    const char *name = take_labelled(&words, "");
    if (name == NULL || strlen(name) >= sizeof build->name)
        return refuse(&words, "the name of a build", what);
    strcpy(build->name, name);
    if (!take_version(&words, &build->version))
        return refuse(&words, "version=MAJOR.MINOR.MICRO", what);
    if (!take_level(&words, &build->level))
        return refuse(&words, "level=", what);
    if (!take_yes(&words, "debug=", &build->debug) || !take_yes(&words, "nogil=", &build->nogil) ||
        !take_yes(&words, "static=", &build->is_static))
        return refuse(&words, "debug=, nogil= and static=, yes or no", what);
    if (!take_observers(&words, &build->observers))
        return refuse(&words, "sees=", what);
    if (words.next != words.count)
        return refuse(&words, "no more", what);
    struct zap_str printed = zap_str_init(again, sizeof again);
    zap_trace_print_build(build, &printed);
    if (compare(line, again, what) != ZAP_OK)
        return ZAP_E_SYNTAX;
    trace->build = read;
    return ZAP_OK;
}

enum zap_status zap_trace_text_add(struct zap_trace *trace, bool is_first, const char *line,
                                   struct zap_str *what)
{
    line += strspn(line, " \t");
    if (is_first)
        return add_build(trace, line, what);
    char cut[64];
    snprintf(cut, sizeof cut, "cut after %u events: more happened", trace->events_count);
    if (strcmp(line, cut) == 0 && !trace->is_cut) {
        trace->is_cut = 1;
        return ZAP_OK;
    }
    if (trace->is_cut || trace->events_count == ZAP_EVENTS_MAX) {
        zap_str_add(what, "nothing more can follow");
        return ZAP_E_SYNTAX;
    }
    if (zap_trace_text_event(line, &trace->events[trace->events_count], what) != ZAP_OK)
        return ZAP_E_SYNTAX;
    trace->events_count++;
    return ZAP_OK;
}
