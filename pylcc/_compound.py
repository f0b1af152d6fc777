"""C arrays, structs and unions.

A struct gets decoders that are generated once: a single struct.unpack and a line for each member."""

import keyword
import operator
import re
import struct
import sys
from itertools import repeat

from pylcc._scalars import EnumType, IntType, Type, apiece, from_memory, map, to_memory, zip
from pylcc._values import Array, Octets, Text, Value, per_cpu_class, texts, value_class

_SHORT = 64
_IDENTIFIER = re.compile(r"(?!__\w*__$)[A-Za-z_]\w*$")


class ArrayType(Type):
    def __init__(self, types, described):
        Type.__init__(self, types, described)
        self.element = types[described["element"]]
        self.count = described["count"]
        numbers = isinstance(self.element, IntType)
        self.text = numbers and self.element.char
        self.make = Octets if numbers and self.element.size == 1 and self.element.code in "bB" else Array
        self.convert = self.items
        if self.text:  # short ones repeat, such as command names
            self.convert = types.texts.__getitem__ if self.size <= _SHORT else Text

    def combine(self, groups):
        if self.text:
            return Type.combine(self, groups)
        return apiece([self.make(self.element.combine([list(items) for items in zip(*group)])) for group in groups], groups)

    def items(self, raw):
        return self.make(self.element.decode_many(raw, self.count))

    def rest(self, raw):
        """What a flexible array has, which ends where the record does."""
        count = len(raw) // self.element.size if self.element.size else 0
        return self.convert(raw) if self.text else self.make(self.element.decode_many(raw[:count * self.element.size], count))

    def encode(self, value, exact=True):
        if self.text or isinstance(value, (bytes, bytearray)):
            data = value.raw if isinstance(value, (Text, Octets)) else value
            if isinstance(data, texts) and not isinstance(data, bytes):
                data = data.encode("utf-8")
            if not isinstance(data, (bytes, bytearray)):
                raise self.refuse(value, "text or bytes are needed")
            data = bytes(data) if len(data) <= self.size else bytes(data).rstrip(b"\0")
        elif isinstance(value, (list, tuple)):
            if len(value) > self.count:
                raise self.refuse(value, "it has %d items, the array %d" % (len(value), self.count))
            data = b"".join(self.element.encode(item, exact) for item in value)
        else:
            raise self.refuse(value, "a sequence of at most %d items is needed" % self.count)
        if len(data) > self.size:
            raise self.refuse(value, "it has %d bytes, the array %d" % (len(data), self.size))
        return data.ljust(self.size, b"\0")


class Member(object):
    """A member of a struct: its bytes are [start, end) there; shift and bits are a bitfield's."""

    def __init__(self, types, described):
        self.type = types[described["type"]]
        self.bits = described.get("bit_size", 0)
        offset = described["bit_offset"]
        self.start = offset // 8
        self.end = (offset + self.bits + 7) // 8 if self.bits else self.start + self.type.size
        self.mask = (1 << self.bits) - 1
        self.shift = offset % 8 if sys.byteorder == "little" else -(offset + self.bits) % 8
        name = re.sub(r"\W", "_", described["name"])  # a static variable of a function has a dot
        self.name = name if _IDENTIFIER.match(name) else name + "_"
        self.names = (self.name,)
        self.anonymous = not name
        if self.anonymous:  # its members are the outer one's
            self.names = self.type.names if isinstance(self.type, StructType) else ()

    def bitfield(self, raw):
        number = from_memory(raw) >> self.shift & self.mask
        if getattr(self.type, "signed", False) and number >> (self.bits - 1):
            number -= 1 << self.bits
        if self.type.code == "?":
            return bool(number)
        return self.type.convert(number) if isinstance(self.type, EnumType) else number

    def decode(self, buffer, offset):
        if self.bits:
            return self.bitfield(bytes(buffer[offset + self.start:offset + self.end]))
        return self.type.decode(buffer, offset + self.start)

    def encode(self, value, exact):
        """What put() stores: a bitfield's number, or bytes."""
        return self.type.number(value, self.bits, exact) & self.mask if self.bits else self.type.encode(value, exact)

    def put(self, data, encoded):
        if self.bits:
            number = from_memory(data[self.start:self.end]) & ~(self.mask << self.shift)
            encoded = to_memory(number | encoded << self.shift, self.end - self.start)
        data[self.start:self.end] = encoded


class StructType(Type):
    _fill = row_layout = None

    def __init__(self, types, described):
        Type.__init__(self, types, described)
        self.members = [Member(types, m) for m in described["members"]]
        self.members = [m for m in self.members if m.names]
        self.names = tuple(name for m in self.members for name in m.names)
        self.union = described["kind"] == "union"
        self.overlaps = self.union or any(_overlaps(m.type) for m in self.members)
        self.cls = value_class(self.name or described["kind"], self.names, self.overlaps)
        last = self.members[-1] if self.members and not self.union else None
        self.flexible = last if last and isinstance(last.type, ArrayType) and last.type.count == 0 else None
        self._generate()
        self.convert = self.decode

    def _generate(self):
        """Make decode() and from_row(), and the lines that give o, a new object, its members: of items
        that struct.unpack reads, or of the buffer itself, from offset on."""
        self._scope = {"cls": self.cls, "zip": zip}
        self._lines, items, layout, at = [], [], "=", 0
        self._piecemeal = not self.overlaps  # the items are all that is needed
        for i, m in enumerate(self.members):
            if m.bits or m.start < at:  # shares bytes with another member
                self._piecemeal = False
                self._scope["d%d" % i] = m.decode
                item = "d%d(buffer, offset)" % i
            else:
                layout += "%dx%s" % (m.start - at, m.type.code)
                at = m.end
                if m.type.convert is None and not m.anonymous and not _reserved(m.name):
                    items.append("o." + m.name)
                    continue
                item = "v%d" % i
                items.append(item)
                if m.type.convert is not None:
                    self._scope["c%d" % i] = m.type.convert
                    item = "c%d(%s)" % (i, item)
            if m.anonymous:
                self._lines.append(" u = " + item)
                self._lines.extend(_assign(name, "getattr(u, %r)" % name) for name in m.names)
            else:
                self._lines.append(_assign(m.name, item))
        if self.overlaps:
            self._lines.append(" o.__raw__ = bytes(buffer[offset:offset + %d])" % self.size)
        layout += "%dx" % max(0, self.size - at)
        self.row_layout = layout if self._piecemeal else "=%ds" % self.size
        self._items = "".join(item + ", " for item in items)
        self._scope["unpack"] = struct.Struct(layout).unpack_from
        read = [" %s = unpack(buffer, offset)" % self._items] if items else []
        self.decode = self._function("decode", ["(buffer, offset=0):", " o = cls()"] + read + self._lines + [" return o"])
        if self._piecemeal:
            read = [" %s = row" % self._items] if items else []
            self.from_row = self._function("from_row", ["(row):", " o = cls()"] + read + self._lines + [" return o"])

    def fields(self, start=0):
        """(member, offset) of each that a value has, also of those in anonymous members."""
        for m in self.members:
            if not m.anonymous:
                yield m, start + m.start
            else:
                for inner in m.type.fields(start + m.start):
                    yield inner

    def _function(self, name, lines):
        exec("def %s%s\n" % (name, "\n".join(lines)), self._scope)
        return self._scope[name]

    def decode_many(self, data, count, stride=None):
        stride = self.size if stride is None else stride
        if not (self._items and self._piecemeal):
            return [self.decode(data, i * stride) for i in range(count)]
        if self._fill is None:
            self._fill = self._function("fill", ["(objects, rows):", " for o, (%s) in zip(objects, rows):" % self._items] + [
                " " + line for line in self._lines + [" pass"]])
        objects = list(map(object.__new__, repeat(self.cls, count)))
        self._fill(objects, self.rows(data, stride))
        return objects

    def decode_short(self, data):
        if len(data) >= self.size:
            value = self.decode(data)
            if self.flexible and len(data) > self.size:
                setattr(value, self.flexible.name, self.flexible.type.rest(bytes(data[self.flexible.start:])))
            return value
        value = self.decode(bytes(data) + b"\0" * (self.size - len(data)))
        for m in self.members:
            if m.end > len(data):
                nested = isinstance(m.type, StructType) and m.start < len(data)
                short = m.type.decode_short(data[m.start:]) if nested else None
                for name in m.names:
                    setattr(value, name, getattr(short, name, None) if m.anonymous else short)
        return value

    def combine(self, groups):
        cls = per_cpu_class(self.cls)
        totals = apiece([object.__new__(cls) for _ in groups], groups)  # a member of that name hides it
        for m in () if self.union else self.members:
            part = m.type.part if m.anonymous else operator.attrgetter(m.name)
            for total, one in zip(totals, m.type.combine([list(map(part, group)) for group in groups])):
                if m.anonymous:
                    self._copy(one, total, m.names)
                else:
                    setattr(total, m.name, one)
        if self.union:
            for value, total in zip(Type.combine(self, groups), totals):
                self._copy(value, total)
        return totals

    def part(self, value):
        """This, an anonymous member, out of the value of the outer struct."""
        return self._copy(value, object.__new__(self.cls))

    def _copy(self, value, into, names=None):
        for name in names or self.names:
            setattr(into, name, getattr(value, name))
        return into

    def encode(self, value, exact=True):
        if isinstance(value, (bytes, bytearray)):
            return self.same_size(value, "")
        raw = getattr(value, "__raw__", None) if type(value) is self.cls else None
        if raw is None:
            return bytes(self._write(bytearray(self.size), self._given(value), exact))
        # The members of a union share bytes: only those that were changed count.
        return bytes(self._write(bytearray(raw), self._given(value), exact, self.decode(raw)))

    def _write(self, data, given, exact, before=None):
        for m in self.members:
            if m.anonymous and any(name in given for name in m.names):
                data[m.start:m.end] = m.type._write(data[m.start:m.end], given, exact, before)
            elif m.name in given and not m.anonymous:
                encoded = m.encode(given[m.name], exact)
                if before is None or encoded != m.encode(getattr(before, m.name), exact):
                    m.put(data, encoded)
        return data

    def _given(self, value):
        """What a caller gives, by the names of members."""
        if isinstance(value, (list, tuple)):
            if len(value) > len(self.names):
                raise self.refuse(value, "it has %d items, the struct %d members" % (len(value), len(self.names)))
            return dict(zip(self.names, value))
        if isinstance(value, Value):
            value = dict(Value.items(value))
        elif not isinstance(value, dict):
            if not self.names or not all(hasattr(value, name) for name in self.names):
                raise self.refuse(value, "a tuple, a dict or an object with members %s is needed" % ", ".join(self.names))
            return dict((name, getattr(value, name)) for name in self.names)
        for name in value:
            if name not in self.names:
                raise self.refuse(value, "no member %s (it has %s)" % (name, ", ".join(self.names)))
        return value


def _overlaps(kind):
    while isinstance(kind, ArrayType):
        kind = kind.element
    return isinstance(kind, StructType) and kind.overlaps


def _reserved(name):
    return keyword.iskeyword(name) or name in ("None", "True", "False")  # which Python 2 has no keywords for


def _assign(name, item):
    return (" setattr(o, %r, %s)" if _reserved(name) else " o.%s = %s") % (name, item)
