"""Names of functions, asked from liblcc."""

import ctypes as ct

from pylcc import _lib
from pylcc._session import Handle


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


def find(handle, name, **space):
    """Symbols.find() in what a handle has read: Symbols, or a Session."""
    out = ct.c_void_p()
    handle.call("lcc_symbols_find", _space(space), _lib.utf8(name), ct.byref(out))
    return _lib.take_json(out)


def _space(space):
    return _lib.options(path=_lib.search_path(), **space)
