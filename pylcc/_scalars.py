"""C types that are one item of struct.unpack."""

import operator
import struct
import sys
from itertools import repeat

from pylcc import errors
from pylcc._values import Char, Enum, Float, Int, Octets, Pointer, Text, Value, texts

_MOST_KEPT = 4096
_CODES = {(1, True): "b", (1, False): "B", (2, True): "h", (2, False): "H",
          (4, True): "i", (4, False): "I", (8, True): "q", (8, False): "Q"}

if hasattr(int, "from_bytes"):
    def from_memory(raw, signed=False):
        """The integer that these bytes hold in memory order; of any length."""
        return int.from_bytes(raw, sys.byteorder, signed=signed)

    def to_memory(number, size):
        """The other way round: the low size bytes of number."""
        return (number & (1 << 8 * size) - 1).to_bytes(size, sys.byteorder)
else:
    def from_memory(raw, signed=False):
        number = int(bytes(raw[::-1] if sys.byteorder == "little" else raw).encode("hex"), 16)
        return number - (1 << 8 * len(raw)) if signed and number >> (8 * len(raw) - 1) else number

    def to_memory(number, size):
        data = ("%0*x" % (2 * size, number & (1 << 8 * size) - 1)).decode("hex")
        return data[::-1] if sys.byteorder == "little" else data


try:
    from itertools import imap as map, izip as zip  # Python 2
except ImportError:
    map, zip = map, zip  # for who imports them from here

if hasattr(struct, "iter_unpack"):
    def rows(layout, data, start=0, end=None):
        """A tuple for each piece of data[start:end], which is made of nothing else, as struct.unpack reads it.

        Of a copy, not a memoryview: where both are garbage of one cycle, such as that of an exception
        with its traceback, CPython before 3.13 may crash (it clears the view that the iterator holds)."""
        return struct.iter_unpack(layout, data[start:end])
else:
    def rows(layout, data, start=0, end=None):
        one = struct.Struct(layout)
        return map(one.unpack_from, repeat(data), range(start, len(data) if end is None else end, one.size))


class Kept(dict):
    """Kept[item] is what make makes of an item, one object for equal ones: command names repeat. As
    a function .__getitem__ is faster."""

    def __init__(self, make):
        self._make = make

    def __missing__(self, item):
        if len(self) >= _MOST_KEPT:
            self.clear()
        made = self[item] = self._make(item)
        return made


class Type(object):
    """code: how struct.unpack reads it as one item; convert: what makes that item the value, or None."""
    convert = None

    def __init__(self, types, described):
        self.name = described.get("name", "")
        self.size = described["size"]
        self.code = "%ds" % self.size

    def decode(self, buffer, offset=0):
        """The value at offset; the buffer must hold all of it."""
        item = struct.unpack_from("=" + self.code, buffer, offset)[0]
        return item if self.convert is None else self.convert(item)

    def decode_many(self, data, count, stride=None):
        """The values that data is made of; each takes stride bytes, default its size."""
        stride = self.size if stride is None else stride
        if not stride:
            return [self.decode(data) for _ in range(count)]
        items = (item for item, in self.rows(data, stride))
        return list(items if self.convert is None else map(self.convert, items))

    @property
    def row_layout(self):
        """The layout of rows() that from_row() makes a value of."""
        return "=" + self.code

    def rows(self, data, stride, start=0, end=None):
        """rows() of values that take stride bytes each."""
        return rows("%s%dx" % (self.row_layout, stride - self.size), data, start, end)

    def from_row(self, row):
        return row[0] if self.convert is None else self.convert(row[0])

    def decode_short(self, data):
        """The value of a record that ends early: what is missing reads None."""
        return None if len(data) < self.size else self.decode(data)

    def encode(self, value, exact=True):
        """The bytes of a value. exact: an integer must be in the type's range; else, as for a key
        that is looked up, a negative one is what C makes of it."""
        raise NotImplementedError

    def combine(self, groups):
        """Values of a per-CPU map, each out of a list of those of all CPUs: integers, also in arrays
        and structs, are sums; of what cannot be summed it is the first that is not empty. .percpu,
        where the value can have it, is the list."""
        chosen = [self._again(next((value for value in group if not _empty(value)), group[0])) for group in groups]
        for value, group in zip(chosen, groups):
            if hasattr(value, "__dict__"):
                value.percpu = group
        return chosen

    def _again(self, value):
        """A value that nobody else has."""
        return type(value)(value.raw) if isinstance(value, Text) else value

    def same_size(self, value, why):
        """Bytes, which must be as many as the type has."""
        data = value.raw if isinstance(value, (Text, Octets)) else value
        if not isinstance(data, (bytes, bytearray)):
            raise self.refuse(value, why)
        if len(data) != self.size:
            raise self.refuse(value, "it has %d bytes, not %d" % (len(data), self.size))
        return bytes(data)

    def refuse(self, value, why):
        return errors.InvalidArgsException("make a C %s of %r: %s" % (self.name or "value", value, why))


class Unknown(Type):
    """What the object does not describe: its bytes; None where not even their number is known."""

    def __init__(self, types, described):
        Type.__init__(self, types, described)
        self.convert = self.known if self.size == 0 else None

    @staticmethod
    def known(_):
        return None

    def decode_short(self, data):
        return bytes(data[:self.size]) or self.known(data)

    def encode(self, value, exact=True):
        return self.same_size(value, "its C type is unknown: give bytes")


class Cut(Type):
    """A type where the map has more or fewer bytes than it: what is missing reads None."""

    def __init__(self, kind, size):
        self.kind, self.name, self.size, self.code = kind, kind.name, size, "%ds" % size
        self.convert = kind.decode_short

    def encode(self, value, exact=True):
        if isinstance(value, (bytes, bytearray)) and len(value) == self.size:
            return bytes(value)
        data = self.kind.encode(value, exact)
        if data[self.size:].strip(b"\0"):
            raise self.refuse(value, "the map has %d bytes for it" % self.size)
        return data[:self.size].ljust(self.size, b"\0")


class IntType(Type):
    def __init__(self, types, described):
        Type.__init__(self, types, described)
        self.signed = described.get("signed", False)
        self.char = described.get("char", False)
        if self.char:
            self.convert = Kept(Char).__getitem__
        elif described.get("bool") and self.size == 1:
            self.code = "?"
        elif (self.size, self.signed) in _CODES:
            self.code = _CODES[self.size, self.signed]
        else:
            self.convert = lambda raw: from_memory(raw, self.signed)

    def decode_many(self, data, count, stride=None):
        if self.convert is not None or stride not in (None, self.size):
            return Type.decode_many(self, data, count, stride)
        return list(struct.unpack("=%d%s" % (count, self.code), data))

    def combine(self, groups):
        if self.char or self.code == "?":
            return Type.combine(self, groups)
        return apiece([Int(total) for total in map(sum, groups)], groups)

    def number(self, value, bits, exact):
        """The integer that a value is, of that many bits."""
        if self.char and isinstance(value, Char):
            value = int(value)
        elif self.char and isinstance(value, texts + (bytes,)) and len(value) == 1:
            value = ord(value)
        try:
            number = operator.index(value)
        except TypeError:
            raise self.refuse(value, "an integer is needed")
        lowest = -(1 << bits - 1) if self.signed or self.char else 0
        highest = (1 << bits) - 1 >> (self.signed and not self.char and exact)
        if number > highest or exact and number < lowest:
            raise self.refuse(value, "it is not between %d and %d" % (lowest, highest))
        return number

    def encode(self, value, exact=True):
        return to_memory(self.number(value, 8 * self.size, exact), self.size)


class EnumType(IntType):
    def __init__(self, types, described):
        IntType.__init__(self, types, described)
        self._numbers = described["values"]
        self._names = dict((number, name) for name, number in self._numbers.items())
        self.convert = Kept(self.named).__getitem__

    combine = Type.combine

    def _again(self, value):
        return self.named(value)

    def named(self, number):
        value = Enum(number)
        value.name = self._names.get(number)
        return value

    def number(self, value, bits, exact):
        return IntType.number(self, self._numbers.get(value, value) if isinstance(value, texts) else value, bits, exact)


class PointerType(IntType):
    def __init__(self, types, described):
        IntType.__init__(self, types, described)
        self._text = "point:" + self.name
        self.convert = self.pointer

    combine = Type.combine

    def _again(self, value):
        return self.pointer(value)

    def pointer(self, number):
        value = Pointer(number)
        value.text = self._text
        return value


class FloatType(Type):
    def __init__(self, types, described):
        Type.__init__(self, types, described)
        self.code = {4: "f", 8: "d"}[self.size]

    def combine(self, groups):
        return apiece([Float(total) for total in map(sum, groups)], groups)

    def encode(self, value, exact=True):
        try:
            return struct.pack("=" + self.code, value)
        except (struct.error, OverflowError, TypeError):
            raise self.refuse(value, "a number of that size is needed")


def apiece(totals, groups):
    """Give each its .percpu."""
    for total, group in zip(totals, groups):
        total.percpu = group
    return totals


def _empty(value):
    if isinstance(value, Value):
        value = Value.values(value)
    return all(_empty(item) for item in value) if isinstance(value, list) else not value
