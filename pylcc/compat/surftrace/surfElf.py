"""surfElf: names of the functions of the kernel and of ELF files."""

import ctypes
import os

from pylcc._lib import number, text
from pylcc._symbols import Functions, Symbols
from pylcc.errors import InvalidArgsException
from pylcc.lbcBase import getCwd

__all__ = ["CelfBase", "CelfKsym", "CelfSym", "CksymFast", "CstructKsym", "SYMNAME", "getCwd"]

SYMNAME = "syms.so"  # what older releases downloaded; nothing is


class CstructKsym(ctypes.Structure):
    """A symbol as older releases' C library had it."""
    _fields_ = [("addr", ctypes.c_ulong), ("name", ctypes.c_char_p)]


class CelfBase(object):
    """Symbols of one space; what was read is kept as long as the object."""

    _space = {}

    def __init__(self):
        super(CelfBase, self).__init__()
        self._symbols = Symbols()

    def _at(self, address):
        """What lies at an address, or None."""
        if not 0 < number(address, "address") < 1 << 64:
            return None
        place = self._symbols.at([address], **self._space)[0]
        return place if place["name"] else None

    def _find(self, name):
        """The function of a name, or None."""
        try:
            return self._symbols.find(text(name, "symbol"), **self._space)
        except InvalidArgsException:
            return None


class CelfKsym(CelfBase):
    """The kernel's functions. Raises RootRequiredException when the kernel hides their addresses
    (kernel.kptr_restrict; CAP_SYSLOG where it is 1)."""

    _space = {"of": "kernel"}

    def __init__(self):
        super(CelfKsym, self).__init__()
        self._functions = Functions(self._symbols)
        self._functions.read([])  # an error is one of the constructor

    def ksymSearch(self, addr):
        """(name, address of the function) of what lies at addr, "name [mod]" in a module;
        ("", -1) where there is none."""
        try:
            return self._functions.now()[addr]
        except TypeError:  # it cannot be a key
            return self._functions[number(addr, "address")]

    def ksymAddr(self, sym):
        """The address of the function sym, -1 when there is none."""
        found = self._find(sym)
        return found["address"] if found else -1


class CksymFast(CelfBase):
    """The kernel's functions as dicts: addr, syms (the name), mod (its module or ""), t (its letter
    in kallsyms)."""

    _space = {"of": "kernel"}

    def addr2sym(self, addr):
        """The function that an address lies in, or None."""
        place = self._at(addr)
        return place and {"addr": addr - place["offset"], "syms": place["name"], "mod": place["module"], "t": place["kind"]}

    def sym2addr(self, name):
        """The function of a name, or None."""
        found = self._find(name)
        return found and {"addr": found["address"], "syms": found["name"], "mod": found["module"], "t": found["kind"]}


class CelfSym(CelfBase):
    """The functions of the program or shared library in file path; addresses are those of its symbol table.

    Raises InvalidArgsException when the file is missing or no ELF file."""

    def __init__(self, path):
        super(CelfSym, self).__init__()
        self._space = {"of": "file", "binary": os.path.abspath(text(path, "path"))}
        self._text = self._symbols.find("", **self._space)["text"]

    def symSearch(self, addr):
        """(name, offset in the function) of the address addr; ("", -1) where there is none."""
        place = self._at(addr)
        return (place["name"], place["offset"]) if place else ("", -1)

    def addr2sym(self, addr):
        """The same of an addr that counts from where the file's code is mapped."""
        return self.symSearch(number(addr, "addr") + self._text // _PAGE * _PAGE)

    def symAddr(self, name):
        """The address of the function name; 0 when there is none."""
        found = self._find(name)
        return found["address"] if found else 0

    def symOffset(self):
        """The address at which the file's code begins."""
        return self._text


_PAGE = os.sysconf("SC_PAGESIZE")
