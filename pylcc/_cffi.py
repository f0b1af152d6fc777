"""cffi's values as ours, for scripts that use cffi themselves."""

from pylcc._values import Array, Char, Octets, Pointer, Text, value_class


class CffiTrans(object):
    """CffiTrans(ffi).value(x): what cffi points to, in the form that the values of maps have. ffi:
    cffi's FFI object, which knows the C types."""

    def __init__(self, ffi):
        self._ffi = ffi

    def value(self, e):
        """The value of e, an array, or of what e points to: as ffi.new makes them."""
        kind = self._ffi.typeof(e)
        return self._value(kind.item, e[0]) if kind.kind == "pointer" else self._value(kind, e)

    def _value(self, kind, e):
        return getattr(self, "_" + kind.kind, self._primitive)(kind, e)

    def _primitive(self, kind, e):
        return Char(e) if kind.cname == "char" else e

    def _enum(self, kind, e):
        return int(e) if isinstance(e, int) else int(self._ffi.cast("int", e))

    def _pointer(self, kind, e):
        value = Pointer(int(self._ffi.cast("uintptr_t", e)))
        value.text = "point:" + kind.cname
        return value

    def _array(self, kind, e):
        if kind.item.cname == "char":
            return Text(bytes(self._ffi.buffer(e)[:]))
        octets = kind.item.cname in ("signed char", "unsigned char")
        return (Octets if octets else Array)(self._value(kind.item, item) for item in e)

    def _struct(self, kind, e):
        members = list(self._members(kind, e))
        value = object.__new__(value_class(kind.cname, [name for name, _ in members]))
        for name, member in members:
            setattr(value, name, member)
        return value

    _union = _struct

    def _members(self, kind, e):
        for name, field in kind.fields or ():
            if not name:  # anonymous: its members are the outer one's
                for inner in self._members(field.type, e):
                    yield inner
            else:
                yield name, self._value(field.type, getattr(e, name))
