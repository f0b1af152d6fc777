"""Maps of keys and values, and those of values alone."""

from pylcc import errors
from pylcc._compound import ArrayType
from pylcc._lib import number
from pylcc._memory import octets
from pylcc._scalars import IntType
from pylcc._values import Apart, apart, percpu

# Their keys are numbers, also where the object does not say so.
_INDEXED = ("array", "percpu_array", "stack_trace", "prog_array", "cgroup_array", "array_of_maps", "sockmap", "xskmap",
            "devmap", "cpumap", "reuseport_sockarray")
_FEW = 64  # entries that are looked up one by one, rather than the whole map in batches


class CmapsBase(object):
    """A map: its .name, and the C types of what it holds. ClbcBase.maps has them; nobody else makes one.

    Raises ClosedException after ClbcBase.close(), and what the calls say."""

    def __init__(self, session, types, index):
        described = session.description["maps"][index]
        self.name = described["name"]
        self._session = session
        self._index = index
        self._described = described
        self._types = types
        self._kinds = {}

    def fileno(self):
        """The map's file descriptor, valid until the object is closed: do not close it."""
        return self._fd()

    def _fd(self):
        return self._session.fd(self.name)

    def _kind(self, of):
        """The type of the "key" or the "value"; the object may not say it, or another size."""
        if of not in self._kinds:
            number, size = self._described[of], self._described[of + "_size"]
            if of == "key" and number is None and self._described["type"] in _INDEXED:
                self._kinds[of] = IntType(self._types, {"name": "index", "size": size})
            else:
                self._kinds[of] = self._types.sized(number, size)
        return self._kinds[of]


class CtypeData(object):
    """What the keys, or the values, of a table are made of."""

    def __init__(self, kind):
        self._kind = kind
        self.name = kind.name
        self.ffiSize = kind.size

    def load(self, data):
        """The value of the bytes data; what they lack reads None. InvalidArgsException: they are none."""
        found = octets(data)
        if found is None:
            raise self._kind.refuse(data, "bytes are needed")
        return self._kind.decode_short(found)

    def pack(self, value):
        """The bytes of a value; InvalidArgsException when it is not of the type."""
        return self._kind.encode(value)


class CtypeTable(CtypeData):
    """The same of one table; called, all its keys or values as a list."""

    def __init__(self, kind, everything):
        CtypeData.__init__(self, kind)
        self._everything = everything

    def __call__(self):
        return self._everything()


class CtableBase(CmapsBase):
    """A map of keys and values, used by the methods of old or as a dict: m[k], m[k] = v, del m[k],
    k in m, len(m), for k in m, m.keys(), m.values(), m.items(), m.update(). Other than a dict it is
    true when it is empty.

    A struct, as key or as value, is given as a tuple, a dict, an object with its members, or its
    bytes; members that are left out are zero. Integers out of range are an InvalidArgsException,
    but in keys that are looked up a negative number is what C makes of it. Where the object says
    nothing of a type, the value is bytes.

    Per-CPU values are one value: integers are the sum over the CPUs, .percpu has the single ones.
    To set them give a list with one for each possible CPU, or a single value, which the first CPU
    gets while those of the others become zero.

    The kernel tells keys apart by all of their bytes: also padding, and what a char array has behind
    its NUL, which programs should set to zero. Of keys that read alike because they differ in these
    alone, the one where they are zero, or least, is as ever; each other one equals nothing but a key
    of the same bytes.

    Kinds of maps that the kernel does not let user space read or change say so
    (InvalidArgsException)."""

    def get(self):
        """All entries as a dict, in the kernel's order."""
        return self._entries(False)

    def getThenClear(self):
        """All entries as a dict, each removed as it is read; not for arrays, whose entries cannot be
        removed (InvalidArgsException).

        An entry that a program inserts is in this result or stays in the map. So is what a program
        adds to one, except when it found the entry just before it was removed and adds to it just
        after, on another CPU: the kernel removes entries without waiting for programs that hold
        them. Who needs every increment subtracts one get() from the next."""
        return self._entries(True)

    def getKeys(self):
        """All keys as a list."""
        data, _, count = self._session.entries(self._index, False)
        keys = self._keys(data, count)
        return keys if len(set(keys)) == count else self._told_apart(keys, data)

    def getKeyValue(self, k):
        """The value of the key k, or None."""
        data = self._data(k)
        return None if data is None else self._values(data, 1)[0]

    def clear(self):
        """Delete all entries; in an array, set all values to zero."""
        self._session.clear(self._index)

    @property
    def keys(self):
        """What the keys are made of; called, all keys as a list."""
        return CtypeTable(self._kind("key"), self.getKeys)

    @property
    def values(self):
        """What the values are made of; called, all values as a list."""
        return CtypeTable(self._kind("value"), lambda: [value for _, value in self.items()])

    def items(self):
        """All entries as a list of (key, value)."""
        return list(self._entries(False).items())

    def update(self, entries):
        """Set entries, a dict or (key, value) pairs; in batches where the kernel has them.

        Of entries that are too many, those before are set."""
        try:
            entries = [(k, v) for k, v in (entries.items() if hasattr(entries, "items") else entries)]
        except (TypeError, ValueError):
            raise errors.InvalidArgsException("update map %s: %r is neither a dict nor (key, value) pairs" % (self.name, entries))
        if entries:
            keys = b"".join(self._key(k, True) for k, _ in entries)
            values = b"".join(self._encoded(v) for _, v in entries)
            self._session.update(self._index, keys, values, len(entries))

    def __getitem__(self, k):
        data = self._data(k)
        if data is None:
            raise KeyError(k)
        return self._values(data, 1)[0]

    def __setitem__(self, k, v):
        self.update([(k, v)])

    def __delitem__(self, k):
        if not self._session.delete(self._index, self._key(k)):
            raise KeyError(k)

    def __contains__(self, k):
        return self._data(k) is not None

    def __iter__(self):
        return iter(self.getKeys())

    def __len__(self):
        return self._session.entries(self._index, False)[2]

    def __bool__(self):
        return True  # scripts of old test whether they have a map

    __nonzero__ = __bool__

    def _data(self, k):
        """The bytes of a key's value, or None."""
        size = self._described["value_size"]
        if self._described["per_cpu"]:
            size = _slot(size) * self._session.description["possible_cpus"]
        return self._session.lookup(self._index, self._key(k), b"\0" * size)

    def _key(self, k, exact=False):
        return k.__raw__ if isinstance(k, Apart) else self._kind("key").encode(k, exact)

    def _entries(self, take):
        data, values, count = self._session.entries(self._index, take)
        keys, values = self._keys(data, count), self._values(values, count)
        entries = dict(zip(keys, values))
        return entries if len(entries) == count else dict(zip(self._told_apart(keys, data), values))

    def _keys(self, data, count):
        keys = self._kind("key").decode_many(data, count)
        return [tuple(key) for key in keys] if count and isinstance(keys[0], list) else keys

    def _told_apart(self, keys, data):
        """Keys of which some read alike: all as Apart but the least of these, whatever their order."""
        size, least = self._described["key_size"], {}
        raws = [data[at:at + size] for at in range(0, len(data), size)]
        for key, raw in zip(keys, raws):
            least[key] = min(raw, least.get(key, raw))
        return [key if least[key] == raw else apart(key, raw) for key, raw in zip(keys, raws)]

    def _values(self, data, count):
        kind = self._kind("value")
        if not self._described["per_cpu"]:
            return kind.decode_many(data, count)
        cpus = self._session.description["possible_cpus"]
        single = iter(kind.decode_many(data, count * cpus, _slot(kind.size)))
        return kind.combine([list(group) for group in zip(*[single] * cpus)])

    def _encoded(self, value):
        kind = self._kind("value")
        if not self._described["per_cpu"]:
            return kind.encode(value)
        cpus, stride = self._session.description["possible_cpus"], _slot(kind.size)
        single = percpu(value)
        if single is None:
            single = value if _one_per_cpu(kind, value) else [value]
            if single is value and len(single) != cpus:
                raise kind.refuse(value, "a list needs one for each of %d possible CPUs" % cpus)
        return b"".join(kind.encode(one).ljust(stride, b"\0") for one in single).ljust(cpus * stride, b"\0")


def _slot(size):
    """The bytes that a value takes in a per-CPU map."""
    return (size + 7) // 8 * 8


def _one_per_cpu(kind, value):
    """Whether a list is one value a CPU: where a value itself is a list, it is one of lists."""
    return isinstance(value, list) and (not isinstance(kind, ArrayType) or bool(value) and isinstance(value[0], (list, tuple)))


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
    """BPF_MAP_TYPE_ARRAY; also global variables: maps[".bss"][0].name."""

    def get(self, size=10):
        """The first size values as a list; None for an index that the array does not have."""
        size = number(size, "size")
        there = min(size, self._described["max_entries"])
        if there > _FEW:
            found = self._entries(False)
        else:
            found = dict((i, self.getKeyValue(i)) for i in range(there))
        return [found.get(i) for i in range(size)]


class CmapsHolder(CtableBase):
    """Maps whose values are maps, programs or sockets. They read as the kernel's numbers (ids,
    cookies). To set one give a map of the same object, the name of a program or map of it, or
    anything else with fileno()."""

    def _kind(self, of):
        if of == "value" and of not in self._kinds:
            size = self._described["value_size"]
            self._kinds[of] = IntType(self._types, {"name": "file descriptor", "size": size})
        return CtableBase._kind(self, of)

    def _encoded(self, value):
        if isinstance(value, CmapsBase):
            value = value._fd()  # a perf buffer's fileno() is another
        elif hasattr(value, "fileno"):
            value = value.fileno()
        elif isinstance(value, str):
            value = self._session.fd(value)
        return CtableBase._encoded(self, value)


class CmapsKeyless(CmapsBase):
    """A map of values alone."""

    def push(self, value):
        """Add a value. Raises InvalidArgsException when a queue or stack is full."""
        self._session.update(self._index, b"", self._kind("value").encode(value), 1)


class CmapsQueue(CmapsKeyless):
    """BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK"""

    def pop(self):
        """Remove the next value and return it; None when there is none."""
        return self._next(True)

    def peek(self):
        """The next value, which stays; None when there is none."""
        return self._next(False)

    def _next(self, take):
        data = self._session.lookup(self._index, b"", b"\0" * self._described["value_size"], take)
        return None if data is None else self._kind("value").decode(data)


class CmapsBloom(CmapsKeyless):
    """BPF_MAP_TYPE_BLOOM_FILTER (Linux 5.16): v in m"""

    def __contains__(self, value):
        """False: it never was pushed. True: it probably was."""
        return self._session.lookup(self._index, b"", self._kind("value").encode(value)) is not None
