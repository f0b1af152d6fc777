"""Names of functions, asked from liblcc."""

import ctypes as ct
import time

from pylcc import _lib
from pylcc._session import Handle

_clock = getattr(time, "monotonic", time.time)
_MOST_KNOWN = 1 << 15


class Symbols(Handle):
    """What was read of the symbols of the kernel, of files and of processes.

    Each call names a space as lcc.h describes it: of="kernel"; of="process", pid=; of="jit", pid=;
    of="file", binary=, pid=."""

    def __init__(self):
        Handle.__init__(self, "lcc_symbols_open")

    def at(self, addresses, **space):
        """For each address a dict: name, module, kind, offset."""
        if not addresses:
            return []
        out = ct.c_void_p()
        array = (ct.c_uint64 * len(addresses))(*addresses)
        self.call("lcc_symbols_at", _space(space), array, len(addresses), ct.byref(out))
        return _lib.take_json(out)

    def find(self, name, **space):
        """A dict: name, module, kind, address, size, path, offset, text; of a file, "" is the file alone."""
        return find(self, name, **space)


class Functions(dict):
    """The kernel's functions by an address in them: (name, address of the function), the name as
    "func [mod]" in a module; ("", -1) where there is none.

    Scripts ask for the same ones again and again. They are known for a second: modules come and go.

    handle: Symbols, or a Session."""

    def __init__(self, handle):
        self._handle = handle
        self._since = _clock()

    def now(self):
        """Itself, without what may not be so any more."""
        if not 0 <= _clock() - self._since < 1:
            self.clear()
            self._since = _clock()
        return self

    def __missing__(self, address):
        address = _lib.number(address, "address")
        return self.read([address])[0] if 0 < address < 1 << 64 else _NOWHERE

    def all(self, addresses):
        """A list: of each address what self[address] is."""
        if not all(map(self.now().__contains__, addresses)):
            return self.read(addresses)
        return [self[address] for address in addresses]

    def read(self, addresses):
        """The same, asked from the library."""
        out = ct.c_void_p()
        array = (ct.c_uint64 * len(addresses))(*addresses)
        self._handle.call("lcc_kernel_names", array, len(addresses), ct.byref(out))
        found = [_function(line) for line in _lib.take_text(out).split("\n")]
        if len(self) + len(found) > _MOST_KNOWN:
            self.clear()
        self.update(zip(addresses, found))
        return found


_NOWHERE = ("", -1)


def _function(line):
    address, _, rest = line.partition(" ")
    return (rest[2:], int(address, 16)) if address else _NOWHERE


def find(handle, name, **space):
    """Symbols.find() in what a handle has read: Symbols, or a Session."""
    out = ct.c_void_p()
    handle.call("lcc_symbols_find", _space(space), _lib.utf8(name), ct.byref(out))
    return _lib.take_json(out)


def _space(space):
    return _lib.options(path=_lib.search_path(), **space)
