"""Stacks: addresses that a program collected, as names of functions."""

import pylcc
from pylcc import _identity
from pylcc._identity import VERSION as __version__  # noqa: F401
from pylcc._lib import number, numbers
from pylcc._symbols import Symbols
from pylcc.errors import InvalidArgsException

__all__ = ["getKStacks", "ClbcUstack"]

_identity.check(pylcc, "pylcc.lbcStack")


def getKStacks(maps, stack_id, elfSym, sLen=-1):
    """The kernel functions of a stack, innermost first; [] when there is no such stack.

    maps: a map of kind LBC_STACK; stack_id: what bpf_get_stackid() returned; elfSym: a
    surftrace.surfElf.CelfKsym, or what has its ksymSearch(address); sLen: at most that many,
    negative: all."""
    if not hasattr(maps, "getArr"):
        raise InvalidArgsException("read a stack: %r is no map of stacks (LBC_STACK)" % (maps,))
    frames = _frames(maps.getArr(stack_id))
    return [elfSym.ksymSearch(frame)[0] or "%#x" % frame for frame in (frames[:sLen] if number(sLen, "sLen") >= 0 else frames)]


class ClbcUstack(object):
    """A stack of a process, decoded while that lives: in the constructor.

    pid: of the process; addrs: the addresses, innermost first, as bpf_get_stack(BPF_F_USER_STACK)
    or CmapsStack.getArr() has them. Raises InvalidArgsException when there is no such process."""

    _symbols = None  # what was read of files, for all of them

    def __init__(self, pid, addrs):
        frames = _frames(addrs)
        # Where a function called one that does not return, its own code may end at the address.
        callers = frames[:1] + [frame - 1 for frame in frames[1:]]
        self._lines = []
        for i, place in enumerate(self._book().at(callers, of="process", pid=number(pid, "pid"))):
            if not place["module"]:
                break
            name = place["name"] or "[%s]" % place["module"].rpartition("/")[2].strip("[]")
            self._lines.append("%s + 0x%x" % (name, place["offset"] + (i > 0)))

    def dumpStacks(self):
        """A list of "function + 0xOFFSET", innermost first, up to the first address that is not
        mapped. Functions of C++ and Rust read as there. Where a file has no symbols it is
        "[file] + 0xOFFSET", of the offset in the file."""
        return list(self._lines)

    @classmethod
    def _book(cls):
        if ClbcUstack._symbols is None:
            ClbcUstack._symbols = Symbols()
        return ClbcUstack._symbols


def _frames(addresses):
    """Those before the first zero."""
    addresses = numbers(addresses or (), "addresses")
    return addresses[:addresses.index(0)] if 0 in addresses else addresses
