"""C types as numpy has them. numpy is imported when one is first asked for."""

import sys

from pylcc import errors
from pylcc._compound import ArrayType, StructType
from pylcc._scalars import FloatType, IntType


_module = []  # or None


def numpy():
    """The module, or None where it is not installed."""
    if not _module:
        try:
            import numpy
        except ImportError:
            numpy = None
        _module.append(numpy)
    return _module[0]


def _needed():
    if numpy() is None:
        raise errors.InvalidArgsException("make an array of records: numpy is not installed (pip install numpy)")
    return numpy()


def dtype(kind):
    """The dtype of a C type: same size, members at their offsets, also those of anonymous members and
    unions. Bitfields and what has no bytes are not in it."""
    return _needed().dtype(_described(kind))


def _described(kind):
    if isinstance(kind, StructType):
        fields = [(m.name, start, _described(m.type)) for m, start in kind.fields() if m.type.size and not m.bits]
        names, offsets, formats = zip(*fields) if fields else ((), (), ())
        return {"names": list(names), "offsets": list(offsets), "formats": list(formats), "itemsize": kind.size}
    if isinstance(kind, ArrayType):
        return "S%d" % kind.size if kind.text else (_described(kind.element), (kind.count,))
    if isinstance(kind, IntType) and kind.char:
        return "S1"
    number = isinstance(kind, (IntType, FloatType)) and not kind.code.endswith("s")
    return "=" + kind.code if number else "V%d" % kind.size


def view(form, data, count, stride, start=0):
    """An array over bytes that hold such a value at start and every stride bytes from there."""
    one = numpy().empty((), form)  # of an array dtype it has the array's shape
    return numpy().ndarray((count,) + one.shape, one.dtype, data, start, (stride,) + one.strides)


def bitfield(member, start, data, count, stride):
    """The numbers that a bitfield holds, an array of its own; start: of the member's bytes."""
    module, total = numpy(), member.end - member.start
    octets = view(("u1", (total,)), data, count, stride, start).astype("u8")
    numbers = module.zeros(count, "u8")
    for i in range(total):
        shift = 8 * (i if sys.byteorder == "little" else total - 1 - i) - member.shift
        one = octets[:, i]
        numbers |= one << module.uint64(shift) if shift >= 0 else one >> module.uint64(-shift)
    numbers &= module.uint64(member.mask)
    if getattr(member.type, "signed", False):
        sign = module.uint64(1 << member.bits - 1)
        numbers = (numbers ^ sign) - sign
    return numbers.astype(_described(member.type))
