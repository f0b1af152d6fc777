"""The Python objects that C values become. All are copies: they outlive the callback."""

integers = (int,) if str is not bytes else (int, long)  # noqa: F821
integer = integers[-1]


class Int(integer):
    """An integer that is a whole event or a sum: also .value, and .percpu for per-CPU maps."""

    @property
    def value(self):
        return integer(self)

    def __repr__(self):
        return integer.__repr__(self).rstrip("L")

    __str__ = __repr__


class Enum(Int):
    """An enum's integer with the enumerator as .name, None for a number that has no name."""
    name = None


class Pointer(Int):
    """A pointer: the address. Printed, and compared with text, it is "point:TYPE *"."""
    text = "point:void *"

    def __repr__(self):
        return self.text

    __str__ = __repr__

    def __eq__(self, other):
        if isinstance(other, str):
            return self.text == other
        return integer(self) == other

    def __ne__(self, other):
        return not self == other

    __hash__ = integer.__hash__

    def startswith(self, prefix):
        return self.text.startswith(prefix)


class Text(str):
    """Text of a char array up to its NUL, with the whole array as .raw."""

    def __new__(cls, raw):
        text = raw.partition(b"\0")[0]
        self = str.__new__(cls, text if str is bytes else text.decode("utf-8", "backslashreplace"))
        self.raw = raw
        return self

    def decode(self, *_):
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
        return Text, (self.raw,)


class Array(list):
    """A C array: a list that is hashable and equals a tuple of the same items."""

    def __eq__(self, other):
        return tuple(self) == tuple(other) if isinstance(other, (list, tuple)) else NotImplemented

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(tuple(self))


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
        return list(type(self).__names__)

    def values(self):
        return [getattr(self, name) for name in type(self).__names__]

    def items(self):
        return [(name, getattr(self, name)) for name in type(self).__names__]

    def get(self, name, default=None):
        return getattr(self, name) if name in type(self).__names__ else default

    @property
    def localDict(self):
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
        return _rebuild, (type(self).__name__, type(self).__names__, Value.values(self))


_classes = {}


def value_class(name, names):
    """The class of a struct with these members; one class for one shape."""
    key = (name, tuple(names))
    if key not in _classes:
        # Slots are set in a class without letters in its name: else Python would mangle __member.
        cls = type("_", (Value,), {"__slots__": tuple(names), "__names__": tuple(names)})
        cls.__name__ = name
        _classes[key] = cls
    return _classes[key]


def _rebuild(name, names, values):
    value = object.__new__(value_class(name, names))
    for member, content in zip(names, values):
        setattr(value, member, content)
    return value
