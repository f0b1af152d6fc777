"""Functions and types of the kernel: from its own BTF, or from a database."""

import ctypes as ct

from pylcc import _lib
from pylcc._session import Handle
from .baseDbParser import CbaseDbParser, CbaseParser, DbException
from .prevPareser import CprevPareser, first, previous

__all__ = ["CdbParser", "CbtfParser", "CbaseDbParser", "CprevPareser", "DbException"]


class CbtfParser(CbaseParser):
    """Asks the BTF in the file path, raw or a vmlinux; default this kernel's own. The answers are those of
    CbaseDbParser; BTF has no lines and files."""

    def __init__(self, path=""):
        self._path, self._types = path and _lib.utf8(_lib.text(path, "path")) or None, None

    def getFunc(self, func, ret=None, arg=None):
        """Prototypes of functions: see CbaseDbParser.getFunc."""
        return self._ask(func=func, ret=ret, arg=arg)

    def getStruct(self, sStruct):
        """A struct: see CbaseDbParser.getStruct."""
        return self._ask(struct=sStruct)

    def getType(self, t):
        """A type: see CbaseDbParser.getType."""
        return self._ask(type=t)

    def _ask(self, **query):
        if self._types is None:
            self._types = Handle("lcc_types_open", self._path)
        text = ct.c_void_p()
        self._types.call("lcc_types_find", _lib.options(**query), ct.byref(text))
        return {"log": "ok.", "res": _lib.take_json(text)}


class CdbParser(CbaseParser):
    """Asks the database in file dbPath; without one this kernel's BTF. Before these the database
    that LBC_PREVDB names."""

    def __init__(self, dbPath=""):
        self._parsers = previous() + [CbaseDbParser(dbPath) if dbPath else CbtfParser()]

    def getFunc(self, func, ret=None, arg=None):
        """Prototypes of functions: see CbaseDbParser.getFunc."""
        return first(self._parsers, "getFunc", func, ret, arg)

    def getStruct(self, sStruct):
        """A struct: see CbaseDbParser.getStruct."""
        return first(self._parsers, "getStruct", sStruct)

    def getType(self, t):
        """A type: see CbaseDbParser.getType."""
        return first(self._parsers, "getType", t)
