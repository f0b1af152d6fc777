"""The maps of a loaded object, as ClbcBase.maps holds them."""

import difflib
import struct
import time

from pylcc import _hist, _lib, errors
from pylcc._cffi import CffiTrans
from pylcc._decode import Types
from pylcc._events import Reader
from pylcc._lib import native, number
from pylcc._identity import VERSION as __version__  # noqa: F401
from pylcc._memory import address, octets
from pylcc._tables import (CmapsArray, CmapsBase, CmapsBloom, CmapsHash, CmapsHolder, CmapsLruHash, CmapsLruPerHash,
                           CmapsPerArray, CmapsPerHash, CmapsQueue, CtableBase, CtypeData, CtypeTable)
from pylcc._values import Float, Int, Value, integers, texts

__all__ = ["CmapsBase", "CmapsEvent", "CtableBase", "CmapsHash", "CmapsArray", "CmapsLruHash", "CmapsPerHash",
           "CmapsPerArray", "CmapsLruPerHash", "CmapsHist2", "CmapsHist10", "CmapsStack", "CmapsHolder", "CmapsQueue",
           "CmapsBloom", "CeventBase", "CtypeData", "CtypeTable", "CffiValue", "CffiTrans", "CffiObj", "mapsDict",
           "paserMaps"]


class CmapsEvent(CmapsBase):
    """A perf buffer (LBC_PERF_OUTPUT), or a ring buffer (BPF_MAP_TYPE_RINGBUF, Linux 5.8): records of
    that come from no CPU, -1, and nobody counts those that did not fit."""

    def __init__(self, *arguments):
        CmapsBase.__init__(self, *arguments)
        self.cb = None
        self.lostcb = self._print_lost
        self._reader = self._decoder = None

    def open_perf_buffer(self, cb, lost=None):
        """Open the buffer: records that programs send from now on are kept for perf_buffer_poll.

        cb(cpu, data, size) is called for each record; data is its address, valid during the call:
        see event() and ClbcBase.getMap(). lost(cpu, count) is called when the kernel had to drop
        count records; without it "cpuN lost M events" is printed."""
        for name, callback in (("cb", cb), ("lost", lost)):
            if callback is not None and not callable(callback):
                raise errors.InvalidArgsException("open perf buffer %s: %s is not callable: %r" % (self.name, name, callback))
        self.cb = cb
        self.lostcb = lost or self._print_lost
        self._open()

    def perf_buffer_poll(self, timeout=-1, obj=None):
        """Deliver records to the callback.

        timeout: milliseconds after which to return; negative: never return. obj: an object with
        attributes cb (and lostcb) to use instead of the callbacks of open_perf_buffer.

        Ctrl-C raises KeyboardInterrupt here. KeyboardInterrupt and SystemExit raised by a callback
        end the call; any other exception in it is printed with its traceback and polling goes on.
        Raises ValueError without a callback, ClosedException when the object is closed meanwhile."""
        target = self if obj is None else obj
        if getattr(target, "cb", None) is None:
            raise ValueError("object %s has no attr callback." % target)
        lost = getattr(target, "lostcb", None) or self._print_lost
        try:
            deadline = None if float(timeout) < 0 else _now() + float(timeout)
        except (TypeError, ValueError):
            raise errors.InvalidArgsException("poll %s: timeout %r is no number of milliseconds" % (self.name, timeout))
        self._open().poll(target.cb, lost, deadline, _now)

    def event(self, data):
        """The value of a record: data as a callback gets it, also as a pointer of ctypes or cffi, or
        the record's bytes: bytes, a bytearray, memoryview, ctypes array or struct, a list of numbers.

        What a record that is too short does not contain reads None; of one that is longer than its
        type the rest, which may be the kernel's padding, is what a flexible array at the end has.
        Where the object does not say what the records are they read as bytes."""
        value = self._decode(data)
        return _SCALARS.get(type(value), _same)(value)

    @property
    def ffiType(self):
        """C's type of a pointer to a record, such as "struct event *"; "" where the object does not say it."""
        from pylcc.commands._types import Printer  # it writes all of C, for few scripts
        number = self._described["value"]
        name = "" if number is None else Printer(self._session.description["types"]).name(number)
        return name and (name if name.endswith("]") else name + " *")

    def _decode(self, data):
        decode, size = self._decoder or self._make_decoder()
        if isinstance(data, integers):
            reader = self._reader
            start, length = reader.record if reader else (0, 0)
            if not start <= data < start + length:
                raise errors.InvalidArgsException(
                    "decode a record of %s: address %#x is not in the record being delivered "
                    "(data is valid during the callback only; keep what getMap returns)" % (self.name, data))
            offset, available = data - reader.base, start + length - data
            if available >= size:
                return decode(reader.buffer, offset)
            return self._short(bytes(reader.buffer[offset:offset + available]))
        record = octets(data)
        if record is not None:
            return self._short(record)
        where = address(data)
        if where is None:
            raise errors.InvalidArgsException(
                "decode a record of %s: %r is neither an address nor bytes" % (self.name, data))
        return self._decode(where)

    def _make_decoder(self):
        """(decode, size) of records with all of their type; those that need their end go to _short."""
        number = self._described["value"]
        if number is None:
            self._short, self._decoder = bytes, (None, float("inf"))
        else:
            kind = self._types[number]
            self._short = kind.decode_short
            self._decoder = kind.decode, float("inf") if getattr(kind, "flexible", None) else kind.size
        return self._decoder

    def _open(self):
        _lib.ready()
        if self._reader is None or self._session.number == 0:  # which raises ClosedException
            self._reader = Reader(self._session, self._index)
        return self._reader

    @staticmethod
    def _print_lost(cpu, count):
        print("cpu%d lost %d events" % (cpu, count))


CeventBase = CmapsEvent
CffiValue = Value
CffiObj = CffiTrans
_SCALARS = dict([(kind, Int) for kind in integers] + [(float, Float)])


def _same(value):
    return value


def _now():
    return getattr(time, "monotonic", time.time)() * 1000


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

    def getStacks(self, stack_id, sLen=-1):
        """The kernel functions of a stack, innermost first; [] when there is no such stack.

        stack_id is what bpf_get_stackid() returned: a failure's negative number has no stack
        either. sLen: at most that many, negative: all. A function of a module is "func [mod]", an
        address without a name is printed as such. Raises RootRequiredException when the kernel
        hides its addresses (kernel.kptr_restrict; CAP_SYSLOG where it is 1)."""
        frames = self.getArr(stack_id) or []
        frames = frames[:frames.index(0)] if 0 in frames else frames
        frames = frames[:sLen] if number(sLen, "sLen") >= 0 else frames
        names = self._session.kernel_names(frames)
        return [name or "%#x" % address for name, address in zip(names, frames)]

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
        near = difflib.get_close_matches(name if isinstance(name, texts) else str(name), list(self), 1)
        raise errors.UnknownMapException("use map %s: the object has no such map (%sit has %s)" % (
            name, "closest: %s; " % near[0] if near else "", ", ".join(sorted(self)) or "none"))
