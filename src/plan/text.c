/* Plans as text: one thing a line, written to be read, typed and diffed by people.
 *
 *   pyzap plan 1             always the first line
 *   route wipe               always the first thing; tokens of route.def
 *   module m                 "held" may follow: somebody else holds its dict
 *   object x = node m        a label, a kind of value.def, and what the kind needs: a module of
 *   object y = node elsewhere    the plan (for a node: whose class is defined there, or
 *   object w = callback x        "elsewhere"), or the node that it is about
 *   object l = list
 *   global m _a = x          a module, a name of name.def, the object
 *   global m b = l           "again int" or "again none" may follow with route reload
 *   link l -> x
 *   script x                 the actions of its __del__ follow, one a line, with what op.def says
 *       look m _a                they need: nothing, a module, or a module and a name
 *       raise
 *
 * Only with a route that ends an interpreter (route.def says which do):
 *
 *   setting gc-on            a token of setting.def
 *   module k held unlisted   it is not in sys.modules; either word, or both in any order
 *   park module k builtins   what is held beside the modules' globals, and where: a token of
 *   park object x atexit         park.def
 *
 * Words are printable ASCII, with spaces or tabs between them; indentation means nothing; "#"
 * begins a comment, in UTF-8; lines end with \n or \r\n. Labels are identifiers. A label is
 * declared above its first use; the order of objects, of one module's globals, of one object's
 * links, of one node's actions and of parks is the plan's, any other order does not matter.
 *
 * The parser refuses, and never repairs: in the end normalizing may group links and actions, but if
 * it would drop anything, that is a missing check here and a programming error. Errors say what was
 * expected and what was found, in that order, with what is found escaped.
 */
#include "plan/text.h"

#include "base/check.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const again_tokens[ZAP_AGAIN_END] = {
    [ZAP_AGAIN_INT] = "int",
    [ZAP_AGAIN_NONE] = "none",
};

/* ---- printing ---- */

static void print_object(const struct zap_plan *plan, unsigned i, struct zap_str *out)
{
    const struct zap_object *object = &plan->objects[i];
    const struct zap_value_row *row = zap_value_row(object->kind);
    zap_str_printf(out, "object o%u = %s", i, row->token);
    if (row->place != ZAP_PLACE_NOWHERE && object->module == ZAP_ELSEWHERE) {
        zap_str_add(out, " elsewhere");
    } else if (row->place != ZAP_PLACE_NOWHERE) {
        zap_str_printf(out, " m%u", object->module);
    }
    if (row->target == ZAP_TARGET_NODE) {
        zap_str_printf(out, " o%u", object->target);
    }
    zap_str_add(out, "\n");
}

static void print_globals(const struct zap_plan *plan, unsigned m, struct zap_str *out)
{
    for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
        const struct zap_global *global = &plan->modules[m].globals[i];
        zap_str_printf(out, "global m%u %s = o%u", m, zap_name_row(global->name)->token,
                       global->object);
        if (global->again != ZAP_AGAIN_KEEP) {
            zap_str_printf(out, " again %s", again_tokens[global->again]);
        }
        zap_str_add(out, "\n");
    }
}

static void print_act(const struct zap_act *act, struct zap_str *out)
{
    const struct zap_op_row *row = zap_op_row(act->op);
    zap_str_printf(out, "    %s", row->token);
    if (row->operands != ZAP_OPERANDS_NONE) {
        zap_str_printf(out, " m%u", act->module);
    }
    if (row->operands == ZAP_OPERANDS_NAME) {
        zap_str_printf(out, " %s", zap_name_row(act->name)->token);
    }
    zap_str_add(out, "\n");
}

void zap_text_print(const struct zap_plan *plan, struct zap_str *out)
{
    zap_str_printf(out, "pyzap plan 1\nroute %s\n", zap_route_row(plan->route)->token);
    for (unsigned code = 1; plan->settings >> (code - 1) != 0; code++) {
        if (zap_plan_has_setting(plan, code)) {
            zap_str_printf(out, "setting %s\n", zap_setting_row(code)->token);
        }
    }
    for (unsigned m = 0; m < plan->modules_count; m++) {
        zap_str_printf(out, "module m%u%s%s\n", m, plan->modules[m].held ? " held" : "",
                       plan->modules[m].unlisted ? " unlisted" : "");
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        print_object(plan, i, out);
    }
    for (unsigned m = 0; m < plan->modules_count; m++) {
        print_globals(plan, m, out);
    }
    for (unsigned i = 0; i < plan->links_count; i++) {
        zap_str_printf(out, "link o%u -> o%u\n", plan->links[i].from, plan->links[i].to);
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        const struct zap_park *park = &plan->parks[i];
        zap_str_printf(out, park->is_module ? "park module m%u %s\n" : "park object o%u %s\n",
                       park->what, zap_park_row(park->place)->token);
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        if (i == 0 || plan->acts[i].node != plan->acts[i - 1].node) {
            zap_str_printf(out, "script o%u\n", plan->acts[i].node);
        }
        print_act(&plan->acts[i], out);
    }
}

/* ---- words and lines ---- */

/* A piece of the text. Empty: nothing more is there, on this line or at all. */
struct word {
    const char *start;
    size_t len;
};

enum { NO_SCRIPT = ZAP_OBJECTS_MAX };

struct parser {
    const char *at;
    const char *end;
    const char *line_start;
    unsigned line;
    unsigned script; /* the node whose actions may follow, or NO_SCRIPT */
    uint64_t scripts;
    struct zap_plan plan;
    struct word modules[ZAP_MODULES_MAX]; /* labels */
    struct word objects[ZAP_OBJECTS_MAX];
    unsigned object_lines[ZAP_OBJECTS_MAX];
    struct zap_text_error *error;
    struct zap_str message; /* of error */
};

/* What a word could have been, for a message. */
struct choices {
    struct word words[ZAP_NAME_END];
    unsigned count;
};

static struct word word_of(const char *text)
{
    return (struct word){text, strlen(text)};
}

static bool is_word(struct word word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.start, text, word.len) == 0;
}

static bool same_word(struct word a, struct word b)
{
    return a.len == b.len && memcmp(a.start, b.start, a.len) == 0;
}

/* Begin the message of an error. The first of two errors would be the one that counts, but every
 * caller gives up after one. */
static struct zap_str *expected(struct parser *p)
{
    p->message = zap_str_init(p->error->what, sizeof p->error->what);
    zap_str_add(&p->message, "expected ");
    return &p->message;
}

static void add_quoted(struct zap_str *out, struct word word)
{
    enum { SHOWN_MAX = 20 };
    zap_str_add(out, "\"");
    for (size_t i = 0; i < word.len && i < SHOWN_MAX; i++) {
        unsigned char c = (unsigned char)word.start[i];
        if (c < 0x20 || c > 0x7e) {
            zap_str_printf(out, "\\x%02x", c);
        } else {
            zap_str_printf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
        }
    }
    zap_str_add(out, word.len > SHOWN_MAX ? "\"..." : "\"");
}

/* End it with what is there instead. Returns false, for the caller to return. */
static bool found(struct parser *p, struct word word)
{
    zap_str_add(&p->message, ", found ");
    if (word.len > 0) {
        add_quoted(&p->message, word);
    } else if (word.start == p->end) {
        zap_str_add(&p->message, "the end of the text");
    } else {
        zap_str_add(&p->message, *word.start == '#' ? "a comment" : "the end of the line");
    }
    p->error->line = p->line;
    p->error->column = (unsigned)(word.start - p->line_start) + 1;
    return false;
}

static bool fail(struct parser *p, const char *what, struct word word)
{
    zap_str_add(expected(p), what);
    return found(p, word);
}

/* How many bytes to change, add or take away to make one word of the other. */
static unsigned distance(struct word a, struct word b)
{
    enum { LEN_MAX = 32, FAR = 99 };
    if (a.len > LEN_MAX || b.len > LEN_MAX) {
        return FAR;
    }
    unsigned row[LEN_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (unsigned i = 0; i < a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (unsigned j = 0; j < b.len; j++) {
            unsigned change = diagonal + (a.start[i] != b.start[j]);
            unsigned shorter = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < shorter ? change : shorter;
        }
    }
    return row[b.len];
}

/* An error about a word out of a list: names the first few, and the one that is meant if that can
 * be told: where no more than half of the word is wrong. */
static bool fail_choice(struct parser *p, const char *what, const struct choices *choices,
                        struct word word)
{
    enum { LISTED_MAX = 40 };
    struct zap_str *out = expected(p);
    zap_str_printf(out, "%s", what);
    size_t start = out->len;
    unsigned best = 0;
    for (unsigned i = 0; i < choices->count; i++) {
        struct word choice = choices->words[i];
        if (out->len - start < LISTED_MAX) {
            zap_str_add(out, i == 0 ? " (" : ", ");
            zap_str_add_bytes(out, choice.start, choice.len < 20 ? choice.len : 20);
        } else if (i == choices->count - 1) {
            zap_str_add(out, ", ...");
        }
        if (distance(choice, word) < distance(choices->words[best], word)) {
            best = i;
        }
    }
    zap_str_add(out, choices->count > 0 ? ")" : " (there is none yet)");
    found(p, word);
    if (choices->count > 0 && distance(choices->words[best], word) * 2 <= word.len &&
        choices->words[best].len <= 20) {
        zap_str_add(out, "; did you mean \"");
        zap_str_add_bytes(out, choices->words[best].start, choices->words[best].len);
        zap_str_add(out, "\"?");
    }
    return false;
}

static void add_choice(struct choices *choices, struct word word)
{
    if (choices->count < COUNT(choices->words)) {
        choices->words[choices->count++] = word;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* How long the UTF-8 character at p->at is, 0 if it is none or a control character. */
static size_t character_len(const struct parser *p)
{
    const unsigned char *s = (const unsigned char *)p->at;
    size_t room = (size_t)(p->end - p->at);
    if (s[0] < 0x80) {
        return (s[0] >= 0x20 && s[0] != 0x7f) || s[0] == '\t';
    }
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || room < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool wrong = (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe0 && s[1] < 0xa0) ||
                 (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
                 (s[0] == 0xf4 && s[1] > 0x8f);
    return wrong ? 0 : len;
}

static bool at_line_end(const struct parser *p)
{
    return p->at == p->end || *p->at == '\n' ||
           (*p->at == '\r' && p->end - p->at > 1 && p->at[1] == '\n');
}

/* The next word of the line. Empty where there is none. */
static bool next_word(struct parser *p, struct word *ret_word)
{
    while (p->at < p->end && is_blank(*p->at)) {
        p->at++;
    }
    struct word word = {p->at, 0};
    while (!at_line_end(p) && !is_blank(*p->at) && *p->at != '#') {
        if (*p->at < 0x21 || *p->at > 0x7e) {
            return fail(p, "printable ASCII", (struct word){p->at, 1});
        }
        p->at++;
    }
    word.len = (size_t)(p->at - word.start);
    *ret_word = word;
    return true;
}

/* The next word, which is this one. */
static bool expect_word(struct parser *p, const char *text)
{
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    if (!is_word(word, text)) {
        zap_str_printf(expected(p), "\"%s\"", text);
        return found(p, word);
    }
    return true;
}

/* Nothing but a comment up to the next line. */
static bool end_line(struct parser *p)
{
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    if (word.len > 0) {
        return fail(p, "the end of the line", word);
    }
    while (!at_line_end(p)) {
        size_t len = character_len(p);
        if (len == 0) {
            return fail(p, "UTF-8 without control characters", (struct word){p->at, 1});
        }
        p->at += len;
    }
    if (p->at < p->end) {
        p->at += *p->at == '\r' ? 2 : 1;
        p->line_start = p->at;
        p->line++;
    }
    return true;
}

/* ---- labels and tokens ---- */

static bool is_label(struct word word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.start[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return word.len > 0;
}

static struct choices labels(const struct word *words, unsigned count)
{
    struct choices choices = {.count = 0};
    for (unsigned i = 0; i < count; i++) {
        add_choice(&choices, words[i]);
    }
    return choices;
}

/* A label for the count'th of its sort. */
static bool new_label(struct parser *p, const struct word *taken, unsigned count,
                      struct word *ret_word)
{
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    if (!is_label(word) || is_word(word, "elsewhere")) {
        return fail(p, "a label (letters, digits and _)", word);
    }
    for (unsigned i = 0; i < count; i++) {
        if (same_word(taken[i], word)) {
            return fail(p, "a label that is not taken", word);
        }
    }
    *ret_word = word;
    return true;
}

static bool find_label(const struct word *words, unsigned count, struct word word, uint8_t *ret_i)
{
    for (unsigned i = 0; i < count; i++) {
        if (same_word(words[i], word)) {
            *ret_i = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool module_label(struct parser *p, bool elsewhere, uint8_t *ret_module)
{
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    if (elsewhere && is_word(word, "elsewhere")) {
        *ret_module = ZAP_ELSEWHERE;
        return true;
    }
    if (!find_label(p->modules, p->plan.modules_count, word, ret_module)) {
        struct choices choices = labels(p->modules, p->plan.modules_count);
        if (elsewhere) {
            add_choice(&choices, word_of("elsewhere"));
        }
        return fail_choice(p, elsewhere ? "a module or elsewhere" : "a module", &choices, word);
    }
    return true;
}

/* The label of an object, of kind NODE if node is set; ret_word may be NULL. */
static bool object_label(struct parser *p, bool node, uint8_t *ret_object, struct word *ret_word)
{
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    uint8_t object = 0;
    if (!find_label(p->objects, p->plan.objects_count, word, &object)) {
        struct choices choices = labels(p->objects, p->plan.objects_count);
        return fail_choice(p, "an object from above", &choices, word);
    }
    if (node && p->plan.objects[object].kind != ZAP_VALUE_NODE) {
        fail(p, "an object that is a node", word);
        zap_str_printf(&p->message, " (%s)", zap_value_row(p->plan.objects[object].kind)->token);
        return false;
    }
    *ret_object = object;
    if (ret_word != NULL) {
        *ret_word = word;
    }
    return true;
}

static bool name_token(struct parser *p, uint8_t *ret_name, struct word *ret_word)
{
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    const struct zap_name_row *row = zap_name_find(word.start, word.len);
    if (row == NULL) {
        struct choices choices = {.count = 0};
        for (unsigned code = 0; code < ZAP_NAME_END; code++) {
            row = zap_name_row(code);
            if (row != NULL) {
                add_choice(&choices, word_of(row->token));
            }
        }
        return fail_choice(p, "a name", &choices, word);
    }
    *ret_name = row->code;
    *ret_word = word;
    return true;
}

static bool fail_kind(struct parser *p, struct word word)
{
    struct choices choices = {.count = 0};
    for (unsigned code = 0; code <= UINT8_MAX; code++) {
        const struct zap_value_row *row = zap_value_row(code);
        if (row != NULL) {
            add_choice(&choices, word_of(row->token));
        }
    }
    return fail_choice(p, "a kind of object", &choices, word);
}

static bool fail_route(struct parser *p, struct word word)
{
    struct choices choices = {.count = 0};
    for (unsigned code = 0; code <= UINT8_MAX; code++) {
        const struct zap_route_row *row = zap_route_row(code);
        if (row != NULL) {
            add_choice(&choices, word_of(row->token));
        }
    }
    return fail_choice(p, "a route", &choices, word);
}

static bool fail_setting(struct parser *p, struct word word)
{
    struct choices choices = {.count = 0};
    for (unsigned code = 0; code <= UINT8_MAX; code++) {
        const struct zap_setting_row *row = zap_setting_row(code);
        if (row != NULL) {
            add_choice(&choices, word_of(row->token));
        }
    }
    return fail_choice(p, "a setting", &choices, word);
}

/* About a place for a module, or for an object: those that can hold one are named. */
static bool fail_place(struct parser *p, bool is_module, struct word word)
{
    struct choices choices = {.count = 0};
    for (unsigned code = 0; code <= UINT8_MAX; code++) {
        const struct zap_park_row *row = zap_park_row(code);
        if (row != NULL && (is_module ? row->modules : row->objects)) {
            add_choice(&choices, word_of(row->token));
        }
    }
    return fail_choice(p, is_module ? "a place for a module" : "a place for an object", &choices,
                       word);
}

/* What only routes that end an interpreter have. */
static bool needs_end(struct parser *p, const char *what, struct word word)
{
    if (zap_plan_ends(&p->plan)) {
        return true;
    }
    zap_str_printf(expected(p), "no \"%s\" except with a route that ends an interpreter", what);
    return found(p, word);
}

/* ---- statements ---- */

static bool parse_route(struct parser *p, struct word first)
{
    if (p->plan.route != 0) {
        return fail(p, "one route", first);
    }
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    const struct zap_route_row *row = zap_route_find(word.start, word.len);
    if (row == NULL) {
        return fail_route(p, word);
    }
    p->plan.route = row->code;
    return true;
}

/* "held" and "unlisted", each at most once. */
static bool parse_module_words(struct parser *p, struct zap_module *module)
{
    for (;;) {
        struct word word;
        if (!next_word(p, &word)) {
            return false;
        }
        if (word.len == 0) {
            return true;
        }
        if (is_word(word, "held") && !module->held) {
            module->held = 1;
        } else if (is_word(word, "unlisted") && !module->unlisted) {
            if (!needs_end(p, "unlisted", word)) {
                return false;
            }
            module->unlisted = 1;
        } else {
            bool may_unlist = zap_plan_ends(&p->plan) && !module->unlisted;
            return fail(p,
                        may_unlist && !module->held
                            ? "\"held\", \"unlisted\" or the end of the line"
                        : may_unlist    ? "\"unlisted\" or the end of the line"
                        : !module->held ? "\"held\" or the end of the line"
                                        : "the end of the line",
                        word);
        }
    }
}

static bool parse_module(struct parser *p, struct word first)
{
    if (p->plan.modules_count == ZAP_MODULES_MAX) {
        zap_str_printf(expected(p), "at most %d modules", ZAP_MODULES_MAX);
        return found(p, first);
    }
    struct word label;
    if (!new_label(p, p->modules, p->plan.modules_count, &label)) {
        return false;
    }
    p->modules[p->plan.modules_count] = label;
    return parse_module_words(p, &p->plan.modules[p->plan.modules_count++]);
}

static bool parse_object(struct parser *p, struct word first)
{
    unsigned i = p->plan.objects_count;
    if (i == ZAP_OBJECTS_MAX) {
        zap_str_printf(expected(p), "at most %d objects", ZAP_OBJECTS_MAX);
        return found(p, first);
    }
    struct word label;
    struct word kind;
    if (!new_label(p, p->objects, i, &label) || !expect_word(p, "=") || !next_word(p, &kind)) {
        return false;
    }
    const struct zap_value_row *row = zap_value_find(kind.start, kind.len);
    if (row == NULL) {
        return fail_kind(p, kind);
    }
    struct zap_object object = {.kind = row->code};
    if (row->place != ZAP_PLACE_NOWHERE &&
        !module_label(p, row->place == ZAP_PLACE_CLASS, &object.module)) {
        return false;
    }
    if (row->target == ZAP_TARGET_NODE && !object_label(p, true, &object.target, NULL)) {
        return false;
    }
    p->objects[i] = label;
    p->object_lines[i] = p->line;
    p->plan.objects[i] = object;
    p->plan.objects_count++;
    return true;
}

static bool parse_again(struct parser *p, struct word again, uint8_t module, uint8_t *ret_again)
{
    if (!is_word(again, "again")) {
        return fail(p, "\"again\" or the end of the line", again);
    }
    if (p->plan.route != ZAP_ROUTE_RELOAD || module != 0) {
        return fail(p, "no \"again\" except with route reload and in the first module", again);
    }
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    for (unsigned i = 0; i < ZAP_AGAIN_END; i++) {
        if (again_tokens[i] != NULL && is_word(word, again_tokens[i])) {
            *ret_again = (uint8_t)i;
            return true;
        }
    }
    return fail(p, "int or none", word);
}

static bool parse_global(struct parser *p, struct word first)
{
    struct zap_global global = {.again = ZAP_AGAIN_KEEP};
    uint8_t m = 0;
    struct word name;
    struct word again;
    if (!module_label(p, false, &m)) {
        return false;
    }
    struct zap_module *module = &p->plan.modules[m];
    if (module->globals_count == ZAP_GLOBALS_MAX) {
        zap_str_printf(expected(p), "at most %d globals in a module", ZAP_GLOBALS_MAX);
        return found(p, first);
    }
    if (!name_token(p, &global.name, &name)) {
        return false;
    }
    for (unsigned i = 0; i < module->globals_count; i++) {
        if (module->globals[i].name == global.name) {
            return fail(p, "a name that its module does not bind yet", name);
        }
    }
    if (!expect_word(p, "=") || !object_label(p, false, &global.object, NULL) ||
        !next_word(p, &again) || (again.len > 0 && !parse_again(p, again, m, &global.again))) {
        return false;
    }
    module->globals[module->globals_count++] = global;
    return true;
}

/* Does a link's second end keep the rules? The first was looked at already. */
static bool check_link(struct parser *p, enum zap_links links, struct zap_link link, struct word to)
{
    if (links != ZAP_LINKS_MANY && link.to >= link.from) {
        zap_str_printf(expected(p), "an object made before the %s that links to it",
                       zap_value_row(p->plan.objects[link.from].kind)->token);
        return found(p, to);
    }
    const struct zap_value_row *row = zap_value_row(p->plan.objects[link.to].kind);
    if (links == ZAP_LINKS_ONE_EARLIER_HASHABLE && !row->hashable) {
        fail(p, "an object that can be hashed", to);
        zap_str_printf(&p->message, " (%s)", row->token);
        return false;
    }
    return true;
}

static bool parse_link(struct parser *p, struct word first)
{
    if (p->plan.links_count == ZAP_LINKS_MAX) {
        zap_str_printf(expected(p), "at most %d links", ZAP_LINKS_MAX);
        return found(p, first);
    }
    struct zap_link link;
    struct word from;
    struct word to;
    if (!object_label(p, false, &link.from, &from)) {
        return false;
    }
    const struct zap_value_row *row = zap_value_row(p->plan.objects[link.from].kind);
    if (row->links == ZAP_LINKS_NO_LINKS) {
        fail(p, "an object that can have links", from);
        zap_str_printf(&p->message, " (%s)", row->token);
        return false;
    }
    bool one = row->links == ZAP_LINKS_ONE_EARLIER || row->links == ZAP_LINKS_ONE_EARLIER_HASHABLE;
    for (unsigned i = 0; one && i < p->plan.links_count; i++) {
        if (p->plan.links[i].from == link.from) {
            zap_str_printf(expected(p), "one link from a %s", row->token);
            return found(p, from);
        }
    }
    if (!expect_word(p, "->") || !object_label(p, false, &link.to, &to) ||
        !check_link(p, row->links, link, to)) {
        return false;
    }
    p->plan.links[p->plan.links_count++] = link;
    return true;
}

static bool parse_script(struct parser *p, struct word first)
{
    (void)first;
    uint8_t node = 0;
    struct word word;
    if (!object_label(p, true, &node, &word)) {
        return false;
    }
    if ((p->scripts >> node & 1) != 0) {
        return fail(p, "one script for a node", word);
    }
    p->scripts |= UINT64_C(1) << node;
    p->script = node;
    return true;
}

static bool parse_act(struct parser *p, struct word first, const struct zap_op_row *row)
{
    if (p->script == NO_SCRIPT) {
        return fail(p, "a \"script\" line above an action", first);
    }
    unsigned count = 0;
    for (unsigned i = 0; i < p->plan.acts_count; i++) {
        count += p->plan.acts[i].node == p->script;
    }
    if (count == ZAP_SCRIPT_MAX) {
        zap_str_printf(expected(p), "at most %d actions in a script", ZAP_SCRIPT_MAX);
        return found(p, first);
    }
    if (p->plan.acts_count == ZAP_ACTS_MAX) {
        zap_str_printf(expected(p), "at most %d actions in a plan", ZAP_ACTS_MAX);
        return found(p, first);
    }
    struct zap_act act = {.node = (uint8_t)p->script, .op = row->code};
    struct word name;
    if (row->operands != ZAP_OPERANDS_NONE && !module_label(p, false, &act.module)) {
        return false;
    }
    if (row->operands == ZAP_OPERANDS_NAME && !name_token(p, &act.name, &name)) {
        return false;
    }
    p->plan.acts[p->plan.acts_count++] = act;
    return true;
}

/* Does a park say something that those above do not? */
static bool check_park(struct parser *p, struct zap_park park, struct word place)
{
    for (unsigned i = 0; i < p->plan.parks_count; i++) {
        const struct zap_park *other = &p->plan.parks[i];
        if (other->place != park.place) {
            continue;
        }
        if (park.place == ZAP_PARK_MAIN) {
            return fail(p, "one module that is __main__", place);
        }
        if (other->is_module == park.is_module && other->what == park.what) {
            return fail(p, "a place that does not hold it yet", place);
        }
    }
    return true;
}

static bool parse_park(struct parser *p, struct word first)
{
    if (!needs_end(p, "park", first)) {
        return false;
    }
    if (p->plan.parks_count == ZAP_PARKS_MAX) {
        zap_str_printf(expected(p), "at most %d parks", ZAP_PARKS_MAX);
        return found(p, first);
    }
    struct zap_park park = {0};
    struct word word;
    if (!next_word(p, &word)) {
        return false;
    }
    park.is_module = is_word(word, "module");
    if (!park.is_module && !is_word(word, "object")) {
        return fail(p, "\"module\" or \"object\"", word);
    }
    if (!(park.is_module ? module_label(p, false, &park.what)
                         : object_label(p, false, &park.what, NULL)) ||
        !next_word(p, &word)) {
        return false;
    }
    const struct zap_park_row *row = zap_park_find(word.start, word.len);
    if (row == NULL || !(park.is_module ? row->modules : row->objects)) {
        return fail_place(p, park.is_module, word);
    }
    park.place = row->code;
    if (!check_park(p, park, word)) {
        return false;
    }
    p->plan.parks[p->plan.parks_count++] = park;
    return true;
}

static bool parse_setting(struct parser *p, struct word first)
{
    struct word word;
    if (!needs_end(p, "setting", first) || !next_word(p, &word)) {
        return false;
    }
    const struct zap_setting_row *row = zap_setting_find(word.start, word.len);
    if (row == NULL) {
        return fail_setting(p, word);
    }
    if (zap_plan_has_setting(&p->plan, row->code)) {
        return fail(p, "a setting that is not made yet", word);
    }
    p->plan.settings |= (uint8_t)(1u << (row->code - 1));
    return true;
}

static const struct {
    const char *word;
    bool (*parse)(struct parser *p, struct word first);
} statements[] = {
    {"route", parse_route},   {"module", parse_module},   {"object", parse_object},
    {"global", parse_global}, {"link", parse_link},       {"script", parse_script},
    {"park", parse_park},     {"setting", parse_setting},
};

static bool fail_statement(struct parser *p, struct word word)
{
    struct choices choices = {.count = 0};
    for (unsigned i = 0; i < COUNT(statements); i++) {
        add_choice(&choices, word_of(statements[i].word));
    }
    if (p->script == NO_SCRIPT) {
        return fail_choice(p, "a statement", &choices, word);
    }
    for (unsigned code = 0; code <= UINT8_MAX; code++) {
        const struct zap_op_row *row = zap_op_row(code);
        if (row != NULL) {
            add_choice(&choices, word_of(row->token));
        }
    }
    return fail_choice(p, "a statement or an action", &choices, word);
}

static bool parse_statement(struct parser *p, struct word first)
{
    if (p->plan.route == 0 && !is_word(first, "route")) {
        return fail(p, "\"route\" before anything else", first);
    }
    for (unsigned i = 0; i < COUNT(statements); i++) {
        if (is_word(first, statements[i].word)) {
            p->script = NO_SCRIPT;
            return statements[i].parse(p, first);
        }
    }
    const struct zap_op_row *row = zap_op_find(first.start, first.len);
    return row != NULL ? parse_act(p, first, row) : fail_statement(p, first);
}

static bool parse_header(struct parser *p)
{
    static const char *const words[] = {"pyzap", "plan", "1"};
    for (unsigned i = 0; i < COUNT(words); i++) {
        struct word word;
        if (!next_word(p, &word)) {
            return false;
        }
        if (!is_word(word, words[i])) {
            return fail(p, "\"pyzap plan 1\" as the first line", word);
        }
    }
    return end_line(p);
}

/* What can only be said when everything was read. */
static bool check_whole(struct parser *p)
{
    struct word end = {p->end, 0};
    if (p->plan.route == 0) {
        return fail(p, "\"route\" before anything else", end);
    }
    if (p->plan.modules_count == 0) {
        return fail(p, "at least one module", end);
    }
    uint64_t reached = zap_plan_reached(&p->plan);
    for (unsigned i = 0; i < p->plan.objects_count; i++) {
        if ((reached >> i & 1) == 0) {
            fail(p,
                 zap_plan_ends(&p->plan) ? "a global, a link or a park that holds this object"
                                         : "a global or a link that holds this object",
                 p->objects[i]);
            zap_str_add(&p->message, ", which nothing holds (weak references do not)");
            p->error->line = p->object_lines[i];
            const char *line_start = p->objects[i].start;
            while (line_start[-1] != '\n') {
                line_start--; /* stops at the latest behind the header */
            }
            p->error->column = (unsigned)(p->objects[i].start - line_start) + 1;
            return false;
        }
    }
    return true;
}

static unsigned globals_count(const struct zap_plan *plan)
{
    unsigned count = 0;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        count += plan->modules[m].globals_count;
    }
    return count;
}

static bool parse(struct parser *p)
{
    if (!parse_header(p)) {
        return false;
    }
    while (p->at < p->end) {
        struct word first;
        if (!next_word(p, &first) || (first.len > 0 && !parse_statement(p, first)) ||
            !end_line(p)) {
            return false;
        }
    }
    return check_whole(p);
}

static void copy_labels(const struct word *words, unsigned count, char (*labels)[ZAP_LABEL_SIZE])
{
    for (unsigned i = 0; i < count; i++) {
        if (words[i].len < ZAP_LABEL_SIZE) {
            memcpy(labels[i], words[i].start, words[i].len);
        }
    }
}

enum zap_status zap_text_parse_labels(const char *text, size_t len, struct zap_plan *ret_plan,
                                      struct zap_text_labels *ret_labels,
                                      struct zap_text_error *ret_error)
{
    struct parser p = {
        .at = text,
        .end = text + len,
        .line_start = text,
        .line = 1,
        .script = NO_SCRIPT,
        .error = ret_error,
    };
    if (len > ZAP_TEXT_FILE_MAX) {
        zap_str_printf(expected(&p), "at most %d bytes", ZAP_TEXT_FILE_MAX);
        zap_str_printf(&p.message, ", found %zu", len);
        ret_error->line = 1;
        ret_error->column = 1;
        return ZAP_E_SYNTAX;
    }
    if (!parse(&p)) {
        return ZAP_E_SYNTAX;
    }
    struct zap_plan given = p.plan;
    zap_plan_normalize(&p.plan);
    ZAP_CHECK_CMP(p.plan.objects_count, ==, given.objects_count);
    ZAP_CHECK_CMP(p.plan.links_count, ==, given.links_count);
    ZAP_CHECK_CMP(p.plan.acts_count, ==, given.acts_count);
    ZAP_CHECK_CMP(globals_count(&p.plan), ==, globals_count(&given));
    memset(ret_labels, 0, sizeof *ret_labels);
    copy_labels(p.modules, p.plan.modules_count, ret_labels->modules);
    copy_labels(p.objects, p.plan.objects_count, ret_labels->objects);
    *ret_plan = p.plan;
    return ZAP_OK;
}

enum zap_status zap_text_parse(const char *text, size_t len, struct zap_plan *ret_plan,
                               struct zap_text_error *ret_error)
{
    struct zap_text_labels labels;
    return zap_text_parse_labels(text, len, ret_plan, &labels, ret_error);
}
