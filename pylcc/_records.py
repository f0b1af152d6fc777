"""What a buffer's records are: the value of one, out of memory, out of bytes, or out of a row."""

from pylcc import _numpy, errors
from pylcc._compound import StructType
from pylcc._values import Float, Int, integers

_SCALARS = dict([(kind, Int) for kind in integers] + [(float, Float)])


class Records(object):
    """read(buffer, offset) makes the value of a record of at least size bytes, from_row(row) that of
    what rows() has for it."""

    def __init__(self, kind):
        self.kind = kind
        self._dtype = None
        self.size = float("inf")  # of those that reach to the record's end
        if kind is not None:
            if not getattr(kind, "flexible", None):
                self.size = kind.size
            whole = isinstance(kind, StructType)
            self.read = kind.decode if whole else lambda buffer, offset=0: _event(kind.decode(buffer, offset))
            self.from_row = kind.from_row if whole else lambda row: _event(kind.from_row(row))

    def read_all(self, data):
        """The value of a record's bytes, however many."""
        if len(data) >= self.size:
            return self.read(data)
        return bytes(data) if self.kind is None else _event(self.kind.decode_short(data))

    def rows(self, buffer, offset, stride, count):
        """An iterator over the records there, unpacked in C."""
        return self.kind.rows(buffer, stride, offset, offset + count * stride)

    @property
    def dtype(self):
        if self._dtype is None:
            if self.kind is None:
                raise errors.InvalidArgsException("make an array of records: the object does not say what they are (give the map a type)")
            self._dtype = _numpy.dtype(self.kind)
        return self._dtype


def _event(value):
    """A number that is all of an event has .value."""
    return _SCALARS[type(value)](value) if type(value) in _SCALARS else value
