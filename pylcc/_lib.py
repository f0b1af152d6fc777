"""The only door to liblcc.so; capi/lcc.h is its manual."""

import ctypes as ct
import errno
import json
import operator
import os
import sys
import threading

from pylcc import errors

NATIVE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "native")
PATH = os.path.join(NATIVE, "liblcc.so")


class Error(ct.Structure):
    _fields_ = [("code", ct.c_int32), ("sys_errno", ct.c_int32),
                ("message", ct.c_char_p), ("detail", ct.c_char_p)]


class Run(ct.Structure):
    _fields_ = [("lost", ct.c_uint64), ("offset", ct.c_uint64), ("count", ct.c_uint32),
                ("stride", ct.c_uint32), ("size", ct.c_uint32), ("cpu", ct.c_int32)]


class Made(ct.Structure):
    _fields_ = [("artefact", ct.c_void_p), ("size", ct.c_uint64), ("report", ct.c_void_p)]


class Entries(ct.Structure):
    _fields_ = [("keys", ct.c_void_p), ("values", ct.c_void_p), ("count", ct.c_uint64),
                ("key_size", ct.c_uint32), ("value_size", ct.c_uint32)]


_ERROR = ct.POINTER(Error)
_TEXT_OUT = ct.POINTER(ct.c_void_p)
_HANDLE_OUT = ct.POINTER(ct.c_int64)

# In the order of lcc.h.
SIGNATURES = {
    "lcc_free": (None, [ct.c_void_p]),
    "lcc_error_free": (None, [_ERROR]),
    "lcc_make": (_ERROR, [ct.c_char_p, ct.POINTER(ct.c_int32), ct.POINTER(Made)]),
    "lcc_inspect": (_ERROR, [ct.c_char_p, ct.c_uint64, _TEXT_OUT]),
    "lcc_findings": (_ERROR, [ct.c_char_p, _TEXT_OUT]),
    "lcc_load": (_ERROR, [ct.c_char_p, ct.c_uint64, ct.c_char_p, _HANDLE_OUT]),
    "lcc_attach": (_ERROR, [ct.c_int64, ct.c_char_p, ct.c_char_p]),
    "lcc_describe": (_ERROR, [ct.c_int64, _TEXT_OUT]),
    "lcc_map_lookup": (_ERROR, [ct.c_int64, ct.c_uint32, ct.c_char_p, ct.c_uint32,
                                ct.c_void_p, ct.c_uint32, ct.c_int32, ct.POINTER(ct.c_int32)]),
    "lcc_map_update": (_ERROR, [ct.c_int64, ct.c_uint32, ct.c_char_p, ct.c_uint64,
                                ct.c_char_p, ct.c_uint64, ct.c_uint32]),
    "lcc_map_delete": (_ERROR, [ct.c_int64, ct.c_uint32, ct.c_char_p, ct.c_uint32, ct.POINTER(ct.c_int32)]),
    "lcc_map_entries": (_ERROR, [ct.c_int64, ct.c_uint32, ct.c_int32, ct.POINTER(Entries)]),
    "lcc_map_clear": (_ERROR, [ct.c_int64, ct.c_uint32]),
    "lcc_fd": (_ERROR, [ct.c_int64, ct.c_char_p, ct.POINTER(ct.c_int32)]),
    "lcc_events_open": (_ERROR, [ct.c_int64, ct.c_uint32, ct.c_uint32, _HANDLE_OUT]),
    "lcc_events_read": (_ERROR, [ct.c_int64, ct.c_void_p, ct.c_uint64, ct.c_int32,
                                 ct.POINTER(Run), ct.c_uint32, ct.POINTER(ct.c_uint32)]),
    "lcc_events_fd": (_ERROR, [ct.c_int64, ct.POINTER(ct.c_int32)]),
    "lcc_kernel_names": (_ERROR, [ct.c_int64, ct.POINTER(ct.c_uint64), ct.c_uint32, _TEXT_OUT]),
    "lcc_symbols_open": (_ERROR, [_HANDLE_OUT]),
    "lcc_symbols_at": (_ERROR, [ct.c_int64, ct.c_char_p, ct.POINTER(ct.c_uint64), ct.c_uint32, _TEXT_OUT]),
    "lcc_symbols_find": (_ERROR, [ct.c_int64, ct.c_char_p, ct.c_char_p, _TEXT_OUT]),
    "lcc_types_open": (_ERROR, [ct.c_char_p, _HANDLE_OUT]),
    "lcc_types_find": (_ERROR, [ct.c_int64, ct.c_char_p, _TEXT_OUT]),
    "lcc_tracefs": (_ERROR, [_TEXT_OUT]),
    "lcc_close": (_ERROR, [ct.c_int64]),
}

# enum lcc_code
_EXCEPTIONS = {
    1: errors.InvalidArgsException,
    2: errors.CompileException,
    3: errors.FileNotExistException,
    4: errors.RootRequiredException,
    5: errors.LoadException,
    6: errors.AttachException,
    7: errors.ClosedException,
    8: errors.SystemException,
    9: errors.InternalException,
}

_lib = None
_pid = None
_lock = threading.Lock()


def native(text):
    """Bytes from the library as the str of this Python."""
    return text if str is bytes else text.decode("utf-8", "backslashreplace")


def utf8(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


def text(value, name, undecodable="strict", nul=False):
    """An argument as text. Old sources have comments in other encodings, which do not matter.
    nul: it may contain one, where C would end it."""
    try:
        if not isinstance(value, bytes):
            value = value.encode("utf-8", "surrogateescape" if str is not bytes else "strict")
        value = value.decode("utf-8", undecodable)
    except AttributeError:
        raise errors.InvalidArgsException("use %r as %s: it must be text" % (value, name))
    except UnicodeError:
        raise errors.InvalidArgsException("use %r as %s: it must be UTF-8" % (value, name))
    if u"\0" in value and not nul:
        raise errors.InvalidArgsException("use %r as %s: it contains a NUL" % (value, name))
    return value


def which(name, names, who):
    """For a hint: the closest of the names, and all that who has."""
    import difflib  # takes a while, and most scripts have no such error
    near = difflib.get_close_matches(name, names, 1)
    return "%s%s %s" % ("closest: %s; " % near[0] if near else "", who, ", ".join(names) or "none")


def number(value, name):
    """An argument as an integer."""
    try:
        return operator.index(value)
    except TypeError:
        raise errors.InvalidArgsException("use %r as %s: it must be an integer" % (value, name))


def numbers(values, name):
    """An argument as a list of integers."""
    if not hasattr(values, "__iter__"):
        raise errors.InvalidArgsException("use %r as %s: it must be a list of integers" % (values, name))
    return [number(value, name) for value in values]


def is_utf8(text):
    try:
        utf8(text).decode("utf-8")
    except UnicodeError:
        return False
    return True


def _load():
    global _lib, _pid
    with _lock:
        if _lib is not None:
            return
        if not os.path.exists(PATH):
            raise errors.FileNotExistException(
                "load liblcc: %s is not there (pip install --force-reinstall coolbpf)" % PATH)
        _room()
        try:
            lib = ct.CDLL(PATH)
            for name, (result, arguments) in SIGNATURES.items():
                function = getattr(lib, name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as e:
            raise errors.InvalidArgsException("load liblcc: %s (%s)" % (e, _why_not()))
        _pid = os.getpid()
        _lib = lib


def _room():
    """Go ends the whole process where it finds no room to begin: look whether there is."""
    space, files = 2 << 30, []  # addresses, most of them only reserved
    try:
        for _ in range(8):
            files.append(os.open(PATH, os.O_RDONLY))
    except EnvironmentError as e:
        hint = " (ulimit -n sets how many)" if e.errno == errno.EMFILE else ""
        raise errors.SystemException("load liblcc: %s%s" % (e.strerror, hint), "", e.errno)
    finally:
        for fd in files:
            os.close(fd)
    import mmap  # which takes a descriptor
    try:
        mmap.mmap(-1, space, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ).close()
    except EnvironmentError as e:
        raise errors.SystemException("load liblcc: no room for %d MiB of addresses (ulimit -v unlimited)" % (space >> 20), "", e.errno)


def _why_not():
    import platform  # of no use where all is well
    with open(PATH, "rb") as f:
        head = bytearray(f.read(20))
    machines = {62: "x86_64", 183: "aarch64"}
    if len(head) < 20 or bytes(head[:4]) != b"\x7fELF":
        return "it is not a shared library: pip install --force-reinstall coolbpf"
    built = machines.get(head[18] | head[19] << 8, "another architecture")
    if built != platform.machine():
        return "it is built for %s, this is %s: install the wheel for this machine" % (built, platform.machine())
    if sys.platform.startswith("linux") and platform.libc_ver()[0] != "glibc":
        return "it needs glibc, this Python uses another C library such as musl"
    return "pip install --force-reinstall coolbpf"


def usable():
    """False in a child forked after the library was loaded: there it would hang."""
    # Once, while others switched the tracing of system calls, Linux 6.18 said -38 (ENOSYS): ask again.
    return _lib is not None and (_pid == os.getpid() or _pid == os.getpid())


def ready():
    """Load the library; ForkException where it cannot be used any more."""
    if not usable():
        if _lib is not None:
            raise errors.ForkException(
                "use pylcc in process %d: its objects belong to process %d, which forked it "
                "(create them in the child, and do not create any before the fork)" % (os.getpid(), _pid))
        _load()


def call(name, *arguments):
    """Call an export; raise what it returns as an exception of pylcc.errors."""
    ready()
    error = getattr(_lib, name)(*arguments)
    if error:
        content = error.contents
        raised = _EXCEPTIONS.get(content.code, errors.InternalException)(
            native(content.message), native(content.detail), content.sys_errno)
        _lib.lcc_error_free(error)
        raise raised


def call_until(stop, name, *arguments):
    """call(), where Ctrl-C is handled meanwhile: the library ends the call soon after stop is set.

    Python handles signals in its main thread, so another one has to make the call."""
    if not isinstance(threading.current_thread(), threading._MainThread):
        return call(name, *arguments)
    raised, ended = [], threading.Event()  # Thread.join() forgets the thread when a signal comes (3.11)

    def work():
        try:
            call(name, *arguments)
        except BaseException as e:
            raised.append(e)
        ended.set()

    thread = threading.Thread(target=work, name="pylcc " + name)
    thread.daemon = True
    try:
        thread.start()
        while not ended.wait(1):
            pass
    except BaseException:
        stop.value = 1
        if thread.ident:  # else it has only just been started
            ended.wait()
        raise
    if raised:
        raise raised[0]


def take(address, size):
    """Copy size bytes that the library handed out, and free them."""
    data = ct.string_at(address, size) if size else b""
    _lib.lcc_free(address)
    return data


def take_text(pointer):
    """The str that the library handed out through a char **, which is freed."""
    text = ct.string_at(pointer.value)
    _lib.lcc_free(pointer)
    return native(text)


def take_json(pointer):
    """What the JSON says that the library handed out; text in it is str, also on Python 2."""
    return _native_tree(json.loads(take_text(pointer)))


def _native_tree(tree):
    if isinstance(tree, dict):
        return dict((_native_tree(k), _native_tree(v)) for k, v in tree.items())
    if isinstance(tree, list):
        return [_native_tree(v) for v in tree]
    if str is bytes and not isinstance(tree, (str, int, float, long, type(None))):  # noqa: F821
        return tree.encode("utf-8")
    return tree


def print_exception():
    """Print the exception that is handled, with its traceback."""
    import traceback  # takes a while
    traceback.print_exc()


def search_path():
    """Where this environment has programs."""
    path = os.environ.get("PATH")
    return path if path and is_utf8(path) else None


def options(**values):
    """Options as the JSON that the library reads; those that are None are left out."""
    given = dict((k, v) for k, v in values.items() if v is not None)
    return utf8(json.dumps(given, ensure_ascii=True))
