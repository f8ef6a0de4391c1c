/* zap-fuzz-data OUTDIR PLAN...: writes what fuzzers start from, for the build.
 *
 *   OUTDIR/pyzap.dict       a dictionary in the syntax that libFuzzer and AFL++ share
 *   OUTDIR/seeds/NAME.zap   the wire bytes of every text plan NAME.plan
 *
 * A dictionary's entries are whole records of wire bytes, one for every row of the tables at least:
 * a global of each name, an object of each kind, an act of each op, a park at each place. They are
 * cut out of plans that zap_wire_encode has encoded, so that the dictionary follows the format by
 * itself. Entries are named by the rows' identifiers, because names may have letters, digits and
 * '_' only.
 *
 * All plans are read before anything is written, and every file is renamed into place. The same
 * arguments give the same files. Exit status: 0 written, 2 usage, bad input or no way to write,
 * with one line that says so.
 */
#include "base/check.h"
#include "base/str.h"
#include "plan/text.h"
#include "plan/wire.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct row {
    uint8_t code;
    const char *id;
};

static const struct row names[] = {
#define ZAP_NAME(code, id, token, py, cls, ident) {code, #id},
#include "plan/name.def"
#undef ZAP_NAME
};

static const struct row kinds[] = {
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words) {code, #id},
#include "plan/value.def"
#undef ZAP_VALUE
};

static const struct row ops[] = {
#define ZAP_OP(code, id, token, operands, weight, own, key, other, words) {code, #id},
#include "plan/op.def"
#undef ZAP_OP
};

static const struct row routes[] = {
#define ZAP_ROUTE(code, id, token, weight, ends, text) {code, #id},
#include "plan/route.def"
#undef ZAP_ROUTE
};

static const struct row places[] = {
#define ZAP_PARK(code, id, token, modules, objects, weight, words) {code, #id},
#include "plan/park.def"
#undef ZAP_PARK
};

static const struct row settings[] = {
#define ZAP_SETTING(code, id, token, weight, py, words) {code, #id},
#include "plan/setting.def"
#undef ZAP_SETTING
};

/* ------------------------------------------------------------------ the dictionary */

/* How many bytes the records of wire.c have, tag included. */
enum {
    ROUTE_LEN = 1,
    MODULE_LEN = 2,
    GLOBAL_LEN = 4,
    OBJECT_LEN = 4,
    LINK_LEN = 3,
    ACT_LEN = 5,
    PARK_LEN = 4,
    SETTING_LEN = 2,
    UNLISTED_LEN = 2,
};

/* Records with operands that are not in place yet refer to the first object and the first module,
 * which any plan is likely to have. */
static void start_plan(struct zap_plan *ret_plan)
{
    zap_plan_init(ret_plan);
    ret_plan->objects_count = 1;
    ret_plan->objects[0].kind = ZAP_VALUE_NODE;
    ret_plan->modules[0].globals_count = 1;
    ret_plan->modules[0].globals[0].name = ZAP_NAME_A;
}

/* With a second object, under a second name. */
static void start_pair(struct zap_plan *ret_plan, uint8_t kind)
{
    start_plan(ret_plan);
    ret_plan->objects_count = 2;
    ret_plan->objects[1].kind = kind;
    ret_plan->modules[0].globals_count = 2;
    ret_plan->modules[0].globals[1] = (struct zap_global){.name = ZAP_NAME_B, .object = 1};
}

/* One entry: `len` bytes from `at` on of the plan's wire bytes. */
static void add_entry(struct zap_str *dict, const char *what, const char *id, const char *how,
                      const struct zap_plan *plan, size_t at, size_t len)
{
    uint8_t wire[ZAP_WIRE_MAX];
    ZAP_CHECK(zap_plan_is_normal(plan));
    ZAP_CHECK_CMP(at + len, <=, zap_wire_encode(plan, wire));
    zap_str_printf(dict, "%s%s%s=\"", what, id, how);
    for (size_t i = at; i < at + len; i++) {
        zap_str_printf(dict, "\\x%02x", wire[i]);
    }
    zap_str_add(dict, "\"\n");
}

static void add_routes(struct zap_str *dict)
{
    struct zap_plan plan;
    zap_str_add(dict, "\n# Routes: the first byte of a plan.\n");
    for (size_t i = 0; i < COUNT(routes); i++) {
        zap_plan_init(&plan);
        plan.route = routes[i].code;
        add_entry(dict, "route_", routes[i].id, "", &plan, 0, ROUTE_LEN);
    }
}

static void add_modules(struct zap_str *dict)
{
    struct zap_plan plan;
    zap_str_add(dict, "\n# One more module.\n");
    zap_plan_init(&plan);
    add_entry(dict, "module", "", "", &plan, ROUTE_LEN, MODULE_LEN);
    plan.modules[0].held = 1;
    add_entry(dict, "module", "", "_held", &plan, ROUTE_LEN, MODULE_LEN);
}

static void add_globals(struct zap_str *dict)
{
    struct zap_plan plan;
    zap_str_add(dict, "\n# A global of each name, for the first object.\n");
    start_plan(&plan);
    for (size_t i = 0; i < COUNT(names); i++) {
        plan.modules[0].globals[0].name = names[i].code;
        add_entry(dict, "global_", names[i].id, "", &plan, ROUTE_LEN + MODULE_LEN, GLOBAL_LEN);
    }
    zap_str_add(dict, "\n# ... and one that the second run of a module's code binds anew.\n");
    start_plan(&plan);
    plan.route = ZAP_ROUTE_RELOAD;
    plan.modules[0].globals[0].again = ZAP_AGAIN_INT;
    add_entry(dict, "global_A", "", "_again_int", &plan, ROUTE_LEN + MODULE_LEN, GLOBAL_LEN);
    plan.modules[0].globals[0].again = ZAP_AGAIN_NONE;
    add_entry(dict, "global_A", "", "_again_none", &plan, ROUTE_LEN + MODULE_LEN, GLOBAL_LEN);
}

static void add_objects(struct zap_str *dict)
{
    const size_t at = ROUTE_LEN + MODULE_LEN + 2 * GLOBAL_LEN + OBJECT_LEN;
    struct zap_plan plan;
    zap_str_add(dict, "\n# An object of each kind.\n");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        start_pair(&plan, kinds[i].code);
        add_entry(dict, "object_", kinds[i].id, "", &plan, at, OBJECT_LEN);
        if (zap_value_row(kinds[i].code)->place == ZAP_PLACE_CLASS) {
            plan.objects[1].module = ZAP_ELSEWHERE;
            add_entry(dict, "object_", kinds[i].id, "_elsewhere", &plan, at, OBJECT_LEN);
        }
    }
}

static void add_links(struct zap_str *dict)
{
    static const struct {
        const char *id;
        struct zap_link link;
    } links[] = {{"to_itself", {0, 0}}, {"to_later", {0, 1}}, {"to_earlier", {1, 0}}};
    struct zap_plan plan;
    zap_str_add(dict, "\n# Links between the first two objects.\n");
    for (size_t i = 0; i < COUNT(links); i++) {
        start_pair(&plan, ZAP_VALUE_LIST);
        plan.links_count = 1;
        plan.links[0] = links[i].link;
        add_entry(dict, "link_", links[i].id, "", &plan,
                  ROUTE_LEN + MODULE_LEN + 2 * GLOBAL_LEN + 2 * OBJECT_LEN, LINK_LEN);
    }
}

static void add_acts(struct zap_str *dict)
{
    struct zap_plan plan;
    zap_str_add(dict, "\n# An act of each kind, of the first object.\n");
    start_plan(&plan);
    plan.acts_count = 1;
    for (size_t i = 0; i < COUNT(ops); i++) {
        bool has_name = zap_op_row(ops[i].code)->operands == ZAP_OPERANDS_NAME;
        plan.acts[0] = (struct zap_act){.op = ops[i].code, .name = has_name ? ZAP_NAME_A : 0};
        add_entry(dict, "act_", ops[i].id, "", &plan,
                  ROUTE_LEN + MODULE_LEN + GLOBAL_LEN + OBJECT_LEN, ACT_LEN);
    }
}

/* They mean something only with a route that ends an interpreter, which an entry can not bring. */
static void add_ends(struct zap_str *dict)
{
    const size_t at = ROUTE_LEN + MODULE_LEN + GLOBAL_LEN + OBJECT_LEN;
    struct zap_plan plan;
    zap_str_add(dict, "\n# The first object and the first module, in each place.\n");
    start_plan(&plan);
    plan.route = ZAP_ROUTE_EXIT;
    plan.parks_count = 1;
    for (size_t i = 0; i < COUNT(places); i++) {
        const struct zap_park_row *row = zap_park_row(places[i].code);
        plan.parks[0] = (struct zap_park){.place = places[i].code};
        if (row->objects) {
            add_entry(dict, "park_", places[i].id, "_object", &plan, at, PARK_LEN);
        }
        plan.parks[0].is_module = 1;
        if (row->modules) {
            add_entry(dict, "park_", places[i].id, "_module", &plan, at, PARK_LEN);
        }
    }
    zap_str_add(dict, "\n# Each setting, and a first module that is not listed.\n");
    plan.parks_count = 0;
    plan.parks[0] = (struct zap_park){0};
    for (size_t i = 0; i < COUNT(settings); i++) {
        plan.settings = (uint8_t)(1u << (settings[i].code - 1));
        add_entry(dict, "setting_", settings[i].id, "", &plan, at, SETTING_LEN);
    }
    plan.settings = 0;
    plan.modules[0].unlisted = 1;
    add_entry(dict, "unlisted", "", "", &plan, at, UNLISTED_LEN);
}

static void print_dictionary(struct zap_str *dict)
{
    zap_str_add(dict, "# Wire records of plans (src/plan/wire.c), from the tables src/plan/*.def.\n"
                      "# Made by zap-fuzz-data, for libFuzzer (-dict=) and AFL++ (-x).\n");
    add_routes(dict);
    add_modules(dict);
    add_globals(dict);
    add_objects(dict);
    add_links(dict);
    add_acts(dict);
    add_ends(dict);
    ZAP_CHECK(!dict->cut);
}

/* ------------------------------------------------------------------ plans */

struct seed {
    char name[NAME_MAX + 1];
    struct zap_plan plan;
};

static bool fail(const char *path, const char *why)
{
    fprintf(stderr, "zap-fuzz-data: %s: %s\n", path, why);
    return false;
}

/* DIR/NAME.plan gives NAME. */
static bool name_seed(const char *path, struct seed *ret_seed)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    size_t len = strlen(file);
    static const char suffix[] = ".plan";
    size_t suffix_len = sizeof suffix - 1;
    if (len <= suffix_len || len > NAME_MAX || strcmp(file + len - suffix_len, suffix) != 0) {
        return fail(path, "is not called NAME.plan: give text plans");
    }
    memcpy(ret_seed->name, file, len - suffix_len);
    ret_seed->name[len - suffix_len] = '\0';
    return true;
}

static bool read_seed(const char *path, struct seed *ret_seed)
{
    static char text[ZAP_TEXT_FILE_MAX + 1];
    if (!name_seed(path, ret_seed)) {
        return false;
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return fail(path, strerror(errno));
    }
    size_t len = fread(text, 1, sizeof text, file);
    bool is_bad = ferror(file) != 0;
    int why = errno;
    fclose(file);
    if (is_bad) {
        return fail(path, strerror(why));
    }
    if (len == sizeof text) {
        return fail(path, "is too big to be a plan");
    }
    struct zap_text_error error;
    if (zap_text_parse(text, len, &ret_seed->plan, &error) != ZAP_OK) {
        char where[sizeof error.what + 64];
        snprintf(where, sizeof where, "line %u, column %u: %s", error.line, error.column,
                 error.what);
        return fail(path, where);
    }
    return true;
}

static bool read_seeds(char **paths, size_t count, struct seed *ret_seeds)
{
    for (size_t i = 0; i < count; i++) {
        if (!read_seed(paths[i], &ret_seeds[i])) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(ret_seeds[i].name, ret_seeds[k].name) == 0) {
                return fail(paths[i], "has the name of another plan: rename one of them");
            }
        }
    }
    return true;
}

/* ------------------------------------------------------------------ files */

/* As mkdir -p. */
static bool make_folders(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part) {
        return fail(path, strerror(ENAMETOOLONG));
    }
    for (size_t end = 1; end <= len; end++) {
        if (path[end] == '/' || path[end] == '\0') {
            memcpy(part, path, end);
            part[end] = '\0';
            if (mkdir(part, 0777) < 0 && errno != EEXIST) {
                return fail(part, strerror(errno));
            }
        }
    }
    return true;
}

static bool write_file(const char *path, const void *bytes, size_t len)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s.new", path) >= (int)sizeof part) {
        return fail(path, strerror(ENAMETOOLONG));
    }
    FILE *file = fopen(part, "wb");
    if (file == NULL) {
        return fail(part, strerror(errno));
    }
    bool is_good = fwrite(bytes, 1, len, file) == len;
    is_good = fclose(file) == 0 && is_good;
    if (!is_good || rename(part, path) < 0) {
        fail(path, strerror(errno));
        remove(part);
        return false;
    }
    return true;
}

static bool write_seed(const char *folder, const struct seed *seed)
{
    char path[PATH_MAX];
    uint8_t wire[ZAP_WIRE_MAX];
    if (snprintf(path, sizeof path, "%s/%s.zap", folder, seed->name) >= (int)sizeof path) {
        return fail(folder, strerror(ENAMETOOLONG));
    }
    return write_file(path, wire, zap_wire_encode(&seed->plan, wire));
}

static bool write_all(const char *folder, const struct seed *seeds, size_t count)
{
    static char page[64 * 1024];
    char seed_folder[PATH_MAX], path[PATH_MAX];
    struct zap_str dict = zap_str_init(page, sizeof page);
    if (snprintf(path, sizeof path, "%s/pyzap.dict", folder) >= (int)sizeof path ||
        snprintf(seed_folder, sizeof seed_folder, "%s/seeds", folder) >= (int)sizeof seed_folder) {
        return fail(folder, strerror(ENAMETOOLONG));
    }
    if (!make_folders(seed_folder)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!write_seed(seed_folder, &seeds[i])) {
            return false;
        }
    }
    print_dictionary(&dict);
    return write_file(path, page, dict.len);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-' || argv[1][0] == '\0') {
        fprintf(stderr, "usage: zap-fuzz-data OUTDIR PLAN...\n");
        return 2;
    }
    size_t count = (size_t)argc - 2;
    struct seed *seeds = calloc(count + 1, sizeof *seeds);
    ZAP_CHECK(seeds != NULL);
    bool is_good = read_seeds(argv + 2, count, seeds) && write_all(argv[1], seeds, count);
    free(seeds);
    return is_good ? 0 : 2;
}
