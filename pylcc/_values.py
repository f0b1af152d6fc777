"""The Python objects that C values become. All are copies: they outlive the callback."""

import operator

integers = (int,) if str is not bytes else (int, long)  # noqa: F821
integer = integers[-1]
texts = (str, type(u""))


class Int(integer):
    """An integer that is a whole event or a sum: also .value, and .percpu for per-CPU maps."""

    @property
    def value(self):
        return integer(self)

    def __repr__(self):
        return integer.__repr__(self).rstrip("L")

    __str__ = __repr__


class Float(float):
    """A number that is a whole event or a sum: also .value, and .percpu for per-CPU maps."""

    @property
    def value(self):
        return float(self)


class Enum(Int):
    """An enum's integer with the enumerator as .name, None for a number that has no name."""
    name = None


class Pointer(Int):
    """A pointer: the address. Compared with text, and as .text, it is "point:TYPE *".

    So is str(), but on Python 2, where "%d" and json print a long by its str(): the number."""
    text = "point:void *"

    def __repr__(self):
        return "<%s %#x>" % (self.text, integer(self))

    if str is not bytes:
        def __str__(self):
            return self.text

    def __eq__(self, other):
        if isinstance(other, texts):
            return self.text == other
        return integer(self) == other

    def __ne__(self, other):
        return not self == other

    __hash__ = integer.__hash__

    def startswith(self, *arguments):
        return self.text.startswith(*arguments)


class Text(str):
    """Text of a char array up to its NUL, with the whole array as .raw."""

    def __new__(cls, raw):
        text = raw.partition(b"\0")[0]
        self = str.__new__(cls, text if str is bytes else cls._decoded(text))
        self.raw = raw
        return self

    @staticmethod
    def _decoded(text):
        return text.decode("utf-8", "backslashreplace")

    def decode(self, *_, **__):
        """Itself: for scripts that take it for bytes."""
        return self

    def __eq__(self, other):
        if str is not bytes and isinstance(other, bytes):
            return self.raw.partition(b"\0")[0] == other
        return str.__eq__(self, other)

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__

    def __reduce__(self):
        return type(self), (self.raw,), self.__dict__


class Char(Text):
    """A single char: text of length 1, empty for NUL; int() of it is its number."""

    @staticmethod
    def _decoded(text):
        return text.decode("latin-1")

    def __int__(self):
        return ord(self.raw)


class Array(list):
    """A C array: a list that is hashable and equals a tuple of the same items."""

    def __eq__(self, other):
        return tuple(self) == tuple(other) if isinstance(other, (list, tuple)) else NotImplemented

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(tuple(self))


class Octets(Array):
    """An array of signed or unsigned char: the numbers, and .raw, the bytes."""

    @property
    def raw(self):
        return bytes(bytearray(number & 0xff for number in self))


class Value(object):
    """A C struct or union: members as attributes and as items, in declaration order.

    A member hides a method of the same name on attribute access; e["name"] always is the member."""

    __slots__ = ()
    __names__ = ()  # of the members; set on each generated class

    def __getitem__(self, name):
        if name not in type(self).__names__:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self):
        return iter(type(self).__names__)

    def __len__(self):
        return len(type(self).__names__)

    def __contains__(self, name):
        return name in type(self).__names__

    def keys(self):
        """The names of the members."""
        return list(type(self).__names__)

    def values(self):
        """What the members are, in their order."""
        return [getattr(self, name) for name in type(self).__names__]

    def items(self):
        """(name, what it is) of each member."""
        return [(name, getattr(self, name)) for name in type(self).__names__]

    def get(self, name, default=None):
        """The member of a name, default when there is none."""
        return getattr(self, name) if name in type(self).__names__ else default

    @property
    def localDict(self):
        """The members as a dict."""
        return dict(Value.items(self))

    def __eq__(self, other):
        if isinstance(other, Value):
            return Value.items(self) == Value.items(other)
        if isinstance(other, dict):
            return dict(Value.items(self)) == other
        if isinstance(other, tuple):
            return tuple(Value.values(self)) == other
        return NotImplemented

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(tuple(Value.values(self)))

    def __repr__(self):
        return "{%s}" % ", ".join("%r: %r" % item for item in Value.items(self))

    def __reduce__(self):
        extra = (percpu(self), getattr(self, "__raw__", None))
        return _rebuild, (type(self).__name__, type(self).__names__, Value.values(self)) + extra


_classes = {}


def _hash(names):
    """Value.__hash__ of a class with these members, whose objects are keys by the hundred thousand."""
    if not names:
        return Value.__hash__
    members = operator.attrgetter(*names)  # of one it is no tuple
    return (lambda value: hash((members(value),))) if len(names) == 1 else lambda value: hash(members(value))


def value_class(name, names, raw=False):
    """The class of a struct with these members; one class for one shape. raw: it also has .__raw__,
    the bytes that it was made of."""
    key = (name, tuple(names), raw)
    if key not in _classes:
        # Slots are set in a class without letters in its name: else Python would mangle __member.
        slots = tuple(names) + (("__raw__",) if raw else ())
        cls = type("_", (Value,), {"__slots__": slots, "__names__": tuple(names)})
        cls.__name__ = name
        cls.__hash__ = _hash(names)
        _classes[key] = cls
    return _classes[key]


def per_cpu_class(cls):
    """That class with .percpu; a member of that name hides it."""
    if cls not in _per_cpu_classes:
        extra = () if "percpu" in cls.__names__ else ("percpu",)
        _per_cpu_classes[cls] = type("_", (cls,), {"__slots__": extra})
        _per_cpu_classes[cls].__name__ = cls.__name__
    return _per_cpu_classes[cls]


_per_cpu_classes = {}


class Apart(object):
    """A key that reads as another key of its map does, whose bytes are other ones: in padding, or
    behind a NUL. It equals what has the same bytes, .__raw__, and nothing else."""

    __slots__ = ()

    def __eq__(self, other):
        return isinstance(other, Apart) and self.__raw__ == other.__raw__

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self.__raw__)

    def __reduce__(self):
        kind = type(self).__mro__[2]
        read, arguments = kind.__reduce__(self)[:2]
        return _apart_again, (kind if kind is Text else read, arguments, self.__raw__)


_apart_classes = {}


def apart(key, raw):
    """A key as an Apart; what is neither a struct nor text is its bytes."""
    if not isinstance(key, (Text, Value)):
        return raw
    kind = type(key)
    if kind not in _apart_classes:
        slots = ("__raw__",) if isinstance(key, Value) and not hasattr(kind, "__raw__") else ()
        _apart_classes[kind] = type("_", (Apart, kind), {"__slots__": slots} if isinstance(key, Value) else {})
        _apart_classes[kind].__name__ = kind.__name__
    cls = _apart_classes[kind]
    if isinstance(key, Text):
        value = cls.__new__(cls, key.raw)
    else:
        value = object.__new__(cls)
        for name in kind.__names__:
            setattr(value, name, getattr(key, name))
    value.__raw__ = raw
    return value


def _apart_again(read, arguments, raw):
    return apart(read(*arguments), raw)


def percpu(value):
    """The single values that one of a per-CPU map was made of; None for other values."""
    hidden = isinstance(value, Value) and "percpu" in type(value).__names__
    return None if hidden else getattr(value, "percpu", None)


def _rebuild(name, names, values, single, raw):
    cls = value_class(name, names, raw is not None)
    value = object.__new__(cls if single is None else per_cpu_class(cls))
    if single is not None:
        value.percpu = single
    if raw is not None:
        value.__raw__ = raw
    for member, content in zip(names, values):
        setattr(value, member, content)
    return value
