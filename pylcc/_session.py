"""Artefacts and sessions: the life of what liblcc holds for a script."""

import ctypes as ct
import os
import weakref

from pylcc import _lib, errors

_finalizers = {}


def finalize(owner, function, *arguments):
    """Call function once when owner has gone (weakref.finalize, which 2.7 lacks, without its atexit)."""
    def gone(reference):
        del _finalizers[id(reference)]
        function(*arguments)
    reference = weakref.ref(owner, gone)
    _finalizers[id(reference)] = reference


def make(**options):
    """Compile or reuse NAME.so (lcc_make); return its bytes and the report as a dict."""
    out, stop = _lib.Made(), ct.c_int32(0)
    surroundings = {"home": _lib.NATIVE, "clang": os.environ.get("LBC_CLANG"), "path": _lib.search_path(),
                    "temp": os.environ.get("TMPDIR")}
    surroundings = dict((name, value) for name, value in surroundings.items() if value and _lib.is_utf8(value))
    _lib.call_until(stop, "lcc_make", _lib.options(**dict(surroundings, **options)), ct.byref(stop), ct.byref(out))
    artefact = _lib.take(out.artefact, out.size)
    return artefact, _lib.take_json(ct.c_void_p(out.report))


def inspect(artefact):
    """What an artefact or a plain BPF object holds, as lcc_inspect describes it."""
    return _ask("lcc_inspect", artefact, len(artefact))


def findings(btf=None):
    """What the kernel and this process lack: [{name, state, found, fix}], as lcc_findings says it."""
    return _ask("lcc_findings", _lib.utf8(btf or ""))


def tracefs():
    """Where tracefs is (lcc_tracefs); RootRequiredException, FileNotExistException."""
    return _ask("lcc_tracefs", take=_lib.take_text)


def _ask(name, *arguments, **options):
    text = ct.c_void_p()
    _lib.call(name, *(arguments + (ct.byref(text),)))
    return options.get("take", _lib.take_json)(text)


class Handle(object):
    """A handle of liblcc, closed when nobody refers to it any more.

    The number is written by the library straight into memory that a finalizer watches, so that an
    exception such as KeyboardInterrupt, wherever it lands, leaves nothing open."""

    def __init__(self, function, *arguments):
        self._number = ct.c_int64(0)
        finalize(self, _close, self._number)
        _lib.call(function, *(arguments + (ct.byref(self._number),)))

    @property
    def number(self):
        if not self._number.value:
            raise errors.ClosedException("use a closed object: close() was called (create a new one)")
        return self._number.value

    def call(self, name, *arguments):
        _lib.call(name, self.number, *arguments)

    def close(self):
        """Close it; a second time does nothing, in a forked child it is an error."""
        if self._number.value and not _lib.usable():
            self.call("lcc_close")
        _close(self._number)


def _close(number):
    value, number.value = number.value, 0
    if value and _lib.usable():
        try:
            _lib.call("lcc_close", value)
        except errors.ClosedException:
            pass  # a reader whose session was closed first


class Session(Handle):
    """A loaded object: its description and the calls that reach its maps."""

    def __init__(self, artefact, **options):
        Handle.__init__(self, "lcc_load", artefact, len(artefact), _lib.options(path=_lib.search_path(), **options))
        text = ct.c_void_p()
        self.call("lcc_describe", ct.byref(text))
        self.description = _lib.take_json(text)
        self.current = {}  # the record that each buffer hands out, by the map's name: see _events.Run
        self.listeners = []  # to call when it was closed

    def close(self):
        Handle.close(self)
        for listener in list(self.listeners):
            listener()

    def attach(self, program, **target):
        self.call("lcc_attach", _lib.utf8(program), _lib.options(**target))

    def lookup(self, index, key, value, take=False):
        """The value bytes of a key, or None. value: as many bytes, which a bloom filter is asked for;
        take: remove the entry, too."""
        memory, found = ct.create_string_buffer(value, len(value)), ct.c_int32(0)
        self.call("lcc_map_lookup", index, key, len(key), memory, len(value), take, ct.byref(found))
        return memory.raw if found.value else None

    def update(self, index, keys, values, count):
        """Set entries, packed."""
        self.call("lcc_map_update", index, keys, len(keys), values, len(values), count)

    def delete(self, index, key):
        """Delete an entry; whether it was there."""
        found = ct.c_int32(0)
        self.call("lcc_map_delete", index, key, len(key), ct.byref(found))
        return bool(found.value)

    def fd(self, name):
        """The file descriptor of a map or program, which the session owns."""
        fd = ct.c_int32(0)
        self.call("lcc_fd", _lib.utf8(name), ct.byref(fd))
        return fd.value

    def entries(self, index, take):
        """(keys, values, count): all entries of a map, packed."""
        out = _lib.Entries()
        self.call("lcc_map_entries", index, int(take), ct.byref(out))
        keys = _lib.take(out.keys, out.count * out.key_size)
        values = _lib.take(out.values, out.count * out.value_size)
        return keys, values, out.count

    def clear(self, index):
        self.call("lcc_map_clear", index)
