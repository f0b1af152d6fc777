"""The maps of a loaded object, as ClbcBase.maps holds them."""

import difflib
import struct
import time

from pylcc import _hist, errors
from pylcc._decode import Types
from pylcc._events import Reader
from pylcc._identity import VERSION as __version__  # noqa: F401
from pylcc._values import Int, integers

_FEW = 64  # entries that are looked up one by one, rather than the whole map in batches

__all__ = ["CmapsBase", "CmapsEvent", "CtableBase", "CmapsHash", "CmapsArray", "CmapsLruHash", "CmapsPerHash",
           "CmapsPerArray", "CmapsLruPerHash", "CmapsHist2", "CmapsHist10", "CmapsStack", "CeventBase", "mapsDict"]


class CmapsBase(object):
    """A map: its .name, and the C types of what it holds."""

    def __init__(self, session, types, index):
        described = session.description["maps"][index]
        self.name = described["name"]
        self._session = session
        self._index = index
        self._described = described
        self._types = types

    def _type(self, of):
        number = self._described[of]
        if number is None:
            raise errors.InvalidArgsException(
                "decode the %s of map %s: its C type is unknown (declare the map with an LBC_ macro or __type())"
                % (of, self.name))
        return self._types[number]


class CmapsEvent(CmapsBase):
    """A perf buffer (LBC_PERF_OUTPUT)."""

    def __init__(self, *arguments):
        CmapsBase.__init__(self, *arguments)
        self.cb = None
        self.lostcb = self._print_lost
        self._reader = None

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
        deadline = None if timeout < 0 else _now() + timeout
        self._open().poll(target.cb, lost, deadline, _now)

    def event(self, data):
        """The value of a record: data as a callback gets it, or the record's bytes."""
        value = self._decode(data)
        return Int(value) if type(value) in integers else value

    def _decode(self, data, size=None):
        kind = self._type("value")
        if isinstance(data, integers):
            reader = self._reader
            start, length = reader.record if reader else (0, 0)
            if not start <= data < start + length:
                raise errors.InvalidArgsException(
                    "decode a record of %s: address %#x is not in the record being delivered "
                    "(data is valid during the callback only; keep what getMap returns)" % (self.name, data))
            offset, available = data - reader.base, start + length - data
            if available >= kind.size:
                return kind.decode(reader.buffer, offset)
            return kind.decode_short(bytes(reader.buffer[offset:offset + available]))
        try:
            record = bytes(bytearray(data))
        except TypeError:
            raise errors.InvalidArgsException(
                "decode a record of %s: %r is neither an address nor bytes" % (self.name, data))
        return kind.decode_short(record)

    def _open(self):
        if self._reader is None:
            self._reader = Reader(self._session, self._index)
        return self._reader

    @staticmethod
    def _print_lost(cpu, count):
        print("cpu%d lost %d events" % (cpu, count))


CeventBase = CmapsEvent


def _now():
    return getattr(time, "monotonic", time.time)() * 1000


class CtableBase(CmapsBase):
    """A map of keys and values.

    Per-CPU values are one value: integers are the sum over the CPUs, .percpu has the single ones."""

    def get(self):
        """All entries as a dict, in the kernel's order."""
        return self._entries(False)

    def getThenClear(self):
        """All entries as a dict, each removed as it is read: an update is in this result or stays
        in the map. Not for arrays, whose entries cannot be removed (InvalidArgsException)."""
        return self._entries(True)

    def getKeys(self):
        """All keys as a list."""
        keys, _, count = self._session.entries(self._index, False)
        return self._keys(keys, count)

    def getKeyValue(self, k):
        """The value of a key, or None. A struct key is a tuple, a dict or an object with its members."""
        return self._lookup(self._type("key").encode(k))

    def clear(self):
        """Delete all entries; in an array, set all values to zero."""
        self._session.clear(self._index)

    def _lookup(self, key):
        size = self._described["value_size"]
        if self._described["per_cpu"]:
            size = (size + 7) // 8 * 8 * self._session.description["possible_cpus"]
        data = self._session.lookup(self._index, key, size)
        return None if data is None else self._values(data, 1)[0]

    def _entries(self, take):
        keys, values, count = self._session.entries(self._index, take)
        return dict(zip(self._keys(keys, count), self._values(values, count)))

    def _keys(self, data, count):
        keys = self._type("key").decode_many(data, count)
        return [tuple(key) for key in keys] if count and isinstance(keys[0], list) else keys

    def _values(self, data, count):
        kind = self._type("value")
        if not self._described["per_cpu"]:
            return kind.decode_many(data, count)
        stride = (kind.size + 7) // 8 * 8
        single = [kind.decode(data, at) for at in range(0, len(data), stride)]
        cpus = self._session.description["possible_cpus"]
        return [kind.combine(single[i:i + cpus]) for i in range(0, len(single), cpus)]


class CmapsHash(CtableBase):
    """BPF_MAP_TYPE_HASH"""


class CmapsLruHash(CtableBase):
    """BPF_MAP_TYPE_LRU_HASH"""


class CmapsPerHash(CtableBase):
    """BPF_MAP_TYPE_PERCPU_HASH"""


class CmapsLruPerHash(CtableBase):
    """BPF_MAP_TYPE_LRU_PERCPU_HASH"""


class CmapsPerArray(CtableBase):
    """BPF_MAP_TYPE_PERCPU_ARRAY"""


class CmapsArray(CtableBase):
    """BPF_MAP_TYPE_ARRAY"""

    def get(self, size=10):
        """The first size values as a list; None for an index that the array does not have."""
        there = min(size, self._described["max_entries"])
        if there > _FEW:
            found = self._entries(False)
        else:
            found = dict((i, self._lookup(struct.pack("=I", i))) for i in range(there))
        return [found.get(i) for i in range(size)]


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
        hides its addresses (kptr_restrict)."""
        frames = self.getArr(stack_id) or []
        frames = frames[:frames.index(0)] if 0 in frames else frames
        frames = frames[:sLen] if sLen >= 0 else frames
        names = self._session.kernel_names(frames)
        return [name or "%#x" % address for name, address in zip(names, frames)]

    def getArr(self, stack_id):
        """The addresses of a stack as a list, innermost first and filled up with zeros; None when
        there is no such stack."""
        size = self._described["value_size"]
        data = self._session.lookup(self._index, struct.pack("=I", stack_id & 0xffffffff), size)
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


def _class(described, types):
    key = types[described["key"]]["name"] if described["key"] is not None else ""
    if described["type"] == "array" and key in _HISTOGRAMS:
        return mapsDict[_HISTOGRAMS[key]]
    return mapsDict.get(_TYPES.get(described["type"]), CtableBase)


class Maps(dict):
    """The maps by name; one that the object lacks is an UnknownMapException."""

    def __init__(self, session):
        dict.__init__(self)
        types = Types(session.description["types"])
        for index, described in enumerate(session.description["maps"]):
            self[described["name"]] = _class(described, session.description["types"])(session, types, index)

    def __missing__(self, name):
        near = difflib.get_close_matches(str(name), list(self), 1)
        raise errors.UnknownMapException("use map %s: the object has no such map (%sit has %s)" % (
            name, "closest: %s; " % near[0] if near else "", ", ".join(sorted(self)) or "none"))
