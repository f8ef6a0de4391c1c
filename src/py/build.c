/* From plan to objects, without compiling anything per plan.
 *
 * Each action of op.def, with its operands filled in, is a code object that is compiled once per
 * process from the same text that a stand-alone script prints. A plan gets functions made from
 * those with the globals of the node's class: real bytecode, real LOAD_GLOBAL. Per module with
 * nodes of its own there is one class, whose __del__ runs the functions that the instance carries
 * in its slot `s`; a script prints a class per node instead, which the test of equal traces shows
 * to be the same.
 *
 * The order in which things are made is part of what a plan means, because the collector finalizes
 * in order of tracking: modules, classes, then the objects in index order, then links, then
 * bindings.
 *
 * Functions of ZAP_ELSEWHERE are kept for the life of the process: their globals outlive every
 * plan.
 */
#include "py/build.h"

#include "plan/source.h"
#include "py/api.h"
#include "py/cnode.h"
#include "py/batch.h"
#include "py/observe.h"
#include "py/park.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACT_WAYS = 2 * ZAP_MODULES_MAX, /* own or other, times the module it is about */
    OPS_END = 32,
};

static struct {
    PyCodeObject *acts[OPS_END][ZAP_NAME_END][ACT_WAYS];               /* owned, made on demand */
    PyObject *elsewhere[OPS_END][ZAP_NAME_END][ACT_WAYS];              /* (function,), likewise */
    PyCodeObject *del, *poke, *function, *lambda, *method, *generator; /* owned */
    PyObject *slots, *str_del, *str_poke, *str_slots, *str_f, *class_name; /* owned */
    PyObject *link_names[ZAP_LINKS_MAX];
    PyObject *small, *text;
    Py_ssize_t slot_at; /* where an instance keeps its script */
} kit;

/* The same code, marshalled: for subinterpreters, which share no objects. */
static struct {
    char *bytes; /* owned; NULL: not made yet */
    Py_ssize_t len;
} packed[OPS_END][ZAP_NAME_END][ACT_WAYS];

static const char kit_source[] = "def del_(self, z=z):\n"
                                 "    for act in z.script(self):\n"
                                 "        act(self, z)\n"
                                 "def poke(self, z=z):\n"
                                 "    z.poked(self)\n"
                                 "def function():\n"
                                 "    return a\n"
                                 "lambda_ = lambda: a\n"
                                 "method = lambda self: a\n"
                                 "def generator(i, z=z):\n"
                                 "    try:\n"
                                 "        yield\n"
                                 "    finally:\n"
                                 "        z.fin(i)\n";

/* Run source in a dict of its own that holds z; new reference to the dict or NULL. */
static PyObject *run_source(const char *source)
{
    PyObject *dict = PyDict_New();
    if (dict == NULL || PyDict_SetItemString(dict, "z", zap_session.z) < 0 ||
        PyDict_SetItemString(dict, "__builtins__", zap_session.builtins) < 0)
        return NULL;
    PyObject *ran = PyRun_String(source, Py_file_input, dict, dict);
    if (ran == NULL) {
        Py_DECREF(dict);
        return NULL;
    }
    Py_DECREF(ran);
    return dict;
}

/* The code of a function in a dict; new reference or NULL. */
static PyCodeObject *code_in(PyObject *dict, const char *name)
{
    PyObject *function = PyDict_GetItemString(dict, name);
    if (function == NULL || !PyFunction_Check(function))
        return NULL;
    PyObject *code = PyFunction_GetCode(function);
    Py_INCREF(code);
    return (PyCodeObject *)code;
}

/* New reference or NULL. */
static PyCodeObject *compile_act(const struct zap_act *act, bool own)
{
    char text[1024];
    struct zap_str source = zap_str_init(text, sizeof text);
    zap_str_add(&source, "def act(self, z):\n");
    zap_source_act(act, own, 4, &source);
    ZAP_CHECK(!source.cut);
    PyObject *dict = run_source(text);
    if (dict == NULL)
        return NULL;
    PyCodeObject *code = code_in(dict, "act");
    PyDict_Clear(
        dict); /* a cycle with the function, which the plan's collections are not to meet */
    Py_DECREF(dict);
    return code;
}

/* Borrowed; NULL with an exception. */
static PyCodeObject *act_code(const struct zap_act *act, bool own, unsigned way)
{
    PyCodeObject **code = &kit.acts[act->op][act->name][way];
    if (ZAP_LIKELY(*code != NULL))
        return *code;
    char *bytes = packed[act->op][act->name][way].bytes;
    Py_ssize_t len = packed[act->op][act->name][way].len;
    *code = bytes == NULL ? compile_act(act, own)
                          : (PyCodeObject *)PyMarshal_ReadObjectFromString(bytes, len);
    zap_session.cache_grew = true;
    return *code;
}

static void pack(const struct zap_act *act, PyCodeObject *code, unsigned way)
{
    char **bytes = &packed[act->op][act->name][way].bytes;
    if (*bytes != NULL)
        return;
    PyObject *string = PyMarshal_WriteObjectToString((PyObject *)code, Py_MARSHAL_VERSION);
    Py_ssize_t len = string == NULL ? 0 : PyBytes_GET_SIZE(string);
    char *copy = string == NULL ? NULL : malloc((size_t)len);
    if (copy != NULL) {
        memcpy(copy, PyBytes_AS_STRING(string), (size_t)len);
        packed[act->op][act->name][way].len = len;
        *bytes = copy;
    }
    Py_XDECREF(string);
}

/* A function with these globals and z as its default argument; new reference or NULL. */
static PyObject *function_of(PyCodeObject *code, PyObject *globals)
{
    PyObject *function = PyFunction_New((PyObject *)code, globals);
    if (function == NULL)
        return NULL;
    if (PyFunction_SetDefaults(function, zap_session.z_defaults) < 0) {
        Py_DECREF(function);
        return NULL;
    }
    return function;
}

static bool is_own(const struct zap_act *act, unsigned home)
{
    return act->module == home || zap_op_row(act->op)->operands == ZAP_OPERANDS_NONE;
}

/* The function for an act of a node that belongs elsewhere, in a tuple of its own: most scripts are
 * one act, and share that. Borrowed; NULL with an exception. */
static PyObject *elsewhere_script(const struct zap_act *act)
{
    unsigned own = is_own(act, ZAP_ELSEWHERE), way = act->module * 2u + own;
    PyObject **kept = &kit.elsewhere[act->op][act->name][way];
    if (ZAP_LIKELY(*kept != NULL))
        return *kept;
    PyCodeObject *code = act_code(act, own, way);
    PyObject *function =
        code == NULL ? NULL : PyFunction_New((PyObject *)code, zap_session.elsewhere_dict);
    if (function == NULL)
        return NULL;
    *kept = PyTuple_Pack(1, function);
    Py_DECREF(function);
    zap_session.cache_grew = true;
    return *kept;
}

void zap_build_warm(const struct zap_plan *plan)
{
    for (unsigned i = 0; i < plan->acts_count; i++) {
        const struct zap_act *act = &plan->acts[i];
        unsigned home = plan->objects[act->node].module;
        bool own = is_own(act, home);
        unsigned way = act->module * 2u + own;
        PyCodeObject *code = act_code(act, own, way);
        if (code != NULL && plan->route != ZAP_ROUTE_EXIT)
            pack(act, code, way);
        if (home == ZAP_ELSEWHERE && plan->route == ZAP_ROUTE_EXIT)
            (void)elsewhere_script(act);
    }
    PyErr_Clear();
}

/* New reference or NULL. */
static PyObject *act_function(const struct zap_act *act, unsigned home)
{
    if (home == ZAP_ELSEWHERE) {
        PyObject *script = elsewhere_script(act);
        PyObject *function = script == NULL ? NULL : PyTuple_GET_ITEM(script, 0);
        Py_XINCREF(function);
        return function;
    }
    bool own = is_own(act, home);
    PyCodeObject *code = act_code(act, own, act->module * 2u + own);
    return code == NULL ? NULL : PyFunction_New((PyObject *)code, zap_session.spaces[home].dict);
}

/* The functions that a node's __del__ runs; new reference or NULL. */
static PyObject *script_of(unsigned node)
{
    struct zap_session *s = &zap_session;
    unsigned from = s->index.act_at[node], count = s->index.act_at[node + 1] - from;
    unsigned home = s->plan->objects[node].module;
    PyObject *script = count == 0 ? s->empty_tuple
                       : count == 1 && home == ZAP_ELSEWHERE
                           ? elsewhere_script(&s->plan->acts[from])
                           : NULL;
    if (script != NULL) {
        Py_INCREF(script);
        return script;
    }
    if (PyErr_Occurred())
        return NULL;
    script = PyTuple_New((Py_ssize_t)count);
    for (unsigned i = 0; script != NULL && i < count; i++) {
        PyObject *function = act_function(&s->plan->acts[from + i], home);
        if (function == NULL) {
            Py_DECREF(script);
            return NULL;
        }
        PyTuple_SET_ITEM(script, (Py_ssize_t)i, function);
    }
    return script;
}

PyObject **zap_build_script_at(PyObject *node)
{
    return (PyObject **)((char *)node + kit.slot_at);
}

/* ---- classes ---- */

static PyObject *make_class(PyObject *name, PyObject *del, PyObject *poke, bool with_slots)
{
    PyObject *dict = PyDict_New();
    if (dict == NULL)
        return NULL;
    PyObject *type = NULL;
    if ((!with_slots || PyDict_SetItem(dict, kit.str_slots, kit.slots) == 0) &&
        PyDict_SetItem(dict, kit.str_del, del) == 0 &&
        (poke == NULL || PyDict_SetItem(dict, kit.str_poke, poke) == 0)) {
        type = PyObject_CallFunction((PyObject *)&PyType_Type, "O(O)O", name, &PyBaseObject_Type,
                                     dict);
    }
    Py_DECREF(dict);
    if (type != NULL)
        zap_observe_class((PyTypeObject *)type);
    return type;
}

PyObject *zap_build_class(PyObject *name, PyObject *del, PyObject *poke)
{
    return make_class(name, del, poke, false);
}

/* The class of nodes whose functions have these globals; new reference or NULL. */
static PyTypeObject *node_class(PyObject *globals)
{
    PyObject *type = NULL;
    PyObject *del = function_of(kit.del, globals), *poke = function_of(kit.poke, globals);
    if (del != NULL && poke != NULL)
        type = make_class(kit.class_name, del, poke, true);
    Py_XDECREF(del);
    Py_XDECREF(poke);
    return (PyTypeObject *)type;
}

/* ---- objects ---- */

/* Everything a maker needs: the object's number and those made before it. */
struct site {
    unsigned number;
    const struct zap_object *object;
    PyObject **made; /* owned by zap_build_contents */
    PyTypeObject **classes;
};

static PyObject *linked(const struct site *site, unsigned k)
{
    const struct zap_session *s = &zap_session;
    unsigned at = s->index.link_at[site->number] + k;
    if (at >= s->index.link_at[site->number + 1])
        return NULL;
    return site->made[s->plan->links[at].to];
}

static PyObject *keep(PyObject *obj)
{
    Py_INCREF(obj);
    return obj;
}

static PyObject *globals_of(const struct site *site)
{
    return zap_session.spaces[site->object->module].dict;
}

static PyObject *make_NONE(const struct site *site)
{
    (void)site;
    return keep(Py_None);
}

static PyObject *make_INT(const struct site *site)
{
    (void)site;
    return keep(kit.small);
}

static PyObject *make_BIGINT(const struct site *site)
{
    (void)site;
    char digits[] = "999999999999999999999999999999";
    return PyLong_FromString(digits, NULL, 10);
}

static PyObject *make_FLOAT(const struct site *site)
{
    (void)site;
    return PyFloat_FromDouble(2.5);
}

static PyObject *make_STR(const struct site *site)
{
    (void)site;
    return keep(kit.text);
}

static PyObject *make_LIST(const struct site *site)
{
    (void)site;
    return PyList_New(0);
}

static PyObject *make_TUPLE(const struct site *site)
{
    const struct zap_session *s = &zap_session;
    unsigned count =
        (unsigned)(s->index.link_at[site->number + 1] - s->index.link_at[site->number]);
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (unsigned k = 0; tuple != NULL && k < count; k++)
        PyTuple_SET_ITEM(tuple, (Py_ssize_t)k, keep(linked(site, k)));
    return tuple;
}

static PyObject *make_DICT(const struct site *site)
{
    (void)site;
    return PyDict_New();
}

static PyObject *make_SET(const struct site *site)
{
    PyObject *set = PySet_New(NULL), *item = linked(site, 0);
    if (set != NULL && item != NULL && PySet_Add(set, item) < 0) {
        Py_DECREF(set);
        return NULL;
    }
    return set;
}

static PyObject *make_NODE(const struct site *site)
{
    struct zap_session *s = &zap_session;
    unsigned home = site->object->module;
    PyTypeObject *type = home == ZAP_ELSEWHERE ? s->elsewhere : site->classes[home];
    PyObject *script = script_of(site->number);
    if (script == NULL)
        return NULL;
    PyObject *node = type->tp_alloc(type, 0);
    if (node == NULL) {
        Py_DECREF(script);
        return NULL;
    }
    *(PyObject **)((char *)node + kit.slot_at) = script;
    s->nodes[site->number] = node;
    return node;
}

static PyObject *make_CNODE(const struct site *site)
{
    return zap_cnode_new((uint8_t)site->number);
}

static PyObject *make_FUNCTION(const struct site *site)
{
    return PyFunction_New((PyObject *)kit.function, globals_of(site));
}

static PyObject *make_LAMBDA(const struct site *site)
{
    return PyFunction_New((PyObject *)kit.lambda, globals_of(site));
}

static PyObject *make_CLASS(const struct site *site)
{
    PyObject *method = PyFunction_New((PyObject *)kit.method, globals_of(site));
    if (method == NULL)
        return NULL;
    return PyObject_CallFunction((PyObject *)&PyType_Type, "O(O){O:N}", kit.class_name,
                                 &PyBaseObject_Type, kit.str_f, method);
}

static PyObject *make_METHOD(const struct site *site)
{
    return PyObject_GetAttr(site->made[site->object->target], kit.str_poke);
}

static PyObject *make_MODULE(const struct site *site)
{
    return keep(zap_session.spaces[site->object->module].module);
}

static PyObject *make_WEAKREF(const struct site *site)
{
    return PyWeakref_NewRef(site->made[site->object->target], NULL);
}

static PyObject *make_CALLBACK(const struct site *site)
{
    PyObject *callback = zap_api_callback((uint8_t)site->number);
    if (callback == NULL)
        return NULL;
    PyObject *reference = PyWeakref_NewRef(site->made[site->object->target], callback);
    Py_DECREF(callback);
    return reference;
}

static PyObject *make_GENERATOR(const struct site *site)
{
    PyObject *function = function_of(kit.generator, globals_of(site));
    if (function == NULL)
        return NULL;
    PyObject *generator =
        PyObject_CallFunction(function, "l", zap_batch_number((uint8_t)site->number));
    Py_DECREF(function);
    PyObject *item = generator == NULL ? NULL : PyIter_Next(generator);
    if (item == NULL) {
        Py_XDECREF(generator);
        return NULL;
    }
    Py_DECREF(item);
    return generator;
}

static PyObject *make_CELL(const struct site *site)
{
    PyObject *inner = linked(site, 0);
    return PyCell_New(inner == NULL ? Py_None : inner);
}

static PyObject *make_GLOBALS(const struct site *site)
{
    return keep(globals_of(site));
}

static PyObject *make_NEST(const struct site *site)
{
    PyObject *inner = linked(site, 0);
    return zap_api_nest(inner == NULL ? Py_None : inner);
}

static PyObject *make_OUTSIDE(const struct site *site)
{
    if (zap_api_watch(site->made[site->object->target], (uint8_t)site->number) < 0)
        return NULL;
    return keep(Py_None);
}

typedef PyObject *(*maker)(const struct site *site);
static const maker makers[] = {
#define ZAP_VALUE(code, id, token, place, target, links, hashable, weight, py, words)              \
    [code] = make_##id,
#include "plan/value.def"
#undef ZAP_VALUE
};

/* Links of what can change after it was made; the others have theirs already. */
static int add_link(unsigned kind, PyObject *from, PyObject *to, unsigned k)
{
    switch (kind) {
    case ZAP_VALUE_LIST:
        return PyList_Append(from, to);
    case ZAP_VALUE_DICT: {
        PyObject *key = zap_py_int((long)k);
        int result = key == NULL ? -1 : PyDict_SetItem(from, key, to);
        Py_XDECREF(key);
        return result;
    }
    case ZAP_VALUE_NODE:
        return PyObject_SetAttr(from, kit.link_names[k], to);
    default:
        return 0;
    }
}

static int add_links(PyObject **made)
{
    const struct zap_session *s = &zap_session;
    unsigned from = ZAP_OBJECTS_MAX, k = 0;
    for (unsigned i = 0; i < s->plan->links_count; i++) {
        const struct zap_link *link = &s->plan->links[i];
        k = link->from == from ? k + 1 : 0;
        from = link->from;
        if (add_link(s->plan->objects[from].kind, made[from], made[link->to], k) < 0)
            return -1;
    }
    return 0;
}

/* The key of a global, new reference or NULL. Of z.trap it is a new one each time: nobody but the
 * namespace may hold it. */
static PyObject *key_of(uint8_t name)
{
    PyObject *key = zap_session.keys[name];
    if (name != ZAP_NAME_TRAP && name != ZAP_NAME_U_TRAP)
        return keep(key);
    return PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(key), key, NULL);
}

static int bind(PyObject *dict, uint8_t name, PyObject *value)
{
    PyObject *key = key_of(name);
    int result = key == NULL ? -1 : PyDict_SetItem(dict, key, value);
    Py_XDECREF(key);
    return result;
}

static int bind_globals(PyObject **made)
{
    struct zap_session *s = &zap_session;
    for (unsigned m = 0; m < s->plan->modules_count; m++) {
        const struct zap_module *module = &s->plan->modules[m];
        for (unsigned g = 0; g < module->globals_count; g++) {
            const struct zap_global *global = &module->globals[g];
            if (bind(s->spaces[m].dict, global->name, made[global->object]) < 0)
                return -1;
        }
    }
    return 0;
}

static int make_classes(PyTypeObject **classes)
{
    const struct zap_session *s = &zap_session;
    bool wanted[ZAP_MODULES_MAX] = {false};
    for (unsigned i = 0; i < s->plan->objects_count; i++) {
        const struct zap_object *object = &s->plan->objects[i];
        if (object->kind == ZAP_VALUE_NODE && object->module != ZAP_ELSEWHERE)
            wanted[object->module] = true;
    }
    for (unsigned m = 0; m < s->plan->modules_count; m++) {
        if (wanted[m] && (classes[m] = node_class(s->spaces[m].dict)) == NULL)
            return -1;
    }
    return 0;
}

static int make_contents(PyObject **made, PyTypeObject **classes)
{
    struct zap_session *s = &zap_session;
    if (make_classes(classes) < 0)
        return -1;
    for (unsigned i = 0; i < s->plan->objects_count; i++) {
        struct site site = {i, &s->plan->objects[i], made, classes};
        made[i] = makers[site.object->kind](&site);
        if (made[i] == NULL)
            return -1;
    }
    return add_links(made) < 0 || bind_globals(made) < 0 ? -1 : zap_park_all(made);
}

int zap_build_contents(void)
{
    PyObject *made[ZAP_OBJECTS_MAX] = {NULL};
    PyTypeObject *classes[ZAP_MODULES_MAX] = {NULL};
    int result = make_contents(made, classes);
    for (unsigned i = 0; i < zap_session.plan->objects_count; i++)
        Py_XDECREF(made[i]);
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        if (classes[m] != NULL)
            zap_session.is_dirty = true; /* a class is in a cycle with itself */
        Py_XDECREF(classes[m]);
    }
    return result;
}

static int bind_again(PyObject *dict)
{
    struct zap_session *s = &zap_session;
    const struct zap_module *module = &s->plan->modules[0];
    for (unsigned g = 0; g < module->globals_count; g++) {
        const struct zap_global *global = &module->globals[g];
        if (global->again == ZAP_AGAIN_KEEP)
            continue;
        PyObject *value = global->again == ZAP_AGAIN_INT ? zap_api_fresh() : keep(Py_None);
        int result = value == NULL ? -1 : bind(dict, global->name, value);
        Py_XDECREF(value);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* As exec does, which runs a module's code: where there are no builtins it puts them there, and the
 * frame holds what it found, whatever that is. */
int zap_build_again(PyObject *dict)
{
    PyObject *key = zap_session.keys[ZAP_NAME_BUILTINS], *builtins = zap_py_dict_get(dict, key);
    if (builtins == NULL && PyDict_SetItem(dict, key, zap_session.builtins) < 0)
        return -1;
    builtins = zap_py_dict_get(dict, key);
    if (builtins != NULL && !zap_py_frame_holds(builtins))
        builtins = NULL;
    Py_XINCREF(builtins);
    int result = bind_again(dict);
    Py_XDECREF(builtins);
    return result;
}

/* ---- modules ---- */

int zap_build_adopt(unsigned number, PyObject *module)
{
    struct zap_session *s = &zap_session;
    struct zap_space *space = &s->spaces[number];
    space->module = module;
    space->dict = PyModule_GetDict(module);
    if (PyDict_SetItem(space->dict, s->keys[ZAP_NAME_BUILTINS], s->builtins) < 0)
        return -1;
    if (s->plan->modules[number].held)
        s->held[number] = keep(space->dict);
    zap_observe_space(space);
    return 0;
}

/* Each plan's modules have names of their own where there are several plans. */
static void module_name(unsigned run, unsigned number, char ret_name[16])
{
    if (run == 0)
        snprintf(ret_name, 16, "m%u", number);
    else
        snprintf(ret_name, 16, "b%u_m%u", run, number);
}

int zap_build_names(void)
{
    struct zap_session *s = &zap_session;
    for (unsigned m = 0; m < ZAP_MODULES_MAX; m++) {
        char name[16];
        module_name(s->run, m, name);
        if (s->names[s->run][m] == NULL && (s->names[s->run][m] = zap_py_intern(name)) == NULL)
            return -1;
        s->module_names[m] = s->names[s->run][m];
    }
    return 0;
}

int zap_build_module(unsigned number)
{
    struct zap_session *s = &zap_session;
    char name[16];
    module_name(s->run, number, name);
    PyObject *module = PyModule_New(name);
    if (module == NULL)
        return -1;
    s->modules[number] = module;
    if (PyDict_SetItem(s->sys_modules, s->module_names[number], module) < 0)
        return -1;
    return zap_build_adopt(number, module);
}

/* ---- what all plans share ---- */

static int make_keys(void)
{
    struct zap_session *s = &zap_session;
    PyObject *dict = PyDict_New();
    if (dict == NULL || PyDict_SetItemString(dict, "z", s->z) < 0 ||
        PyDict_SetItemString(dict, "__builtins__", s->builtins) < 0)
        return -1;
    for (unsigned code = 1; code < ZAP_NAME_END; code++) {
        const struct zap_name_row *row = zap_name_row(code);
        if (row == NULL)
            continue;
        PyObject *key = PyRun_String(row->py, Py_eval_input, dict, dict);
        if (key == NULL)
            return -1;
            /* Identifiers are interned by the compiler, and dict lookups should meet the same
             * object. */
#if ZAP_PY3
        if (PyUnicode_CheckExact(key))
            PyUnicode_InternInPlace(&key);
#else
        if (PyString_CheckExact(key))
            PyString_InternInPlace(&key);
#endif
        s->keys[code] = key;
    }
    Py_DECREF(dict);
    return 0;
}

static Py_ssize_t member_offset(PyTypeObject *type, const char *name)
{
    PyObject *member = PyObject_GetAttrString((PyObject *)type, name);
    if (member == NULL)
        return -1;
    Py_ssize_t offset = ((PyMemberDescrObject *)member)->d_member->offset;
    Py_DECREF(member);
    return offset;
}

int zap_build_init(void)
{
    struct zap_session *s = &zap_session;
    memset(&kit, 0, sizeof kit); /* in a subinterpreter: what is there is of another one */
    memset(s->names, 0, sizeof s->names);
    if (make_keys() < 0 || zap_build_names() < 0)
        return -1;
    PyObject *dict = run_source(kit_source);
    if (dict == NULL)
        return -1;
    kit.del = code_in(dict, "del_");
    kit.poke = code_in(dict, "poke");
    kit.function = code_in(dict, "function");
    kit.lambda = code_in(dict, "lambda_");
    kit.method = code_in(dict, "method");
    kit.generator = code_in(dict, "generator");
    Py_DECREF(dict);
    kit.slots = Py_BuildValue("(sss)", "s", "__dict__", "__weakref__");
    kit.str_slots = zap_py_intern("__slots__");
    kit.str_del = zap_py_intern("__del__");
    kit.str_poke = zap_py_intern("poke");
    kit.str_f = zap_py_intern("f");
    kit.class_name = zap_py_intern("node");
    kit.text = zap_py_intern("text");
    kit.small = zap_py_int(7);
    s->new_module = zap_py_intern(ZAP_NEW_MODULE);
    for (unsigned i = 0; i < ZAP_LINKS_MAX; i++) {
        char name[8];
        snprintf(name, sizeof name, "l%u", i);
        if ((kit.link_names[i] = zap_py_intern(name)) == NULL)
            return -1;
    }
    s->elsewhere_dict = run_source("__name__ = 'elsewhere'\n");
    if (s->elsewhere_dict == NULL || PyErr_Occurred())
        return -1;
    s->elsewhere = node_class(s->elsewhere_dict);
    if (s->elsewhere == NULL)
        return -1;
    kit.slot_at = member_offset(s->elsewhere, "s");
    return kit.slot_at <= 0 ? -1 : 0;
}
