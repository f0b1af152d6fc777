"""The maps of a loaded object, as ClbcBase.maps holds them."""

import struct

from pylcc import _hist, errors
from pylcc._buffers import CmapsEvent
from pylcc._cffi import CffiTrans
from pylcc._decode import Types
from pylcc._lib import native, number, which
from pylcc._identity import VERSION as __version__  # noqa: F401
from pylcc._symbols import Functions
from pylcc._tables import (CmapsArray, CmapsBase, CmapsBloom, CmapsHash, CmapsHolder, CmapsLruHash, CmapsLruPerHash,
                           CmapsPerArray, CmapsPerHash, CmapsQueue, CtableBase, CtypeData, CtypeTable)
from pylcc._values import Value, texts

__all__ = ["CmapsBase", "CmapsEvent", "CtableBase", "CmapsHash", "CmapsArray", "CmapsLruHash", "CmapsPerHash",
           "CmapsPerArray", "CmapsLruPerHash", "CmapsHist2", "CmapsHist10", "CmapsStack", "CmapsHolder", "CmapsQueue",
           "CmapsBloom", "CeventBase", "CtypeData", "CtypeTable", "CffiValue", "CffiTrans", "CffiObj", "mapsDict",
           "paserMaps"]


CeventBase = CmapsEvent
CffiValue = Value
CffiObj = CffiTrans


class CmapsHist(CmapsArray):
    """A histogram: see showHist."""
    buckets = base = 0

    def get(self, size=None):
        """The counts of the first size buckets as a list; default all."""
        return CmapsArray.get(self, self.buckets if size is None else size)

    @staticmethod
    def limit(bucket):
        """The smallest value that is counted in a bucket."""
        raise NotImplementedError

    def showHist(self, head="dummy", array=None):
        """Print head, then a bar for each bucket; array: counts to show instead of the map's.

        Raises ValueError, after the head, when nothing was counted."""
        print(head)
        for line in _hist.lines(self.get() if array is None else array, self.limit, self.base):
            print(line)


class CmapsHist2(CmapsHist):
    """A histogram of powers of two (LBC_HIST2): bucket k counts values from 2**k, 0 also those below."""
    buckets, base = 64, 1024

    @staticmethod
    def limit(bucket):
        return 1 << bucket if bucket else 0


class CmapsHist10(CmapsHist):
    """A histogram of powers of ten (LBC_HIST10): bucket k counts values from 10**k, 0 also those below."""
    buckets, base = 20, 1000

    @staticmethod
    def limit(bucket):
        return 10 ** bucket if bucket else 0


class CmapsStack(CtableBase):
    """BPF_MAP_TYPE_STACK_TRACE (LBC_STACK)"""

    _functions = None

    def getStacks(self, stack_id, sLen=-1):
        """The kernel functions of a stack, innermost first; [] when there is no such stack.

        stack_id is what bpf_get_stackid() returned: a failure's negative number has no stack
        either. sLen: at most that many, negative: all. A function of a module is "func [mod]", an
        address without a name is printed as such. Raises RootRequiredException when the kernel
        hides its addresses (kernel.kptr_restrict; CAP_SYSLOG where it is 1)."""
        frames = self.getArr(stack_id) or []
        frames = frames[:frames.index(0)] if 0 in frames else frames
        frames = frames[:sLen] if number(sLen, "sLen") >= 0 else frames
        if self._functions is None:
            self._functions = Functions(self._session)
        return [name or "%#x" % address for (name, _), address in zip(self._functions.all(frames), frames)]

    def getArr(self, stack_id):
        """The addresses of the stack stack_id as a list, innermost first and filled up with zeros;
        None when there is no such stack."""
        size = self._described["value_size"]
        data = self._session.lookup(self._index, struct.pack("=I", number(stack_id, "stack_id") & 0xffffffff), b"\0" * size)
        return list(struct.unpack("=%dQ" % (size // 8), data)) if data else None


mapsDict = {
    "event": CmapsEvent,
    "hash": CmapsHash,
    "array": CmapsArray,
    "hist2": CmapsHist2,
    "hist10": CmapsHist10,
    "lruHash": CmapsLruHash,
    "perHash": CmapsPerHash,
    "perArray": CmapsPerArray,
    "lruPerHash": CmapsLruPerHash,
    "stack": CmapsStack,
}

_HISTOGRAMS = {"__lbc_hist2": "hist2", "__lbc_hist10": "hist10"}

_TYPES = {
    "perf_event_array": "event",
    "hash": "hash",
    "array": "array",
    "lru_hash": "lruHash",
    "percpu_hash": "perHash",
    "percpu_array": "perArray",
    "lru_percpu_hash": "lruPerHash",
    "stack_trace": "stack",
}

_OTHERS = {
    "ringbuf": CmapsEvent,
    "queue": CmapsQueue,
    "stack": CmapsQueue,
    "bloom_filter": CmapsBloom,
    "prog_array": CmapsHolder,
    "array_of_maps": CmapsHolder,
    "hash_of_maps": CmapsHolder,
    "sockmap": CmapsHolder,
    "sockhash": CmapsHolder,
    "xskmap": CmapsHolder,
    "reuseport_sockarray": CmapsHolder,
    "cgroup_array": CmapsHolder,
}


def _class(described, types):
    key = types[described["key"]]["name"] if described["key"] is not None else ""
    if described["type"] == "array" and key in _HISTOGRAMS:
        return mapsDict[_HISTOGRAMS[key]]
    if described["type"] in _TYPES:
        return mapsDict[_TYPES[described["type"]]]
    return _OTHERS.get(described["type"], CtableBase)


def paserMaps(so, name, dTypes):
    """A name of old that never worked: of so, name and dTypes it cannot make a map (InvalidArgsException)."""
    raise errors.InvalidArgsException("make map %s: paserMaps makes none (ClbcBase.maps has those of an object)" % (name,))


class Maps(dict):
    """The maps by name; one that the object lacks is an UnknownMapException."""

    def __init__(self, session):
        dict.__init__(self)
        types = Types(session.description["types"])
        for index, described in enumerate(session.description["maps"]):
            self[described["name"]] = _class(described, session.description["types"])(session, types, index)

    def __missing__(self, name):
        if isinstance(name, bytes) and str is not bytes and native(name) in self:
            return self[native(name)]
        raise errors.UnknownMapException("use map %s: the object has no such map (%s)" % (
            name, which(name if isinstance(name, texts) else str(name), sorted(self), "it has")))
