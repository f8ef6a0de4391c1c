"""Let an interpreter describe itself, for FindPythons.cmake: run by every interpreter found.

Prints lines `pyzap:KEY=VALUE`; a key that holds several values is printed once for each. Whatever else a
site customisation prints has no such mark and is ignored. Runs on 2.7 and on every 3.x (and gets far
enough on older ones to say which version it is); asks only `sys` and `sysconfig`, never the path of
an executable, because a pyenv shim, a venv and a distribution's link all lie about it.
"""

import os
import sys


def say(key, value):
    sys.stdout.write("pyzap:%s=%s\n" % (key, value))


def say_each(key, values):
    seen = []
    for value in values:
        if value and value not in seen:
            seen.append(value)
            say(key, value)


def instrumentation(flags):
    """What a build was compiled with: the sanitizers, and the ways in which it counts coverage.

    The many checks of UndefinedBehaviorSanitizer count as that one.
    """
    whole = ("address", "hwaddress", "memory", "thread", "leak")
    sanitize, coverage = [], []
    for flag in flags:
        if flag in ("--coverage", "-fprofile-arcs"):
            coverage.append("gcov")
        elif flag.startswith("-fsanitize-coverage="):
            coverage.append("sancov")
        elif flag.startswith("-fsanitize="):
            for name in flag[len("-fsanitize="):].split(","):
                if name.startswith("fuzzer"):
                    coverage.append("sancov")
                else:
                    sanitize.append(name if name in whole else "undefined")
    return sanitize, coverage


def main():
    info = sys.version_info
    version = "%d.%d.%d" % tuple(info[:3])
    if info[3] != "final":
        version += {"alpha": "a", "beta": "b", "candidate": "rc"}.get(info[3], info[3]) + str(info[4])
    implementation = getattr(getattr(sys, "implementation", None), "name", None)
    if implementation is None:
        implementation = "pypy" if "__pypy__" in sys.builtin_module_names else "cpython"
    say("implementation", implementation)
    say("version", version)
    say("series", "%d.%d" % tuple(info[:2]))
    say("banner", sys.version.replace("\n", " "))
    base = getattr(sys, "base_prefix", getattr(sys, "real_prefix", sys.prefix))
    exec_base = getattr(sys, "base_exec_prefix", base)
    base, exec_base = os.path.realpath(base), os.path.realpath(exec_base)
    executable = getattr(sys, "_base_executable", None) or sys.executable
    say("executable", os.path.realpath(executable))
    say("home", base if base == exec_base else base + ":" + exec_base)
    if info[:2] < (2, 7) or (3, 0) <= info[:2] < (3, 2):
        return  # before sysconfig

    import sysconfig

    var = sysconfig.get_config_var
    tree = sysconfig.is_python_build()
    flags = " ".join(str(var(name) or "") for name in ("CC", "BASECFLAGS", "CFLAGS", "PY_CFLAGS")).split()
    sanitize, coverage = instrumentation(flags)
    say_each("sanitize", sanitize)
    say_each("coverage", coverage)
    say("compiler", "clang" if "clang" in sys.version.lower() else "gcc")
    say("cc", (var("CC") or "cc").split()[0])
    debug = bool(var("Py_DEBUG")) or hasattr(sys, "gettotalrefcount")
    say("debug", int(debug))
    say("nogil", int(bool(var("Py_GIL_DISABLED"))))
    say("tree", int(bool(tree)))

    def moved(path):
        """A distribution's package that is unpacked somewhere still says /usr."""
        if path and path.startswith("/usr/") and base.endswith("/usr"):
            return base + path[len("/usr"):]
        return path

    config_dir = moved(os.path.dirname(sysconfig.get_makefile_filename()))
    places = {"base": base, "platbase": exec_base, "installed_base": base,
              "installed_platbase": exec_base}
    includes = [sysconfig.get_path(name, vars=places) for name in ("include", "platinclude")]
    packaged = moved(var("INCLUDEPY"))
    if packaged and packaged.startswith(base + "/"):
        includes.insert(0, packaged)  # Debian's 2.7 debug build does not tell get_path() of its own
    libdir = moved(var("LIBDIR"))
    libdirs = [config_dir, moved(var("LIBPL")), os.path.join(exec_base, "lib"), libdir]
    if libdir and var("MULTIARCH"):
        libdirs.append(os.path.join(libdir, var("MULTIARCH")))
    if tree:
        build = os.path.dirname(os.path.realpath(sysconfig.get_config_h_filename()))
        source = var("srcdir") or build
        source = os.path.realpath(os.path.join(build, source))
        includes = [os.path.join(source, "Include"), build]
        libdirs = [build]
        say("build_dir", build)
        say_each("path", [p for p in sys.path if os.path.realpath(p) != HERE and os.path.isdir(p)
                          and not p.rstrip("/").endswith(("site-packages", "dist-packages"))])
    say_each("include", [p for p in includes if p and os.path.isdir(p)])
    say("has_headers", int(any(p and os.path.isfile(os.path.join(p, "Python.h")) for p in includes)))

    def find(names):
        return [os.path.join(d, n) for n in names if n for d in libdirs
                if d and os.path.isfile(os.path.join(d, n))]

    shared = [var("INSTSONAME"), var("LDLIBRARY")] if var("Py_ENABLE_SHARED") else []
    static = [n for n in (var("LIBRARY"), var("LDLIBRARY")) if n and n.endswith(".a")]
    say_each("static", find(static)[:1])
    say_each("shared", find([n for n in shared if n and ".so" in n])[:1])

    # What the modules built into the library need. Archives are named relative to the build folder, and
    # an installation does not have them.
    wanted = []
    for name in ("LIBS", "SYSLIBS", "MODLIBS", "LOCALMODLIBS"):
        for word in (var(name) or "").split():
            if word.startswith("-l"):
                wanted.append(word)
            elif word.endswith(".a") and tree and os.path.isfile(os.path.join(build, word)):
                wanted.append(os.path.join(build, word))
    say_each("lib", wanted)


HERE = os.path.dirname(os.path.realpath(__file__))
main()
