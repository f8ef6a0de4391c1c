/* Plans as bytes: one byte for the route, then records of a tag byte and a fixed number of operand
 * bytes.
 *
 *   tag  operands                  meaning
 *   1    held                      one more module
 *   2    name object again         one more global, of the last module so far (before the first
 *                                  module record: of a first module that nobody holds)
 *   3    kind module target        one more object
 *   4    from to                   one more link
 *   5    node op module name       one more action at the end of a node's script
 *   6    place is_module what      one more park: of a module where is_module is not 0, else of an
 *                                  object
 *   7    setting                   the interpreter is like that
 *   8    module                    that module is unlisted
 *
 * Every byte string means a plan, and most small changes of it mean another one:
 *  - no bytes at all, or a route that is not assigned, mean route drop;
 *  - a tag that is not assigned is skipped, one byte; a record cut short by the end is ignored;
 *  - a record with a code that is not assigned (name, kind, op, place, setting) is ignored, and so
 *    is one that is over a limit;
 *  - numbers of objects and modules may refer to what comes later, and are taken modulo how many
 *    there are in the end, except that ZAP_ELSEWHERE stays where the kind allows it;
 *  - the rest is left to zap_plan_normalize.
 *
 * Tags and codes are append-only and never reused, so stored bytes keep their meaning. The
 * canonical bytes are modules with their globals, objects, links, actions, parks, in the order of
 * the plan, then settings and modules that are unlisted, ascending. What only routes that end an
 * interpreter have comes last, so the bytes of plans without it are what they always were.
 */
#include "plan/wire.h"

#include "base/check.h"

enum tag {
    TAG_MODULE = 1,
    TAG_GLOBAL,
    TAG_OBJECT,
    TAG_LINK,
    TAG_ACT,
    TAG_PARK,
    TAG_SETTING,
    TAG_UNLISTED,
    TAG_END,
};

static const uint8_t operands_count[TAG_END] = {
    [TAG_MODULE] = 1, [TAG_GLOBAL] = 3, [TAG_OBJECT] = 3,  [TAG_LINK] = 2,
    [TAG_ACT] = 4,    [TAG_PARK] = 3,   [TAG_SETTING] = 1, [TAG_UNLISTED] = 1,
};

/* What was read so far. */
struct reader {
    struct zap_plan *plan;
    bool unlisted[UINT8_MAX + 1]; /* by the number given: there may be no such module yet */
};

static void read_global(struct zap_plan *plan, const uint8_t *operands)
{
    if (zap_name_row(operands[0]) == NULL) {
        return;
    }
    if (plan->modules_count == 0) {
        plan->modules_count = 1;
    }
    struct zap_module *module = &plan->modules[plan->modules_count - 1];
    if (module->globals_count < ZAP_GLOBALS_MAX) {
        module->globals[module->globals_count++] =
            (struct zap_global){.name = operands[0], .object = operands[1], .again = operands[2]};
    }
}

static void read_act(struct zap_plan *plan, const uint8_t *operands)
{
    const struct zap_op_row *row = zap_op_row(operands[1]);
    if (row == NULL || plan->acts_count == ZAP_ACTS_MAX ||
        (row->operands == ZAP_OPERANDS_NAME && zap_name_row(operands[3]) == NULL)) {
        return;
    }
    plan->acts[plan->acts_count++] = (struct zap_act){
        .node = operands[0], .op = operands[1], .module = operands[2], .name = operands[3]};
}

static void read_park(struct zap_plan *plan, const uint8_t *operands)
{
    if (plan->parks_count < ZAP_PARKS_MAX && zap_park_row(operands[0]) != NULL) {
        plan->parks[plan->parks_count++] =
            (struct zap_park){.place = operands[0], .is_module = operands[1], .what = operands[2]};
    }
}

static void read_record(struct reader *reader, enum tag tag, const uint8_t *operands)
{
    struct zap_plan *plan = reader->plan;
    switch (tag) {
    case TAG_MODULE:
        if (plan->modules_count < ZAP_MODULES_MAX) {
            plan->modules[plan->modules_count++].held = operands[0];
        }
        return;
    case TAG_GLOBAL:
        read_global(plan, operands);
        return;
    case TAG_OBJECT:
        if (plan->objects_count < ZAP_OBJECTS_MAX && zap_value_row(operands[0]) != NULL) {
            plan->objects[plan->objects_count++] = (struct zap_object){
                .kind = operands[0], .module = operands[1], .target = operands[2]};
        }
        return;
    case TAG_LINK:
        if (plan->links_count < ZAP_LINKS_MAX) {
            plan->links[plan->links_count++] =
                (struct zap_link){.from = operands[0], .to = operands[1]};
        }
        return;
    case TAG_ACT:
        read_act(plan, operands);
        return;
    case TAG_PARK:
        read_park(plan, operands);
        return;
    case TAG_SETTING:
        if (zap_setting_row(operands[0]) != NULL) {
            plan->settings |= (uint8_t)(1u << (operands[0] - 1));
        }
        return;
    case TAG_UNLISTED:
        reader->unlisted[operands[0]] = true;
        return;
    case TAG_END:
        return;
    }
}

/* Numbers into the range that the plan turned out to have. */
static void wrap_modules(const struct reader *reader)
{
    struct zap_plan *plan = reader->plan;
    for (unsigned i = 0; i <= UINT8_MAX; i++) {
        plan->modules[i % plan->modules_count].unlisted |= reader->unlisted[i];
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        struct zap_park *park = &plan->parks[i];
        park->what = (uint8_t)(park->is_module ? park->what % plan->modules_count : park->what);
    }
}

static void wrap_objects(struct zap_plan *plan)
{
    unsigned modules = plan->modules_count;
    unsigned objects = plan->objects_count;
    if (objects == 0) {
        return; /* then there is nothing to refer to, and normalizing drops what does */
    }
    for (unsigned m = 0; m < modules; m++) {
        for (unsigned i = 0; i < plan->modules[m].globals_count; i++) {
            struct zap_global *global = &plan->modules[m].globals[i];
            global->object = (uint8_t)(global->object % objects);
        }
    }
    for (unsigned i = 0; i < objects; i++) {
        struct zap_object *object = &plan->objects[i];
        object->target = (uint8_t)(object->target % objects);
        if (object->module != ZAP_ELSEWHERE ||
            zap_value_row(object->kind)->place != ZAP_PLACE_CLASS) {
            object->module = (uint8_t)(object->module % modules);
        }
    }
    for (unsigned i = 0; i < plan->links_count; i++) {
        plan->links[i].from = (uint8_t)(plan->links[i].from % objects);
        plan->links[i].to = (uint8_t)(plan->links[i].to % objects);
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        plan->acts[i].node = (uint8_t)(plan->acts[i].node % objects);
        plan->acts[i].module = (uint8_t)(plan->acts[i].module % modules);
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        struct zap_park *park = &plan->parks[i];
        park->what = (uint8_t)(park->is_module ? park->what : park->what % objects);
    }
}

void zap_wire_decode(const uint8_t *bytes, size_t len, struct zap_plan *ret_plan)
{
    zap_plan_init(ret_plan);
    ret_plan->modules_count = 0;
    if (len > 0 && zap_route_row(bytes[0]) != NULL) {
        ret_plan->route = bytes[0];
    }
    struct reader reader = {.plan = ret_plan};
    size_t at = 1;
    while (at < len) {
        uint8_t tag = bytes[at++];
        if (tag >= TAG_END || operands_count[tag] == 0) {
            continue;
        }
        if (len - at < operands_count[tag]) {
            break;
        }
        read_record(&reader, tag, bytes + at);
        at += operands_count[tag];
    }
    if (ret_plan->modules_count == 0) {
        ret_plan->modules_count = 1;
    }
    wrap_modules(&reader);
    wrap_objects(ret_plan);
    zap_plan_normalize(ret_plan);
}

size_t zap_wire_encode(const struct zap_plan *plan, uint8_t ret_bytes[ZAP_WIRE_MAX])
{
    uint8_t *out = ret_bytes;
    *out++ = plan->route;
    for (unsigned m = 0; m < plan->modules_count; m++) {
        const struct zap_module *module = &plan->modules[m];
        *out++ = TAG_MODULE;
        *out++ = module->held;
        for (unsigned i = 0; i < module->globals_count; i++) {
            *out++ = TAG_GLOBAL;
            *out++ = module->globals[i].name;
            *out++ = module->globals[i].object;
            *out++ = module->globals[i].again;
        }
    }
    for (unsigned i = 0; i < plan->objects_count; i++) {
        *out++ = TAG_OBJECT;
        *out++ = plan->objects[i].kind;
        *out++ = plan->objects[i].module;
        *out++ = plan->objects[i].target;
    }
    for (unsigned i = 0; i < plan->links_count; i++) {
        *out++ = TAG_LINK;
        *out++ = plan->links[i].from;
        *out++ = plan->links[i].to;
    }
    for (unsigned i = 0; i < plan->acts_count; i++) {
        *out++ = TAG_ACT;
        *out++ = plan->acts[i].node;
        *out++ = plan->acts[i].op;
        *out++ = plan->acts[i].module;
        *out++ = plan->acts[i].name;
    }
    for (unsigned i = 0; i < plan->parks_count; i++) {
        *out++ = TAG_PARK;
        *out++ = plan->parks[i].place;
        *out++ = plan->parks[i].is_module;
        *out++ = plan->parks[i].what;
    }
    for (unsigned code = 1; plan->settings >> (code - 1) != 0; code++) {
        if (zap_plan_has_setting(plan, code)) {
            *out++ = TAG_SETTING;
            *out++ = (uint8_t)code;
        }
    }
    for (unsigned m = 0; m < plan->modules_count; m++) {
        if (plan->modules[m].unlisted) {
            *out++ = TAG_UNLISTED;
            *out++ = (uint8_t)m;
        }
    }
    size_t len = (size_t)(out - ret_bytes);
    ZAP_CHECK_CMP(len, <=, ZAP_WIRE_MAX);
    return len;
}
