/* The laws of plans, over random plans, random bytes and spoiled text.
 *
 * prop_plan [--seed N] [--count N]
 *
 * Round number i draws all it needs from seed N + i, so `--seed S --count 1` repeats the round that
 * the message of a failure names. What keeps the rules is told by obeys(), which was written from
 * plan.h and the tables, apart from zap_plan_normalize. The program says what it looked at; a law
 * that was never tried is a failure.
 */
#include "base/rng.h"
#include "plan/crossover.h"
#include "plan/gen.h"
#include "plan/mutate.h"
#include "plan/text.h"
#include "plan/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 64 * 1024, COUNT_DEFAULT = 4000 };

/* How often each law was tried. */
static struct {
    unsigned long generated;
    unsigned long normalized;
    unsigned long changed; /* ... and was not normal before */
    unsigned long decoded;
    unsigned long decoded_bytes;
    unsigned long decoded_objects;
    unsigned long decoded_parks;
    unsigned long round_trips;
    unsigned long texts_accepted;
    unsigned long texts_refused;
    unsigned long mutated;
    unsigned long unchanged; /* ... and was the same as before */
    unsigned long crossed;
    unsigned long fitted; /* and something was cut off */
} tried;

static uint64_t round_seed;

static void broken(const char *law)
{
    fprintf(stderr, "prop_plan: broken: %s\n  again with: prop_plan --seed %" PRIu64 " --count 1\n",
            law, round_seed);
    exit(1);
}

static void must(bool holds, const char *law)
{
    if (!holds) {
        broken(law);
    }
}

/* ---- the rules, a second time ---- */

static bool is_zero(const void *memory, size_t len)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool obeys_unused(const struct zap_plan *plan)
{
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        const struct zap_module *module = &plan->modules[m];
        unsigned used = m < plan->modules_count ? module->globals_count : 0;
        if ((m >= plan->modules_count && !is_zero(module, sizeof *module)) ||
            !is_zero(module->globals + used,
                     (ZAP_GLOBALS_MAX - used) * sizeof module->globals[0])) {
            return false;
        }
    }
    return is_zero(plan->objects + plan->objects_count,
                   (ZAP_OBJECTS_MAX - (size_t)plan->objects_count) * sizeof plan->objects[0]) &&
           is_zero(plan->links + plan->links_count,
                   (ZAP_LINKS_MAX - (size_t)plan->links_count) * sizeof plan->links[0]) &&
           is_zero(plan->acts + plan->acts_count,
                   (ZAP_ACTS_MAX - (size_t)plan->acts_count) * sizeof plan->acts[0]) &&
           is_zero(plan->parks + plan->parks_count,
                   (ZAP_PARKS_MAX - (size_t)plan->parks_count) * sizeof plan->parks[0]);
}

static bool ends_an_interpreter(const struct zap_plan *plan)
{
    return plan->route == ZAP_ROUTE_EXIT || plan->route == ZAP_ROUTE_SUBINTERP ||
           plan->route == ZAP_ROUTE_SUBINTERP_GIL;
}

static bool obeys_module(const struct zap_plan *plan, unsigned m)
{
    const struct zap_module *module = &plan->modules[m];
    for (unsigned i = 0; i < module->globals_count; i++) {
        const struct zap_global *global = &module->globals[i];
        bool again = plan->route == ZAP_ROUTE_RELOAD && m == 0;
        if (zap_name_row(global->name) == NULL || global->object >= plan->objects_count ||
            global->again > (again ? ZAP_AGAIN_NONE : ZAP_AGAIN_KEEP)) {
            return false;
        }
        for (unsigned k = 0; k < i; k++) {
            if (module->globals[k].name == global->name) {
                return false;
            }
        }
    }
    return module->held <= 1 && module->unlisted <= ends_an_interpreter(plan);
}

static bool obeys_object(const struct zap_plan *plan, unsigned i)
{
    const struct zap_object *object = &plan->objects[i];
    const struct zap_value_row *row = zap_value_row(object->kind);
    if (row == NULL) {
        return false;
    }
    bool module = object->module < plan->modules_count;
    switch (row->place) {
    case ZAP_PLACE_NOWHERE:
        module = object->module == 0;
        break;
    case ZAP_PLACE_MODULE:
        break;
    case ZAP_PLACE_CLASS:
        module = module || object->module == ZAP_ELSEWHERE;
        break;
    }
    bool target = row->target == ZAP_TARGET_NOTHING
                      ? object->target == 0
                      : object->target < i && plan->objects[object->target].kind == ZAP_VALUE_NODE;
    return module && target;
}

static bool obeys_link(const struct zap_plan *plan, unsigned i)
{
    const struct zap_link *link = &plan->links[i];
    if (link->from >= plan->objects_count || link->to >= plan->objects_count ||
        (i > 0 && link[-1].from > link->from)) {
        return false;
    }
    enum zap_links links = zap_value_row(plan->objects[link->from].kind)->links;
    bool earlier = link->to < link->from;
    return links == ZAP_LINKS_MANY || (links == ZAP_LINKS_MANY_EARLIER && earlier) ||
           (links == ZAP_LINKS_ONE_EARLIER_HASHABLE && earlier &&
            (i == 0 || link[-1].from < link->from) &&
            zap_value_row(plan->objects[link->to].kind)->hashable) ||
           (links == ZAP_LINKS_ONE_EARLIER && earlier && (i == 0 || link[-1].from < link->from));
}

static bool obeys_act(const struct zap_plan *plan, unsigned i)
{
    const struct zap_act *act = &plan->acts[i];
    const struct zap_op_row *row = zap_op_row(act->op);
    if (row == NULL || act->node >= plan->objects_count ||
        plan->objects[act->node].kind != ZAP_VALUE_NODE || (i > 0 && act[-1].node > act->node) ||
        (i >= ZAP_SCRIPT_MAX && act[-ZAP_SCRIPT_MAX].node == act->node)) {
        return false;
    }
    bool module =
        row->operands == ZAP_OPERANDS_NONE ? act->module == 0 : act->module < plan->modules_count;
    bool name =
        row->operands == ZAP_OPERANDS_NAME ? zap_name_row(act->name) != NULL : act->name == 0;
    return module && name;
}

static bool obeys_park(const struct zap_plan *plan, unsigned i)
{
    const struct zap_park *park = &plan->parks[i];
    const struct zap_park_row *row = zap_park_row(park->place);
    if (row == NULL || park->is_module > 1 ||
        park->what >= (park->is_module ? plan->modules_count : plan->objects_count)) {
        return false;
    }
    for (unsigned k = 0; k < i; k++) {
        if (memcmp(&plan->parks[k], park, sizeof *park) == 0 ||
            (park->place == ZAP_PARK_MAIN && plan->parks[k].place == ZAP_PARK_MAIN)) {
            return false;
        }
    }
    return park->is_module ? row->modules : row->objects;
}

static bool obeys_settings(const struct zap_plan *plan)
{
    for (unsigned code = 1; code <= 8; code++) {
        if ((plan->settings >> (code - 1) & 1) != 0 && zap_setting_row(code) == NULL) {
            return false;
        }
    }
    return ends_an_interpreter(plan) || (plan->settings == 0 && plan->parks_count == 0);
}

/* Marks i and what it holds. */
static void mark(const struct zap_plan *plan, unsigned i, bool *marked)
{
    if (marked[i]) {
        return;
    }
    marked[i] = true;
    for (unsigned k = 0; k < plan->links_count; k++) {
        if (plan->links[k].from == i) {
            mark(plan, plan->links[k].to, marked);
        }
    }
    if (plan->objects[i].kind == ZAP_VALUE_METHOD) {
        mark(plan, plan->objects[i].target, marked);
    }
}

static bool obeys_reach(const struct zap_plan *plan)
{
    bool marked[ZAP_OBJECTS_MAX] = {false};
    for (unsigned m = 0; m < plan->modules_count; m++) {
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
            mark(plan, plan->modules[m].globals[i].object, marked);
        }
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        if (!plan->parks[i].is_module) {
            mark(plan, plan->parks[i].what, marked);
        }
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        if (!marked[i]) {
            return false;
        }
    }
    return true;
}

static bool obeys(const struct zap_plan *plan)
{
    bool good = zap_route_row(plan->route) != NULL && plan->modules_count >= 1 &&
                plan->modules_count <= ZAP_MODULES_MAX && plan->objects_count <= ZAP_OBJECTS_MAX &&
                plan->links_count <= ZAP_LINKS_MAX && plan->acts_count <= ZAP_ACTS_MAX &&
                plan->parks_count <= ZAP_PARKS_MAX && obeys_settings(plan);
    for (unsigned m = 0; good && m < plan->modules_count; m++) {
        good = plan->modules[m].globals_count <= ZAP_GLOBALS_MAX && obeys_module(plan, m);
    }
    for (unsigned i = 0; good && i < plan->objects_count; i++) {
        good = obeys_object(plan, i);
    }
    for (unsigned i = 0; good && i < plan->links_count; i++) {
        good = obeys_link(plan, i);
    }
    for (unsigned i = 0; good && i < plan->acts_count; i++) {
        good = obeys_act(plan, i);
    }
    for (unsigned i = 0; good && i < plan->parks_count; i++) {
        good = obeys_park(plan, i);
    }
    return good && obeys_reach(plan) && obeys_unused(plan);
}

/* ---- the laws ---- */

static void try_round_trips(const struct zap_plan *plan)
{
    tried.round_trips++;
    uint8_t bytes[ZAP_WIRE_MAX];
    uint8_t again[ZAP_WIRE_MAX];
    struct zap_plan back;
    memset(&back, 0xa5, sizeof back);
    size_t len = zap_wire_encode(plan, bytes);
    zap_wire_decode(bytes, len, &back);
    must(zap_plan_equal(plan, &back), "decode(encode(p)) is p");
    must(zap_wire_encode(&back, again) == len && memcmp(bytes, again, len) == 0,
         "encode(decode(encode(p))) is encode(p)");

    static char text[ZAP_TEXT_MAX];
    static char text_again[ZAP_TEXT_MAX];
    struct zap_str str = zap_str_init(text, sizeof text);
    struct zap_text_error error;
    memset(&back, 0xa5, sizeof back);
    zap_text_print(plan, &str);
    must(!str.cut, "no plan's text is longer than ZAP_TEXT_MAX");
    must(zap_text_parse(text, str.len, &back, &error) == ZAP_OK, "print(p) parses");
    must(zap_plan_equal(plan, &back), "parse(print(p)) is p");
    struct zap_str str_again = zap_str_init(text_again, sizeof text_again);
    zap_text_print(&back, &str_again);
    must(strcmp(text, text_again) == 0, "print(parse(print(p))) is print(p)");
}

static void draw_config(struct zap_rng *rng, struct zap_gen_config *ret_config)
{
    uint32_t assigned = 0;
    uint32_t ends = 0;
    for (unsigned code = 0; code < 32; code++) {
        const struct zap_route_row *row = zap_route_row(code);
        assigned |= row != NULL ? UINT32_C(1) << code : 0;
        ends |= row != NULL && row->ends ? UINT32_C(1) << code : 0;
    }
    *ret_config = (struct zap_gen_config){.seed = zap_rng_next(rng)};
    if (zap_rng_below(rng, 2) == 0) {
        uint32_t wanted = zap_rng_below(rng, 2) == 0 ? ends : assigned;
        ret_config->size = (uint8_t)(ZAP_SIZE_MIN + zap_rng_below(rng, ZAP_SIZE_MAX));
        do {
            ret_config->routes = (uint32_t)zap_rng_next(rng) & wanted;
        } while (ret_config->routes == 0);
    }
}

static void try_generated(struct zap_rng *rng, struct zap_plan *ret_plan)
{
    tried.generated++;
    struct zap_gen_config config;
    draw_config(rng, &config);
    uint64_t index = zap_rng_next(rng);
    index >>= zap_rng_below(rng, 64);
    struct zap_plan again;
    memset(ret_plan, 0, sizeof *ret_plan);
    memset(&again, 0xff, sizeof again);
    zap_gen_plan(&config, index, ret_plan);
    zap_gen_plan(&config, index, &again);
    must(obeys(ret_plan), "a generated plan keeps the rules");
    must(zap_plan_is_normal(ret_plan), "a generated plan is normal");
    must(zap_plan_equal(ret_plan, &again), "the same config and index give the same plan");
    must(config.routes == 0 || (config.routes >> ret_plan->route & 1) != 0,
         "a generated plan has an allowed route");
    try_round_trips(ret_plan);
}

/* Counts that anything may have been written to, back within their limits. */
static void limit_counts(struct zap_plan *plan)
{
    plan->modules_count %= ZAP_MODULES_MAX + 1;
    plan->objects_count %= ZAP_OBJECTS_MAX + 1;
    plan->links_count %= ZAP_LINKS_MAX + 1;
    plan->acts_count %= ZAP_ACTS_MAX + 1;
    plan->parks_count %= ZAP_PARKS_MAX + 1;
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        plan->modules[m].globals_count %= ZAP_GLOBALS_MAX + 1;
    }
}

/* Small numbers are more likely to mean something. */
static uint8_t draw_byte(struct zap_rng *rng)
{
    uint64_t value = zap_rng_next(rng);
    return (uint8_t)(value >> 56 >> (value & 7));
}

static void try_normalize(struct zap_rng *rng, const struct zap_plan *good)
{
    tried.normalized++;
    struct zap_plan plan = *good;
    unsigned char *bytes = (unsigned char *)&plan;
    if (zap_rng_below(rng, 4) == 0) {
        for (size_t i = 0; i < sizeof plan; i++) {
            bytes[i] = draw_byte(rng);
        }
    }
    for (unsigned i = zap_rng_below(rng, 16); i > 0; i--) {
        size_t at = zap_rng_below(rng, sizeof plan);
        bytes[at] = draw_byte(rng);
    }
    limit_counts(&plan);
    const struct zap_plan given = plan;
    zap_plan_normalize(&plan);
    tried.changed += !zap_plan_equal(&given, &plan);
    must(obeys(&plan), "a normalized plan keeps the rules");
    must(zap_plan_is_normal(&plan), "normalizing once is enough");
    must(obeys(&given) == zap_plan_equal(&given, &plan), "what keeps the rules is left alone");
    must(plan.modules_count <= given.modules_count || given.modules_count == 0,
         "no module is added");
    must(plan.objects_count <= given.objects_count && plan.links_count <= given.links_count &&
             plan.acts_count <= given.acts_count && plan.parks_count <= given.parks_count,
         "a plan never gets bigger");
    try_round_trips(&plan);
}

static void decode_and_try(const uint8_t *bytes, size_t len)
{
    tried.decoded++;
    tried.decoded_bytes += len;
    uint8_t *exact = malloc(len > 0 ? len : 1); /* so that a sanitizer sees one byte too far */
    if (exact == NULL) {
        broken("there is memory for a test");
    }
    memcpy(exact, bytes, len);
    struct zap_plan plan;
    memset(&plan, 0xa5, sizeof plan);
    zap_wire_decode(exact, len, &plan);
    free(exact);
    tried.decoded_objects += plan.objects_count;
    tried.decoded_parks += plan.parks_count;
    must(obeys(&plan), "decoded bytes keep the rules");
    must(zap_plan_is_normal(&plan), "decoded bytes are normal");
    try_round_trips(&plan);
}

static void try_bytes(struct zap_rng *rng, const struct zap_plan *good)
{
    static uint8_t bytes[BYTES_MAX];
    size_t len = zap_rng_below(rng, zap_rng_below(rng, 64) == 0 ? BYTES_MAX + 1 : 400);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = draw_byte(rng);
    }
    decode_and_try(bytes, len);

    len = zap_wire_encode(good, bytes);
    for (unsigned i = 1 + zap_rng_below(rng, 6); i > 0; i--) {
        size_t at = zap_rng_below(rng, (uint32_t)len + 1);
        switch (zap_rng_below(rng, 4)) {
        case 0:
            len = at;
            break;
        case 1:
            memmove(bytes + at + 1, bytes + at, len - at);
            bytes[at] = draw_byte(rng);
            len++;
            break;
        case 2:
            if (at < len) {
                memmove(bytes + at, bytes + at + 1, len - at - 1);
                len--;
            }
            break;
        default:
            if (at < len) {
                bytes[at] = draw_byte(rng);
            }
            break;
        }
    }
    decode_and_try(bytes, len);
}

/* Does an error point into the text, and read like one? */
static void try_error(const char *text, size_t len, const struct zap_text_error *error)
{
    const char *line = text;
    for (unsigned i = 1; i < error->line; i++) {
        line = memchr(line, '\n', (size_t)(text + len - line));
        must(line != NULL, "an error is on a line of the text");
        line++;
    }
    const char *line_end = memchr(line, '\n', (size_t)(text + len - line));
    size_t line_len = (size_t)((line_end != NULL ? line_end : text + len) - line);
    must(error->line >= 1 && error->column >= 1 && error->column <= line_len + 1,
         "an error is in a column of its line");
    must(strncmp(error->what, "expected ", 9) == 0, "an error says what was expected");
    must(strstr(error->what, ", found ") != NULL, "an error says what was found");
    for (const char *c = error->what; *c != '\0'; c++) {
        must(*c >= ' ' && *c <= '~', "an error is printable");
    }
}

static void try_text(struct zap_rng *rng, const struct zap_plan *good)
{
    static const char likely[] = "0123456789 \t\r\n#=->_amox\"\\\x00\x7f\xc3\xa9";
    static char text[ZAP_TEXT_MAX + 16];
    struct zap_str str = zap_str_init(text, ZAP_TEXT_MAX);
    zap_text_print(good, &str);
    size_t len = str.len;
    for (unsigned i = 1 + zap_rng_below(rng, 3); i > 0; i--) {
        size_t at = zap_rng_below(rng, (uint32_t)len);
        char c = zap_rng_below(rng, 4) == 0 ? (char)draw_byte(rng)
                                            : likely[zap_rng_below(rng, sizeof likely - 1)];
        switch (zap_rng_below(rng, 4)) {
        case 0: /* a line less */
            while (at > 0 && text[at - 1] != '\n') {
                at--;
            }
            {
                char *next = memchr(text + at, '\n', len - at);
                size_t gone = next != NULL ? (size_t)(next + 1 - (text + at)) : len - at;
                memmove(text + at, text + at + gone, len - at - gone);
                len -= gone;
            }
            break;
        case 1:
            memmove(text + at + 1, text + at, len - at);
            text[at] = c;
            len++;
            break;
        case 2:
            memmove(text + at, text + at + 1, len - at - 1);
            len--;
            break;
        default:
            text[at] = c;
            break;
        }
        if (len == 0) {
            break;
        }
    }
    char *exact = malloc(len > 0 ? len : 1);
    if (exact == NULL) {
        broken("there is memory for a test");
    }
    memcpy(exact, text, len);
    struct zap_plan plan;
    struct zap_plan before;
    memset(&before, 0x5a, sizeof before);
    plan = before;
    struct zap_text_error error;
    if (zap_text_parse(exact, len, &plan, &error) == ZAP_OK) {
        tried.texts_accepted++;
        must(obeys(&plan), "a parsed plan keeps the rules");
        try_round_trips(&plan);
    } else {
        tried.texts_refused++;
        must(zap_plan_equal(&plan, &before), "a refused text leaves the plan alone");
        try_error(exact, len, &error);
    }
    free(exact);
}

static void try_mutated(struct zap_rng *rng, const struct zap_plan *good)
{
    tried.mutated++;
    struct zap_plan plan = *good;
    struct zap_plan again = *good;
    uint64_t seed = zap_rng_next(rng);
    struct zap_rng one = zap_rng_init(seed, 0);
    struct zap_rng other = one;
    zap_mutate(&plan, &one);
    zap_mutate(&again, &other);
    must(obeys(&plan), "a mutated plan keeps the rules");
    must(zap_plan_is_normal(&plan), "a mutated plan is normal");
    must(zap_plan_equal(&plan, &again), "the same plan and numbers give the same mutation");
    tried.unchanged += zap_plan_equal(&plan, good);
    try_round_trips(&plan);

    char said[256];
    struct zap_str str = zap_str_init(said, sizeof said);
    zap_mutate_describe(good, seed, &str);
    must(!str.cut && str.len > 0, "a mutation is described in a few words");
    must(strspn(said, "abcdefghijklmnopqrstuvwxyz-+") == str.len, "... fit for a file name");
    must((strcmp(said, "nothing") == 0) == zap_plan_equal(&plan, good), "... and truly");

    uint8_t before[ZAP_WIRE_MAX];
    uint8_t after[ZAP_WIRE_MAX];
    size_t len = zap_wire_encode(good, before);
    size_t whole = zap_wire_encode(&plan, after);
    size_t size = zap_rng_below(rng, 2) == 0 ? ZAP_WIRE_MAX : zap_rng_below(rng, (uint32_t)whole);
    uint8_t *exact = malloc(size > 0 ? size : 1);
    must(exact != NULL, "there is memory for a test");
    size_t fitted = zap_mutate_wire(before, len, seed, exact, size);
    must(fitted <= size, "mutated bytes fit");
    must(size < whole || (fitted == whole && memcmp(exact, after, whole) == 0),
         "mutated bytes are those of the mutated plan");
    zap_wire_decode(exact, fitted, &again);
    free(exact);
    must(obeys(&again), "bytes that were made to fit keep the rules");
    tried.fitted += fitted < whole;
}

static void try_crossed(struct zap_rng *rng, const struct zap_plan *good)
{
    tried.crossed++;
    struct zap_gen_config config;
    struct zap_plan other, mixed, again;
    draw_config(rng, &config);
    zap_gen_plan(&config, 0, &other);
    uint64_t seed = zap_rng_next(rng);
    struct zap_rng one = zap_rng_init(seed, 0);
    struct zap_rng same = one;
    zap_crossover(good, &other, &one, &mixed);
    zap_crossover(good, &other, &same, &again);
    must(obeys(&mixed), "a mixed plan keeps the rules");
    must(zap_plan_is_normal(&mixed), "a mixed plan is normal");
    must(zap_plan_equal(&mixed, &again), "the same plans and numbers give the same mix");
    must(mixed.route == good->route || mixed.route == other.route, "a mix has the route of either");
    try_round_trips(&mixed);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "prop_plan: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1;
    uint64_t count = COUNT_DEFAULT;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            seed = number(argv[i + 1]);
        } else if (i + 1 < argc && strcmp(argv[i], "--count") == 0) {
            count = number(argv[i + 1]);
        } else {
            fprintf(stderr, "usage: prop_plan [--seed N] [--count N]\n");
            return 2;
        }
    }
    for (uint64_t i = 0; i < count; i++) {
        round_seed = seed + i;
        struct zap_rng rng = zap_rng_init(round_seed, 0);
        struct zap_plan plan;
        try_generated(&rng, &plan);
        try_normalize(&rng, &plan);
        try_bytes(&rng, &plan);
        try_text(&rng, &plan);
        try_mutated(&rng, &plan);
        try_crossed(&rng, &plan);
    }
    printf("prop_plan: seed %" PRIu64 ", %" PRIu64
           " rounds: %lu generated, %lu normalized (%lu changed), "
           "%lu byte strings decoded (%lu bytes, %lu objects, %lu parks), %lu round trips, "
           "%lu texts accepted, %lu refused, %lu mutated (%lu unchanged, %lu cut to fit), "
           "%lu mixed\n",
           seed, count, tried.generated, tried.normalized, tried.changed, tried.decoded,
           tried.decoded_bytes, tried.decoded_objects, tried.decoded_parks, tried.round_trips,
           tried.texts_accepted, tried.texts_refused, tried.mutated, tried.unchanged, tried.fitted,
           tried.crossed);
    bool all = tried.generated > 0 && tried.changed > 0 && tried.changed < tried.normalized &&
               tried.decoded_objects > 0 && tried.decoded_parks > 0 && tried.round_trips > 0 &&
               tried.texts_accepted > 0 && tried.texts_refused > 0 && tried.mutated > 0 &&
               tried.fitted > 0 && tried.crossed > 0;
    if (tried.unchanged * 100 > tried.mutated) {
        fprintf(stderr, "prop_plan: of a hundred mutations more than one changes nothing\n");
        return 1;
    }
    if (count >= 100 && !all) {
        fprintf(stderr, "prop_plan: a law was never tried\n");
        return 1;
    }
    return 0;
}
