"""uprobeParser: where the functions of a program or library lie in its file."""

from pylcc._lib import text
from pylcc._symbols import Symbols
from pylcc.errors import InvalidArgsException

__all__ = ["CuprobeParser"]


class CuprobeParser(object):
    """A binary, obj: a path; a program on PATH; a library such as "libc"; a file in the current
    directory, last. gdb is ignored: nothing but the file is needed.

    Raises InvalidArgsException when there is none."""

    def __init__(self, obj, gdb=None):
        self._symbols = Symbols()
        self._space = {"of": "file", "binary": text(obj, "obj")}
        self._path = self._symbols.find("", **self._space)["path"]

    def fullObj(self):
        """The path of the file."""
        return self._path

    def funAddr(self, func):
        """The offset of the function func in the file, as hex. Raises InvalidArgsException, which names the
        closest, when it has none."""
        func = text(func, "func")
        if not func:
            raise InvalidArgsException("find a function of %s: it has no name" % self.fullObj())
        return "0x%x" % self._symbols.find(func, **self._space)["offset"]
