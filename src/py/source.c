/* Plans from source: slow, plain, and the reference for build.c.
 *
 * Sections are compiled and executed one after the other, with their module's namespace as globals
 * and one scratch dict as locals. Before scratch is dropped, the nodes in it are made known to the
 * observers.
 */
#include "py/source.h"

#include "plan/source.h"
#include "py/park.h"
#include "py/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[ZAP_SOURCE_MAX];
static PyObject *scratch; /* owned while a plan is being built */

/* The dict in which a section's code runs; borrowed. */
static PyObject *context_dict(const char *context)
{
    if (context[0] >= '0' && context[0] <= '9')
        return zap_session.spaces[atoi(context)].dict;
    return zap_session.elsewhere_dict;
}

static int run(const char *from, PyObject *globals, PyObject *locals)
{
    PyObject *ran = PyRun_String(from, Py_file_input, globals, locals);
    Py_XDECREF(ran);
    return ran == NULL ? -1 : 0;
}

/* Run the one section that is for reloads, in `globals`, or all others, each in its own context. */
static int run_sections(bool again, PyObject *globals, PyObject *locals)
{
    static const char mark[] = "#@ ";
    char *at = strstr(text, mark);
    while (at != NULL) {
        char *context = at + strlen(mark);
        char *code = strchr(context, '\n') + 1;
        char *next = strstr(code, mark);
        if (next != NULL)
            next[-1] = '\0'; /* the newline before the mark */
        bool is_again = strncmp(context, "again", 5) == 0;
        if (is_again == again &&
            run(code, globals != NULL ? globals : context_dict(context), locals) < 0)
            return -1;
        at = next;
    }
    return 0;
}

static int write_sections(void)
{
    struct zap_str out = zap_str_init(text, sizeof text);
    zap_source_sections(zap_session.plan, &out);
    if (!out.cut)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "a plan's source is longer than ZAP_SOURCE_MAX");
    return -1;
}

static PyObject *new_scratch(void)
{
    PyObject *dict = PyDict_New();
    if (dict == NULL || PyDict_SetItemString(dict, "z", zap_session.z) < 0)
        return NULL;
    return dict;
}

void zap_source_built(void)
{
    struct zap_session *s = &zap_session;
    for (unsigned i = 0; i < s->plan->objects_count; i++) {
        if (s->plan->objects[i].kind != ZAP_VALUE_NODE)
            continue;
        char name[8];
        snprintf(name, sizeof name, "o%u", i);
        s->nodes[i] = PyDict_GetItemString(scratch, name);
        ZAP_CHECK(s->nodes[i] != NULL);
    }
    PyDict_Clear(scratch);
    PyDict_SetItemString(scratch, "z", s->z);
    s->is_dirty = true;
}

/* Hold what the plan says, while scratch has the objects. */
static int park(void)
{
    PyObject *made[ZAP_OBJECTS_MAX] = {NULL};
    for (unsigned i = 0; i < zap_session.plan->objects_count; i++) {
        char name[8];
        snprintf(name, sizeof name, "o%u", i);
        made[i] = PyDict_GetItemString(scratch, name);
    }
    return zap_park_all(made);
}

int zap_source_contents(void)
{
    struct zap_session *s = &zap_session;
    scratch = new_scratch();
    if (scratch == NULL || write_sections() < 0)
        return -1;
    for (int m = 0; m < s->spaces_count; m++)
        if (PyDict_SetItem(scratch, s->module_names[m], s->spaces[m].module) < 0)
            return -1;
    int result = run_sections(false, NULL, scratch);
    if (result == 0 && !zap_session.active)
        result = park();
    if (result == 0)
        zap_source_built();
    Py_CLEAR(scratch);
    return result;
}

int zap_source_again(PyObject *dict)
{
    PyObject *locals = new_scratch();
    if (locals == NULL || write_sections() < 0)
        return -1;
    int result = run_sections(true, dict, locals);
    Py_DECREF(locals);
    return result;
}
