/* From program counters to names, with elfutils.
 *
 * Workers of one build lie at other addresses each time they start, but a program counter's place
 * in the file that it was loaded from stays the same. So the memory of names goes by (file, offset
 * in it): a crash that was seen before costs a few searches, and only a new place asks the library.
 * Symbol tables give the functions, static ones too; debug information, where there is some, the
 * line and the compile unit. Neither is looked for outside of this machine.
 *
 * What a dying worker wrote may be anything, and so may the files be that it names.
 */
#include "host/symbols.h"

#include "base/check.h"
#include "base/hash.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAPS_MAX = 256,            /* lines of a worker's maps */
    MODULES_MAX = 256,         /* files; more, or ... */
    NAMES_MAX = 1 << 16,       /* ... more places than that, and all is forgotten */
    BELOW_STACK = 4096,        /* so far from the stack pointer, below and ... */
    ABOVE_STACK = 1024 * 1024, /* ... above, a fault is that of a stack that is full */
};

/* A file with code in it. */
struct module {
    char *path; /* owned */
    uint64_t inode;
    Dwfl *session; /* owned; NULL where the file cannot be read */
    Dwfl_Module *dwfl;
};

struct name {
    uint32_t module; /* number + 1; 0: free */
    uint64_t offset;
    struct zap_stack_frame frame;
};

static struct {
    struct module modules[MODULES_MAX];
    size_t modules_count;
    struct name *names; /* owned; open addressing */
    size_t names_count, names_size;
} memory;

void zap_symbols_release(void)
{
    for (size_t i = 0; i < memory.modules_count; i++) {
        if (memory.modules[i].session)
            dwfl_end(memory.modules[i].session);
        free(memory.modules[i].path);
    }
    free(memory.names);
    memset(&memory, 0, sizeof memory);
}

/* ------------------------------------------------------------------ files */

/* The library closes what it is given, where it takes it. */
static void open_module(struct module *module)
{
    static const Dwfl_Callbacks callbacks = {
        .find_elf = dwfl_build_id_find_elf,
        .find_debuginfo = dwfl_build_id_find_debuginfo, /* unlike others, asks no server */
        .section_address = dwfl_offline_section_address,
    };
    struct stat about;
    int fd = open(module->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
        module->session = dwfl_begin(&callbacks);
    if (module->session) {
        dwfl_report_begin(module->session);
        module->dwfl = dwfl_report_offline(module->session, module->path, module->path, fd);
        dwfl_report_end(module->session, NULL, NULL);
    }
    if (!module->dwfl)
        close(fd);
}

static uint32_t find_module(const char *path, uint64_t inode)
{
    for (size_t i = 0; i < memory.modules_count; i++) {
        if (memory.modules[i].inode == inode && strcmp(memory.modules[i].path, path) == 0)
            return (uint32_t)i;
    }
    if (memory.modules_count == MODULES_MAX)
        zap_symbols_release();
    struct module *module = &memory.modules[memory.modules_count];
    *module = (struct module){.path = strdup(path), .inode = inode};
    ZAP_CHECK(module->path != NULL);
    open_module(module);
    return (uint32_t)memory.modules_count++;
}

/* The library's address of what stands at an offset in the file. */
static bool find_address(const struct module *module, uint64_t offset, GElf_Addr *ret_address,
                         uint64_t *ret_in_module)
{
    GElf_Addr bias = 0;
    size_t count = 0;
    Elf *elf = module->dwfl ? dwfl_module_getelf(module->dwfl, &bias) : NULL;
    if (!elf || elf_getphdrnum(elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD &&
            offset >= header.p_offset && offset - header.p_offset < header.p_filesz) {
            *ret_in_module = offset - header.p_offset + header.p_vaddr;
            *ret_address = *ret_in_module + bias;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ names */

/* The symbol that covers an address. */
static const char *find_function(const struct module *module, GElf_Addr address)
{
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char *name =
        dwfl_module_addrinfo(module->dwfl, address, &offset, &symbol, NULL, NULL, NULL);
    return name && offset < symbol.st_size ? name : NULL;
}

/* The compile unit of an address. The library's own search takes the nearest one before it, and not
 * all compilers write the table that it searches: what was compiled without debug information has
 * none. */
static Dwarf_Die *find_unit(const struct module *module, GElf_Addr address, Dwarf_Addr *ret_bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(module->dwfl, address, ret_bias);
    if (unit && dwarf_haspc(unit, address - *ret_bias) == 1)
        return unit;
    unit = NULL;
    while ((unit = dwfl_module_nextcu(module->dwfl, unit, ret_bias)) != NULL) {
        if (dwarf_haspc(unit, address - *ret_bias) == 1)
            return unit;
    }
    return NULL;
}

static const char *attribute(Dwarf_Die *unit, unsigned name)
{
    Dwarf_Attribute value;
    const char *text = dwarf_attr(unit, name, &value) ? dwarf_formstring(&value) : NULL;
    return text ? text : "";
}

static void ask(const struct module *module, uint64_t offset, struct zap_stack_frame *ret_frame)
{
    GElf_Addr address = 0;
    Dwarf_Addr bias = 0;
    char unit_path[PATH_MAX];
    struct zap_stack_place place = {.module = module->path, .offset = offset};
    if (find_address(module, offset, &address, &place.offset)) {
        place.function = find_function(module, address);
        Dwarf_Die *unit = find_unit(module, address, &bias);
        Dwarf_Line *line = unit ? dwarf_getsrc_die(unit, address - bias) : NULL;
        int number = 0;
        if (unit) {
            const char *name = attribute(unit, DW_AT_name);
            snprintf(unit_path, sizeof unit_path, "%s/%s",
                     name[0] == '/' ? "" : attribute(unit, DW_AT_comp_dir), name);
            place.unit = unit_path;
        }
        if (line && dwarf_lineno(line, &number) == 0) {
            place.source = dwarf_linesrc(line, NULL, NULL);
            place.line = (unsigned)number;
        }
    }
    zap_stack_name(&place, ret_frame);
}

static struct name *find_place(struct name *names, size_t size, uint32_t module, uint64_t offset)
{
    size_t at = zap_hash_mix(offset + module * UINT64_C(0x9e3779b97f4a7c15)) & (size - 1);
    while (names[at].module && (names[at].module != module || names[at].offset != offset))
        at = (at + 1) & (size - 1);
    return &names[at];
}

static void make_room(void)
{
    if (memory.names_count >= NAMES_MAX) {
        memset(memory.names, 0, memory.names_size * sizeof *memory.names);
        memory.names_count = 0;
    }
    if (memory.names_count < memory.names_size / 2)
        return;
    size_t size = memory.names_size ? memory.names_size * 2 : 256;
    struct name *names = calloc(size, sizeof *names);
    ZAP_CHECK(names != NULL);
    for (size_t i = 0; i < memory.names_size; i++) {
        const struct name *old = &memory.names[i];
        if (old->module)
            *find_place(names, size, old->module, old->offset) = *old;
    }
    free(memory.names);
    memory.names = names;
    memory.names_size = size;
}

static void find_name(const char *path, uint64_t inode, uint64_t offset,
                      struct zap_stack_frame *ret_frame)
{
    uint32_t module = find_module(path, inode);
    make_room();
    struct name *name = find_place(memory.names, memory.names_size, module + 1, offset);
    if (!name->module) {
        name->module = module + 1;
        name->offset = offset;
        ask(&memory.modules[module], offset, &name->frame);
        memory.names_count++;
    }
    *ret_frame = name->frame;
}

/* ------------------------------------------------------------------ stacks */

struct map {
    uint64_t start, end, offset, inode;
    const char *path; /* "" for none */
};

/* text: its lines are ended by NULs */
static size_t read_maps(char *text, struct map maps[MAPS_MAX])
{
    size_t count = 0;
    char *next = NULL;
    for (char *line = text; line && *line && count < MAPS_MAX; line = next) {
        struct map *map = &maps[count];
        int path_at = 0;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %" SCNu64 " %n", &map->start,
                   &map->end, &map->offset, &map->inode, &path_at) < 4)
            continue;
        map->path = line + path_at;
        count++;
    }
    return count;
}

static void name_frame(uint64_t pc, const struct map *maps, size_t count,
                       struct zap_stack_frame *ret_frame)
{
    for (size_t i = 0; i < count; i++) {
        const struct map *map = &maps[i];
        if (pc < map->start || pc >= map->end)
            continue;
        const struct zap_stack_place place = {
            .module = map->path[0] ? map->path : NULL,
            .offset = pc - map->start,
        };
        if (map->path[0] == '/')
            find_name(map->path, map->inode, pc - map->start + map->offset, ret_frame);
        else
            zap_stack_name(&place, ret_frame);
        return;
    }
    memset(ret_frame, 0, sizeof *ret_frame);
}

/* Is the fault where the stack would have grown next? */
static bool is_overflow(const struct zap_crash *crash, uint32_t signal)
{
    uint64_t from = crash->stack_pointer - BELOW_STACK;
    return (signal == SIGSEGV || signal == SIGBUS) && crash->stack_pointer > BELOW_STACK &&
           crash->address - from < BELOW_STACK + ABOVE_STACK;
}

void zap_symbols_stack(const struct zap_crash *crash, struct zap_stack *ret_stack)
{
    char text[ZAP_CRASH_MAPS_MAX + 1];
    struct map maps[MAPS_MAX];
    struct zap_stack_frame frames[ZAP_CRASH_FRAMES_MAX];
    uint32_t signal = atomic_load(&crash->signal);
    uint32_t count = atomic_load(&crash->frames_count), len = atomic_load(&crash->maps_len);
    memset(ret_stack, 0, sizeof *ret_stack);
    if (signal == 0 || count > ZAP_CRASH_FRAMES_MAX || len > ZAP_CRASH_MAPS_MAX)
        return;
    memcpy(text, crash->maps, len);
    text[len] = '\0';
    size_t maps_count = read_maps(text, maps);
    for (uint32_t i = 0; i < count; i++)
        name_frame(crash->frames[i], maps, maps_count, &frames[i]);
    zap_stack_fold(frames, count, is_overflow(crash, signal), ret_stack);
}
