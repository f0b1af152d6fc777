"""Many records at once: as columns, as an array of numpy, or one by one."""

from itertools import chain

from pylcc import _numpy, errors
from pylcc._compound import ArrayType
from pylcc._lib import number, which
from pylcc._scalars import EnumType, PointerType, map, rows
from pylcc._values import texts


class Batch(object):
    """Records that came together from one CPU, in order and of equal size. It is a copy, which stays valid.

    cpu      where they come from; -1 for those of a ring buffer
    lost     how many the kernel dropped before the first; there may be none behind a loss
    data     a memoryview of their bytes, read-only: batch[i] is at i * stride, and has size of them
    len()    how many there are

    batch[i], batch[i:j] and iteration give values as ClbcBase.getMap does, batch["name"] a column.

    Where numpy is installed a column is an array over data, without a copy; that of a bitfield is
    made. Else it is a list of the same values: integers, also of enums, pointers and bool; floats; char
    arrays as bytes without the NULs at their end, but with what lies behind an earlier one, where a value
    is text up to the first: programs should clear them; arrays and structs in a struct as values have them.
    It is a list also for what has no dtype (a flexible array), and where the records are shorter than
    their type: what is missing reads None. KeyError: the records have no such member."""

    __slots__ = ("cpu", "lost", "size", "stride", "data", "_bytes", "_count", "_records", "_array")

    def __init__(self, run, count, data, records):
        self.cpu, self.size, self.stride = run.cpu, run.size, run.stride
        if not run.count and records.kind is not None:
            self.size = self.stride = records.kind.size
        self.lost = run.lost if count == run.count else 0  # else it was told before
        self.data = memoryview(data)
        self._bytes, self._count, self._records, self._array = data, count, records, None

    def __len__(self):
        return self._count

    def __iter__(self):
        if self.size < self._records.size:
            return map(self._value, range(self._count))
        return map(self._records.from_row, self._records.rows(self._bytes, 0, self.stride, self._count))

    def __getitem__(self, item):
        if isinstance(item, texts):
            return self._column(item)
        if isinstance(item, slice):
            return [self._value(i) for i in range(*item.indices(self._count))]
        i = number(item, "the index of a record")
        if not -self._count <= i < self._count:
            raise IndexError("record %d of %d" % (i, self._count))
        return self._value(i % self._count)

    @property
    def array(self):
        """All records as a structured array of numpy over data, read-only and without a copy; its dtype
        is CmapsEvent.dtype. What is not in it: bitfields, which are columns, and flexible arrays.

        Raises InvalidArgsException where numpy is not installed, where the object does not say what the
        records are, and when they are shorter than that."""
        if self._array is None:
            form, kind = self._records.dtype, self._records.kind
            if self.size < kind.size:
                raise errors.InvalidArgsException("make an array of records: they have %d bytes, %s has %d (their values read None "
                                                  "for what is missing)" % (self.size, kind.name or "their type", kind.size))
            self._array = _numpy.view(form, self._bytes, self._count, self.stride)
        return self._array

    def _value(self, i):
        at = i * self.stride
        if self.size >= self._records.size:
            return self._records.read(self._bytes, at)
        return self._records.read_all(self._bytes[at:at + self.size])

    def _column(self, name):
        fields = list(getattr(self._records.kind, "fields", tuple)())
        member, start = next(((m, start) for m, start in fields if m.name == name), (None, None))
        if member is None:
            names = [m.name for m, _ in fields]
            raise KeyError("read column %s: the records have no such member (%s)" % (name, which(name, names, "they have")))
        if self.size < self._records.kind.size or not member.type.size:
            return [getattr(value, name) for value in self]
        if _numpy.numpy() is None:
            return list(self._items(member, start))
        if member.bits:
            return _numpy.bitfield(member, start, self._bytes, self._count, self.stride)
        return self.array[member.name]

    def _items(self, member, start):
        """A column's values, without numpy."""
        size, kind = member.end - member.start, member.type
        code = "%ds" % size if member.bits else kind.code
        items = (item for item, in rows("=%dx%s%dx" % (start, code, self.stride - start - size), self._bytes))
        if member.bits:
            return map(member.bitfield, items)
        if getattr(kind, "char", False) or isinstance(kind, ArrayType) and kind.text:
            return (item.rstrip(b"\0") for item in items)
        return items if kind.convert is None or isinstance(kind, (EnumType, PointerType)) else map(kind.convert, items)


class Batches(chain):
    """An iterator over batches, made of iterators over one each (from_iterable); also for async for.

    A chain takes a batch in one step, in C: a signal comes before it was handed out, or after."""

    def __aiter__(self):
        return self.asynchronous()
