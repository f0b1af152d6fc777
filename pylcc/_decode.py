"""C values to Python objects and back, by the types that the object's BTF describes (lcc_describe).

A struct gets a decoder that is generated once: a single struct.unpack and a line for each member."""

import keyword
import operator
import re
import struct
import sys

from pylcc import errors
from pylcc._values import Array, Enum, Int, Pointer, Text, Value, value_class

_CODES = {(1, True): "b", (1, False): "B", (2, True): "h", (2, False): "H",
          (4, True): "i", (4, False): "I", (8, True): "q", (8, False): "Q"}
_IDENTIFIER = re.compile(r"(?!__\w*__$)[A-Za-z_]\w*$")
_TEXTS_KEPT = 4096


def _integer(raw, signed=False):
    """The integer that these bytes hold in memory order; of any length."""
    number = 0
    for byte in bytearray(raw[::-1] if sys.byteorder == "little" else raw):
        number = number << 8 | byte
    if signed and number >> (8 * len(raw) - 1):
        number -= 1 << 8 * len(raw)
    return number


def _store(number, size):
    """The other way round: the low size bytes of number."""
    data = bytearray((number >> 8 * i) & 0xff for i in range(size))
    return bytes(data if sys.byteorder == "little" else data[::-1])


class Types(object):
    """The types of one object; types[i] is made when it is first asked for."""

    def __init__(self, described):
        self._described = described
        self._made = {}
        self._texts = {}

    def __getitem__(self, index):
        if index not in self._made:
            described = self._described[index]
            self._made[index] = _KINDS[described["kind"]](self, described)
        return self._made[index]

    def text(self, raw):
        """A Text, shared between equal arrays: command names repeat."""
        text = self._texts.get(raw)
        if text is None:
            if len(self._texts) >= _TEXTS_KEPT:
                self._texts.clear()
            text = self._texts[raw] = Text(raw)
        return text


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

    def decode_many(self, data, count):
        return [self.decode(data, i * self.size) for i in range(count)]

    def decode_short(self, data):
        """The value of a record that ends early: what is missing reads None."""
        return None if len(data) < self.size else self.decode(data)

    def encode(self, value):
        """The bytes of a value that a caller gives as a key."""
        raise NotImplementedError

    def combine(self, values):
        """One value of a per-CPU map out of those of all CPUs: integers, also in arrays and structs,
        are sums; of what cannot be summed it is the first that is not empty. .percpu, where the
        value can have it, is the list of the single ones."""
        chosen = self._again(next((value for value in values if not _empty(value)), values[0]))
        if hasattr(chosen, "__dict__"):
            chosen.percpu = values
        return chosen

    def _again(self, value):
        """A value that nobody else has."""
        return Text(value.raw) if isinstance(value, Text) else value

    def refuse(self, value, why):
        return errors.InvalidArgsException("make a C %s of %r: %s" % (self.name or "value", value, why))


class IntType(Type):
    def __init__(self, types, described):
        Type.__init__(self, types, described)
        self.signed = described.get("signed", False)
        if described.get("char"):
            self.convert = types.text
        elif described.get("bool") and self.size == 1:
            self.code = "?"
        elif (self.size, self.signed) in _CODES:
            self.code = _CODES[self.size, self.signed]
        else:
            self.convert = lambda raw: _integer(raw, self.signed)

    def decode_many(self, data, count):
        if self.convert is not None:
            return Type.decode_many(self, data, count)
        return list(struct.unpack_from("=%d%s" % (count, self.code), data))

    def combine(self, values):
        if self.convert is not None and isinstance(values[0], Text) or self.code == "?":
            return Type.combine(self, values)
        total = Int(sum(values))
        total.percpu = values
        return total

    def number(self, value):
        try:
            return operator.index(value)
        except TypeError:
            raise self.refuse(value, "an integer is needed")

    def encode(self, value):
        if isinstance(value, (str, bytes)) and self.convert is not None and len(value) == 1:
            value = ord(value)
        number = self.number(value)
        if number >= 1 << 8 * self.size:
            raise self.refuse(value, "it needs more than %d bytes" % self.size)
        return _store(number, self.size)


class EnumType(IntType):
    def __init__(self, types, described):
        IntType.__init__(self, types, described)
        self._numbers = described["values"]
        self._names = dict((number, name) for name, number in self._numbers.items())
        self.convert = self.named

    combine = Type.combine

    def _again(self, value):
        return self.named(value)

    def named(self, number):
        value = Enum(number)
        value.name = self._names.get(number)
        return value

    def number(self, value):
        return IntType.number(self, self._numbers.get(value, value) if isinstance(value, str) else value)


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
        self.code = {4: "f", 8: "d"}.get(self.size, self.code)

    def combine(self, values):
        return sum(values)

    def encode(self, value):
        try:
            return struct.pack("=" + self.code, value)
        except struct.error:
            raise self.refuse(value, "a number is needed")


class ArrayType(Type):
    def __init__(self, types, described):
        Type.__init__(self, types, described)
        self.element = types[described["element"]]
        self.count = described["count"]
        self.text = isinstance(self.element, IntType) and self.element.convert == types.text
        self.convert = types.text if self.text else self.items

    def combine(self, values):
        if self.text:
            return Type.combine(self, values)
        total = Array(self.element.combine(list(items)) for items in zip(*values))
        total.percpu = values
        return total

    def items(self, raw):
        return Array(self.element.decode_many(raw, self.count))

    def encode(self, value):
        if self.text:
            data = getattr(value, "raw", value)
            data = data if isinstance(data, bytes) else data.encode("utf-8")
        elif isinstance(value, (list, tuple)) and len(value) <= self.count:
            data = b"".join(self.element.encode(item) for item in value)
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
        self.shift = offset % 8 if sys.byteorder == "little" else -(offset + self.bits) % 8
        name = described["name"]
        self.name = name if _IDENTIFIER.match(name) else name + "_"
        self.names = (self.name,)
        self.anonymous = not name
        if self.anonymous:  # its members are the outer one's
            self.names = self.type.names if isinstance(self.type, StructType) else ()

    def bitfield(self, raw):
        number = _integer(raw) >> self.shift & (1 << self.bits) - 1
        if getattr(self.type, "signed", False) and number >> (self.bits - 1):
            number -= 1 << self.bits
        if self.type.code == "?":
            return bool(number)
        return number if self.type.convert is None else self.type.convert(number)

    def decode(self, buffer, offset):
        if self.bits:
            return self.bitfield(bytes(buffer[offset + self.start:offset + self.end]))
        return self.type.decode(buffer, offset + self.start)

    def encode_into(self, data, value):
        if self.bits:
            mask = (1 << self.bits) - 1
            number = _integer(data[self.start:self.end]) & ~(mask << self.shift)
            number |= (self.type.number(value) & mask) << self.shift
            data[self.start:self.end] = _store(number, self.end - self.start)
        else:
            data[self.start:self.end] = self.type.encode(value)


class StructType(Type):
    def __init__(self, types, described):
        Type.__init__(self, types, described)
        self.members = [Member(types, m) for m in described["members"]]
        self.members = [m for m in self.members if m.names]
        self.names = tuple(name for m in self.members for name in m.names)
        self.union = described["kind"] == "union"
        self.cls = value_class(self.name or described["kind"], self.names)
        self.convert = self.decode = self._generate()

    def _generate(self):
        scope = {"new": object.__new__, "cls": self.cls}
        unpacked, body = [], []
        layout, at = "=", 0
        for i, m in enumerate(self.members):
            if m.bits or m.start < at:  # shares bytes with another member
                scope["d%d" % i] = m.decode
                item = "d%d(buffer, offset)" % i
            else:
                layout += "%dx%s" % (m.start - at, m.type.code)
                at = m.end
                item = "v%d" % i
                unpacked.append(item)
                if m.type.convert is not None:
                    scope["c%d" % i] = m.type.convert
                    item = "c%d(%s)" % (i, item)
            if m.anonymous:
                body.append("u = " + item)
                body.extend(_assign(name, "getattr(u, %r)" % name) for name in m.names)
            else:
                body.append(_assign(m.name, item))
        scope["unpack"] = struct.Struct(layout).unpack_from
        lines = ["def decode(buffer, offset=0):"]
        if unpacked:
            lines.append("    %s, = unpack(buffer, offset)" % ", ".join(unpacked))
        lines.append("    o = new(cls)")
        lines.extend("    " + line for line in body)
        lines.append("    return o")
        exec("\n".join(lines), scope)
        return scope["decode"]

    def decode_short(self, data):
        if len(data) >= self.size:
            return self.decode(data)
        value = self.decode(bytes(data) + b"\0" * (self.size - len(data)))
        for m in self.members:
            if m.end > len(data):
                nested = isinstance(m.type, StructType) and m.start < len(data)
                short = m.type.decode_short(data[m.start:]) if nested else None
                for name in m.names:
                    setattr(value, name, getattr(short, name, None) if m.anonymous else short)
        return value

    def combine(self, values):
        total = object.__new__(_per_cpu_class(self.cls))
        total.percpu = values  # a member of that name hides it
        if self.union:
            return self._copy(Type.combine(self, values), total)
        for m in self.members:
            if m.anonymous:
                self._copy(m.type.combine([m.type._copy(value, object.__new__(m.type.cls)) for value in values]), total, m.names)
            else:
                setattr(total, m.name, m.type.combine([getattr(value, m.name) for value in values]))
        return total

    def _copy(self, value, into, names=None):
        for name in names or self.names:
            setattr(into, name, getattr(value, name))
        return into

    def encode(self, value):
        if isinstance(value, (list, tuple)):
            if len(value) > len(self.names):
                raise self.refuse(value, "it has %d items, the struct %d members" % (len(value), len(self.names)))
            value = dict(zip(self.names, value))
        elif isinstance(value, Value):
            value = value.localDict
        elif not isinstance(value, dict):
            raise self.refuse(value, "a tuple, a dict or an object with members %s is needed" % ", ".join(self.names))
        unknown = [name for name in value if name not in self.names]
        if unknown:
            raise self.refuse(value, "no member %s (it has %s)" % (unknown[0], ", ".join(self.names)))
        data = bytearray(self.size)
        for m in self.members:
            given = dict((name, value[name]) for name in m.names if name in value)
            if given:
                m.encode_into(data, given if m.anonymous else given[m.name])
        return bytes(data)


def _assign(name, item):
    return ("setattr(o, %r, %s)" if keyword.iskeyword(name) else "o.%s = %s") % (name, item)


_KINDS = {"int": IntType, "enum": EnumType, "pointer": PointerType, "float": FloatType,
          "array": ArrayType, "struct": StructType, "union": StructType}


_per_cpu_classes = {}


def _per_cpu_class(cls):
    if cls not in _per_cpu_classes:
        extra = () if "percpu" in cls.__names__ else ("percpu",)
        _per_cpu_classes[cls] = type("_", (cls,), {"__slots__": extra})
        _per_cpu_classes[cls].__name__ = cls.__name__
    return _per_cpu_classes[cls]


def _empty(value):
    if isinstance(value, Value):
        value = value.values()
    return all(_empty(item) for item in value) if isinstance(value, list) else not value
