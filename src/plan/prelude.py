"""What a plan's stand-alone script is made of beside the plan.

source.c copies from here what a plan needs: a line `#@ NAME NEEDED...` begins a piece of the part NAME.
A part goes along when its name is `always`, when the plan's code says z.NAME, when it is the plan's
`route:TOKEN`, or when a part that goes along needs it; in a script that bears witness `witness` and the
plan's `witness:TOKEN` go along instead of the route. Pieces keep this order; after `data` comes what
source.c writes itself. All of it must run on 2.7 and on every 3.x, and while the plan's modules fall
apart: the script's own namespace is not torn down, so functions may use it, but nothing here may keep
anything of the plan alive, or let go of it, that a worker would not.

When an interpreter ends, it is the modules of a script that go first. There all this is the text LATE,
and runs in a namespace that is no module's and that lives on. What belongs to modules (their names, sys,
builtins) is gone or None by the time that most of a plan dies, so functions use nothing but that
namespace, where builtins are too. There is no route-end line: when the end is over nothing is left that
could print it.
"""
#@ late
import sys
try:
    import builtins
except ImportError:
    import __builtin__ as builtins

# What runs, and where: in a namespace that no module has, so that it outlives them all.
LATE = r'''
#@ always
import gc
import os
import sys
import types
#@ late
import codecs

codecs.register(lambda encoding: None)  # this function is among the last things to go, with all its globals
#@ ctypes
try:
    import ctypes
except ImportError:
    ctypes = None  # an interpreter that was built without its extension modules
#@ park_atexit
import atexit
#@ park_codecs
import codecs
#@ park_context
try:
    from contextvars import ContextVar
except ImportError:
    ContextVar = None
#@ run_thread
try:
    import _thread
except ImportError:
    import thread as _thread  # 2.7
#@ importer
try:
    from importlib import reload
    from importlib.machinery import ModuleSpec
except ImportError:
    pass  # 2.7: reload is a builtin, and there are no specs
#@ Error
import traceback  # now, so that reporting an error in a __del__ does not import it
#@ always

gc.disable()  # nothing is collected but where the plan says so
collect_all, leave_at_once, write, listed = gc.collect, os._exit, os.write, sys.modules  # as they are now


class Z(object):
    """What the plan's code calls; it gets hold of it without looking at any namespace."""

    active = False  # nothing runs and nothing is said before the route begins and after its end
    by = 'route'  # who acts: the route, or the node whose __del__ is running
    wiping = None  # the number of the module that is being wiped

    globals = globals

    def begin(self):
        """Leave the objects to the modules alone, and begin the route."""
        for name in list(scratch):
            if name != 'z':
                del scratch[name]
        for i in range(MODULES):
            self.builtins[i] = id(self.namespace(i).get('__builtins__'))
        self.active = True
        self.say('route kind=%s', ROUTE)

    def say(self, line, *values):
        if self.active:
            line = line % values + '\n'
            # Not by a codec: 2.7 imports to encode, and a debug build looks for the codec first.
            write(1, line if str is bytes else bytes(map(ord, line)))

    def end(self):
        self.say('route-end pending=no')
        self.active = False

    builtins = {}  # module: the id of its __builtins__ when the route began

    def made(self, new):
        """What a script has made is not what was __builtins__, even if it has the same id."""
        for i in self.builtins:
            if self.builtins[i] == id(new):
                self.builtins[i] = None
        return new

    def namespace(self, module):
        """The dict of a module that is still in sys.modules, or None."""
        found = listed.get('m%s' % module)
        return None if found is None else vars(found)
#@ state

    def state(self, module, namespace):
        """A namespace in words: which of the plan's names are bound, and which are None."""
        if namespace is None:
            return 'gone=yes'
        names = [NAMES[code] for code in sorted(NAMES)]
        bound = [token for key, token in names if namespace.get(key) is not None]
        none = [token for key, token in names if namespace.get(key, 0) is None]
        builtins = 'missing'
        if '__builtins__' in namespace:
            is_same = id(namespace['__builtins__']) == self.builtins[module]
            builtins = 'same' if is_same else 'other'
        return 'bound=%s none=%s builtins=%s size=%d' % (
            ','.join(bound) or '-', ','.join(none) or '-', builtins, len(namespace))
#@ place state

    def place(self, number, home, namespace=None):
        """A node, and the module that node `home` belongs to, and what is left of that."""
        module = HOMES.get(home)
        if namespace is None or namespace is vars(elsewhere):
            namespace = self.namespace(module)
        return 'o%d %s %s' % (number, '-' if module is None else 'm%d' % module,
                              self.state(module, namespace))
#@ cls place

    def cls(self, name, script, poke=None):
        """The class of a node."""
        members = {'__del__': script, 'number': int(name[1:]), 'label': 'o' + name[1:]}
        if poke:
            members['poke'] = poke
        return type(name, (object,), members)

    callers = []
    has_made = False  # has the __del__ that is running made one more that does the same?
    is_call = False  # is the next __del__ to run called by an atexit callback?

    def place_of(self, node, namespace):
        if node.label == '-':
            return '- - gone=yes'
        return self.place(node.number, type(node).number, namespace)

    def enter(self, node, namespace):
        if self.active:
            self.callers.append((self.by, self.has_made, self.is_call))
            self.by = node.label
            self.has_made = False
            if self.is_call:
                self.is_call = False
                self.say('atexit %s', node.label)
            else:
                self.say('del %s', self.place_of(node, namespace))

    def leave(self, node, namespace):
        if self.active:
            self.by, self.has_made, was_call = self.callers.pop()
            if was_call:
                self.say('atexit-end %s', node.label)
            else:
                self.say('del-end %s pending=no', self.place_of(node, namespace))
#@ skip

    runs = {}

    def skip(self, node):
        """Must this script not run? Only the plan's own nodes do, and not for ever (2.7 repeats)."""
        if not self.active or node.number >= OBJECTS and not hasattr(node, 'is_again'):
            return True
        if node.label == '-':
            return False
        self.runs[node.number] = self.runs.get(node.number, 0) + 1
        return self.runs[node.number] > 4
#@ missing

    missing = object()
#@ Error

    class Error(Exception):
        pass
#@ outside

    outside = []
#@ look missing

    def look(self, node, module, name, value):
        seen = 'missing' if value is self.missing else 'none' if value is None else 'bound'
        self.say('look %s m%d name=%s seen=%s', node.label, module, NAMES[name][1], seen)
#@ look_all state

    def look_all(self, node, module, namespace):
        self.say('look-all %s m%d %s', node.label, module, self.state(module, namespace))
#@ done

    def done(self, node, op, worked):
        self.say('done %s op=%s worked=%s', node.label, OPS[op], 'yes' if worked else 'no')
#@ poked

    def poked(self, node):
        self.say('poked %s', node.label)
#@ fin

    def fin(self, number):
        self.say('finally o%d', number)
#@ collect

    def collect(self):
        self.say('collect by=%s', self.by)
        collect_all()
        self.say('collect-end by=%s', self.by)
#@ keep outside

    def keep(self, node):
        self.say('kept %s', node.label)
        self.outside.append(node)
#@ fresh

    last_fresh = 999999

    def fresh(self):
        self.last_fresh += 1
        return self.made(self.last_fresh)
#@ spawn

    spawned = 0

    def spawn(self, node):
        """One more node of the same class; its number follows those of the plan."""
        if OBJECTS + self.spawned >= 240:
            return None
        new = self.made(type(node)())
        new.number = OBJECTS + self.spawned
        new.label = 'o%d' % new.number
        self.spawned += 1
        self.say('spawn %s', new.label)
        return new
#@ again spawn

    agains = 0  # made since one of the plan's own nodes made one

    def again(self, node):
        """One more that does what this one does, without end; from the 240th on it has no number."""
        if not self.active or self.has_made:
            return None
        self.has_made = True
        self.agains = 1 if node.number < OBJECTS else self.agains + 1
        if self.agains > 2048:
            write(1, b'# endless: more than 2048 __del__ calls, each of an object that the one before made\n')
            leave_at_once(3)
        new = self.spawn(node)
        if new is None:
            new = self.made(type(node)())
            new.number, new.label = 240, '-'
        new.is_again = True
        return new
#@ bind_again again store

    names = 0

    def bind_again(self, node, namespace):
        new = None if namespace is None else self.again(node)
        if new is not None:
            self.names += 1
            self.store(namespace, 'again%d' % (self.names - 1), new)
#@ new_again again

    def new_again(self, node):
        return self.again(node)
#@ peek missing

    def peek(self, module, key):
        namespace = self.namespace(module)
        return self.missing if namespace is None else namespace.get(key, self.missing)
#@ poke store

    def poke(self, module, key, value):
        namespace = self.namespace(module)
        return None if namespace is None else self.store(namespace, key, value)
#@ drop remove

    def drop(self, module, key):
        namespace = self.namespace(module)
        return None if namespace is None else self.remove(namespace, key)
#@ let_go

    # What these take out of a namespace they return, so that it dies when they are done, with the script
    # as its caller: up to 3.9 a function gets its builtins from the one that calls it if they have the
    # same globals, and its globals may have none any more. The value that took its place they return too:
    # in a worker the call still has that when the old one dies (a tuple lets go of its last item first).
#@ store let_go

    def store(self, namespace, key, value):
        old = namespace.get(key)
        namespace[key] = value
        return value, old
#@ remove let_go

    def remove(self, namespace, key):
        return namespace.pop(key, None)
#@ clear let_go

    def clear(self, namespace):
        if namespace is None:
            return None
        values = list(namespace.values())
        values.reverse()  # a list lets go of its last item first, a dict of its first
        namespace.clear()
        return values
#@ unlist let_go

    def unlist(self, module):
        return listed.pop('m%d' % module, None)
#@ grow remove store

    def grow(self, namespace):
        """Delete two names, then add so many that the dict moves to a bigger table."""
        if namespace is None:
            return
        known = set(key for key, _ in NAMES.values() if key != '__builtins__')
        for key in [key for key in namespace if key in known][:2]:
            self.remove(namespace, key)
        for i in range(24):
            self.store(namespace, 'grow%d' % i, True)
#@ weakref

    from weakref import ref as weakref
#@ callback

    def callback(self, number):
        return lambda reference: self.say('callback o%d', number)
#@ watch callback outside weakref

    def watch(self, target, number):
        self.outside.append(self.weakref(target, self.callback(number)))
#@ cnode outside place weakref

    def cnode(self, number):
        """A code object stands for a C node: no collector, no __dict__, but weak references."""
        node = compile(str(number), 'cnode', 'eval')  # no two that are equal

        def died(reference):
            if self.active:
                self.say('cnode %s', self.place(number, number))

        self.outside.append(self.weakref(node, died))
        return node
#@ suspend

    def suspend(self, generator):
        next(generator)
        return generator
#@ cell

    def cell(self, inner=None):
        return (lambda: inner).__closure__[0]
#@ nest

    def nest(self, inner=None):
        for _ in range(60):
            inner = (inner,)
        return inner
#@ sub

    sub = type('sub', (str,), {})
#@ trap missing

    hashed = None  # the id of the key that took itself out of the namespace that is being wiped
    dead_key = False

    def spring(self, key):
        """The wipe, and no script, hashes a key: take it out, if it is in there, this very object."""
        if self.wiping is None or self.by != 'route':
            return
        number = self.wiping
        namespace = self.namespace(number) or ()
        for other in namespace:
            if other is key:
                break
        else:
            return
        self.by = 'key'
        self.hashed = id(key)
        self.say('trap m%d name=trap("%s")', number, key)
        del namespace[key]
        self.by = 'route'

    def died(self, key):
        """Up to 3.10 this comes between the key's __hash__ and what it was called for."""
        self.hashed = None  # another one may get its place
        namespace = self.namespace(self.wiping) or {}
        if namespace.get(str(key), self.missing) is not None:
            self.dead_key = True
            self.say('dead-key m%d name=trap("%s")', self.wiping, key)

    class trap(str):

        def __hash__(self):
            z.spring(self)
            return str.__hash__(self)

        def __del__(self):
            if id(self) == z.hashed and z.wiping is not None:
                z.died(self)
#@ unavailable

    def unavailable(self, what, why):
        print('# %s is not available: %s' % (what, why))
        sys.exit()
#@ park_sys

    # Where things are held beside the modules. Nothing else holds them when these return.
    def park_sys(self, name, thing):
        setattr(sys, name, thing)
#@ park_builtins

    def park_builtins(self, name, thing):
        __builtins__[name] = thing
#@ park_modules

    def park_modules(self, name, thing):
        listed[name] = thing
#@ park_main

    def park_main(self, name, thing):
        self.main = listed['__main__']  # the script's own stays, instead of dying just now
        listed['__main__'] = thing
#@ park_thread ctypes unavailable

    def park_thread(self, name, thing):
        if not ctypes:
            self.unavailable('park thread', 'this interpreter has no ctypes')
        find = ctypes.pythonapi.PyThreadState_GetDict
        find.restype = ctypes.c_void_p  # borrowed, which py_object is not
        ctypes.cast(find(), ctypes.py_object).value[name] = thing
#@ park_context unavailable

    def park_context(self, name, thing):
        if not ContextVar:
            self.unavailable('park context', 'this interpreter has no contextvars')
        # A context has its variables in the order of their hashes, which no two runs have: take one whose hash fits.
        number = int(name[len('zap_park'):])
        attempt, fits = 0, False
        while not fits:
            var = ContextVar('%s.%d' % (name, attempt))
            fits = ((hash(var) ^ hash(var) >> 32) & 31) // 2 == number
            attempt += 1
        var.set(thing)
#@ park_atexit

    def park_atexit(self, name, thing):
        atexit.register(self.callback_with(thing))

    def callback_with(self, thing):
        """A function that holds a thing; if that is a node, it does what its __del__ does."""
        def called():
            self.is_call = hasattr(type(thing), 'label')
            if self.is_call:
                type(thing).__del__(thing)
            else:
                self.say('atexit -')
                self.say('atexit-end -')
        return called
#@ park_c ctypes unavailable

    def park_c(self, name, thing):
        if not ctypes:
            self.unavailable('park c', 'this interpreter has no ctypes')
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
#@ park_codecs

    def park_codecs(self, name, thing):
        codecs.register(lambda encoding, thing=thing: None)
#@ raises Error

    def raises(self, unraisable):
        raise self.Error
#@ run_thread

    def run_thread(self):
        lock = _thread.allocate_lock()
        lock.acquire()
        _thread.start_new_thread(lock.release, ())
        lock.acquire()
        while _thread._count() > 0:
            pass  # it is about to end
#@ has_codecs

    def has_codecs(self):
        return True  # a worker knows better where that is known to crash
#@ gc_enable

    def gc_enable(self):
        collect_all()  # so that it does not depend on what was made before when the next one comes
        gc.enable()
#@ witness state weakref cls

count_refs = sys.getrefcount


class Witness(Z):
    """Says more: what namespaces were like, what scripts change in them, and what is left at the end."""

    extra = 0  # what counting references adds to them
    nodes = {}  # number: a weak reference to the node
    finalized = set()
    layouts = {}  # module: the ids of its namespace and, in order, of its keys

    def refs(self, holder, key):
        return count_refs(holder[key]) - self.extra

    def dict_refs(self, module):
        return self.refs([vars(module)], 0) - 1  # without the list's

    def begin(self):
        self.extra = self.refs({'k': object()}, 'k') - 1
        for number in NODES + CNODES:
            self.nodes[number] = self.weakref(scratch['o%d' % number])
        super(Witness, self).begin()
        for i in range(MODULES):
            self.before(i)

    def number_of(self, value):
        for number in self.nodes:
            if value is not None and self.nodes[number]() is value:
                return 'o%d' % number
        return '-'

    def entry(self, namespace, key):
        """The value of a key in words: which node, how many references to it, and what it is."""
        if key not in namespace:
            return '- refs=0 seen=missing'
        number = self.number_of(namespace[key])
        refs = 0 if number == '-' else self.refs(namespace, key)
        return '%s refs=%d seen=%s' % (number, refs, 'none' if namespace[key] is None else 'bound')

    def token(self, key):
        for known, token in NAMES.values():
            if type(known) is type(key) and known == key:
                return token
        return 'other'

    def before(self, i):
        namespace = self.namespace(i)
        keys = list(namespace)
        self.layouts[i] = (id(namespace), [id(key) for key in keys])
        for at, key in enumerate(keys):
            self.say('entry m%d name=%s %s at=%d', i, self.token(key), self.entry(namespace, key), at)
        refs = self.dict_refs(sys.modules['m%d' % i])
        self.say('before m%d refs=%d %s', i, refs, self.state(i, namespace))

    def after(self, i):
        """A namespace as it is now, if anything of ours leads to it."""
        for namespace in held + [vars(module) for module in modules if module] + [self.namespace(i)]:
            if id(namespace) == self.layouts[i][0]:
                same = self.layouts[i][1] == [id(key) for key in namespace]
                self.say('after m%d refs=1 %s unchanged=%s', i, self.state(i, namespace),
                         'yes' if same else 'no')
                return

    def end(self):
        for i in range(MODULES):
            self.after(i)
        for number in NODES:
            if number not in self.finalized and self.nodes[number]() is None:
                self.say('free o%d', number)  # and its __del__ was never called
        super(Witness, self).end()

    def going(self, i):
        """Is this the last reference to module i?"""
        is_last = self.refs(modules, i) == 1
        if is_last:
            self.say('module-gone m%d refs=%d', i, self.dict_refs(modules[i]))
        return is_last

    def gone(self, i, was_last):
        if was_last:
            self.say('module-end m%d', i)
            if i in HELD:
                self.after(i)

    def enter(self, node, namespace, enter=Z.enter):  # which outlives even the script's own names
        self.finalized.add(node.number)
        enter(self, node, namespace)

    def spawn(self, node):
        new = super(Witness, self).spawn(node)
        if new is not None:
            self.nodes[new.number] = self.weakref(new)
        return new

    def change(self, event, namespace, key):
        """Say what is about to happen to a name."""
        for i in self.layouts:
            if self.layouts[i][0] == id(namespace):
                self.say('%s by=%s %s', event % (i, self.token(key)), self.by,
                         self.entry(namespace, key))

    def put(self, namespace, key, value):
        event = 'set-none m%d name=%s pass=0' if value is None else 'store m%d name=%s'
        self.change(event, namespace, key)
        return value

    def cut(self, namespace, key):
        if key in namespace:
            self.change('unbind m%d name=%s', namespace, key)

    def store(self, namespace, key, value):
        self.put(namespace, key, value)
        return super(Witness, self).store(namespace, key, value)

    def remove(self, namespace, key):
        self.cut(namespace, key)
        return super(Witness, self).remove(namespace, key)

    def clear(self, namespace):
        for i in self.layouts:
            if namespace is not None and self.layouts[i][0] == id(namespace):
                self.say('empty m%d how=call', i)
        return super(Witness, self).clear(namespace)


Z = Witness
#@ always


z = Z()
scratch = {'z': z}  # the locals of the plan's code
elsewhere = types.ModuleType('elsewhere')  # a module that stays
modules = []  # one reference to each
held = []  # and to the namespaces that the plan wants held

#@ data
#@ always


def adopt(i, module):
    scratch['m%d' % i] = module
    exec('', vars(module))  # adds __builtins__ before anything else, as an import does
    if i in HELD:
        held.append(vars(module))


def make_module(i):
    module = sys.modules['m%d' % i] = types.ModuleType('m%d' % i)
    modules.append(module)
    vars(module).setdefault('__package__', None)  # 2.7: as in a module that was imported
    adopt(i, module)


def run(code):
    for name, source in code:
        module = elsewhere if name == 'elsewhere' else sys.modules[name]
        exec(compile(source, '<%s>' % name, 'exec'), vars(module), scratch)
#@ importer


class Importer(object):
    """Imports m0, whose code is BUILD at first and AGAIN when it is reloaded."""

    is_again = False

    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name == 'm0' else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        if self.is_again:
            run(AGAIN)
        else:
            self.is_again = True
            adopt(0, module)
            run(BUILD)

    def find_module(self, name, path=None):  # 2.7 knows only this one and the next
        return self if name == 'm0' else None

    def load_module(self, name):
        is_new = name not in sys.modules
        if is_new:
            sys.modules[name] = types.ModuleType(name)
        module = sys.modules[name]
        try:
            self.exec_module(module)
        except:
            if is_new:
                del sys.modules[name]
            raise
        return module
#@ always


gc.collect()
#@ late
if hasattr(gc, 'freeze'):
    gc.freeze()  # no collection, not even the last, is to take this namespace for garbage
#@ wipe ctypes
try:
    wipe = ctypes.pythonapi._PyModule_Clear
except AttributeError:
    print('# route wipe is not available: this interpreter hides _PyModule_Clear, or has no ctypes')
    sys.exit()
wipe.argtypes = [ctypes.py_object]
wipe.restype = None
#@ build
for i in range(MODULES):
    make_module(i)
run(BUILD)
#@ late
for code in BESIDE:
    exec(code, globals(), scratch)
#@ go build
z.begin()
#@ importer
sys.meta_path.insert(0, Importer())
for i in range(1, MODULES):
    make_module(i)
#@ route:drop go
for i in range(MODULES):
    sys.modules.pop('m%d' % i, None)
    modules[i] = None  # the last reference
#@ witness:drop go
for i in range(MODULES):
    sys.modules.pop('m%d' % i, None)
    was_last = z.going(i)
    modules[i] = None
    z.gone(i, was_last)
#@ route:collect route:drop collect
z.collect()
#@ witness:collect witness:drop collect
z.collect()
#@ route:wipe wipe go
held += [vars(module) for module in modules]  # _PyModule_Clear holds neither of the two
for z.wiping in range(MODULES):
    wipe(modules[z.wiping])
    wipe(modules[z.wiping])
z.wiping = None
#@ route:wipe-unheld wipe go
wipe.argtypes = [ctypes.c_void_p]  # an address, so that the call holds nothing
for z.wiping in range(MODULES):
    module = id(modules[z.wiping])
    is_listed = sys.modules.get('m%d' % z.wiping) is modules[z.wiping]
    modules[z.wiping] = None
    if is_listed:
        wipe(module)
z.wiping = None
#@ witness:wipe wipe go
held += [vars(module) for module in modules]  # _PyModule_Clear holds neither of the two
for i in range(MODULES):
    for call in ['first', 'second']:
        z.say('wipe m%d call=%s', i, call)
        z.wiping = i
        wipe(modules[i])
        z.wiping = None
        z.say('wipe-end m%d call=%s pending=no', i, call)
        z.after(i)
#@ witness:wipe-unheld wipe go
wipe.argtypes = [ctypes.c_void_p]  # an address, so that the call holds nothing
for i in range(MODULES):
    module = id(modules[i])
    is_listed = sys.modules.get('m%d' % i) is modules[i]
    modules[i] = None
    if is_listed:
        z.say('wipe m%d call=first', i)
        z.wiping = i
        wipe(module)
        z.wiping = None
        z.say('wipe-end m%d call=first pending=no', i)
        z.after(i)
#@ witness:reload route:reload
#@ witness:failed-import route:failed-import
#@ route:reload importer
m0 = __import__('m0')
namespace = vars(m0)
z.begin()
try:
    is_same = reload(m0) is m0 and vars(m0) is namespace
except:  # a script has removed the module from sys.modules, or spoilt its __name__
    is_same = False
z.say('reloaded m0 same=%s', 'yes' if is_same else 'no')
#@ route:failed-import importer


def import_fails():
    try:
        __import__('m0')  # the module's code begins the route just before it raises
    except z.Error:
        return True
    return False


z.say('failed m0 raised=%s', 'yes' if import_fails() else 'no')
#@ late go
for i in UNLISTED:
    del listed['m%d' % i]
for i in range(MODULES):
    modules[i] = None  # from here on it is the interpreter's
#@ end
z.end()
#@ trap
if z.dead_key:
    print('# freed: a namespace was given a key that was freed; PYTHONMALLOC=debug fills that with garbage')
    sys.stdout.flush()
    [repr(name) for i in range(MODULES) for name in z.namespace(i) or ()]
    os._exit(3)
#@ late
'''
#@ witness:subinterp route:subinterp
#@ witness:subinterp-gil route:subinterp-gil
#@ route:subinterp late inside
OWN_GIL = False
#@ route:subinterp-gil late inside
OWN_GIL = True
#@ inside
import os
import types
import weakref


def unavailable(why):
    print('# route %s is not available: %s' % ('subinterp-gil' if OWN_GIL else 'subinterp', why))
    sys.exit()


try:
    import _interpreters as interpreters  # 3.13 on
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        unavailable('only C code can make a subinterpreter here')
if OWN_GIL and sys.version_info < (3, 12):
    unavailable('a subinterpreter has no GIL of its own before 3.12')


class Sentinel(object):
    pass


sys.modules['zap_sentinel'] = types.ModuleType('zap_sentinel')
sys.modules['zap_sentinel'].sentinel = Sentinel()
reference = weakref.ref(sys.modules['zap_sentinel'].sentinel)
if sys.version_info >= (3, 13):
    inner = interpreters.create('isolated' if OWN_GIL else 'legacy')
elif sys.version_info >= (3, 9):
    inner = interpreters.create(isolated=OWN_GIL)
else:
    inner = interpreters.create()
interpreters.run_string(
    inner, "import builtins\nexec(compile(%r, 'LATE', 'exec'), dict(vars(builtins), __name__=__name__))" % LATE)
interpreters.destroy(inner)
os.write(1, b'sentinel alive=%s\n' % (b'no' if reference() is None else b'yes'))
os._exit(0)  # the end of the main interpreter is no part of this
#@ witness:exit route:exit
#@ route:exit late
exec(compile(LATE, 'LATE', 'exec'), dict(vars(builtins), __name__=__name__))
