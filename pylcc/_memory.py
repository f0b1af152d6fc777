"""Bytes as a script has them: in an object of Python, or where a pointer of ctypes or cffi points to."""

import ctypes as ct
import sys

from pylcc._values import integers

_POINTERS = (ct.c_void_p, ct.c_char_p, ct.c_wchar_p, ct._Pointer, ct._CFuncPtr)


def octets(data):
    """Bytes out of bytes, a bytearray, memoryview, array or struct of ctypes, array of cffi, or a
    list of numbers; None for what holds no bytes of its own, such as a pointer."""
    if isinstance(data, bytes):
        return data
    try:
        if isinstance(data, (list, tuple)):
            return bytes(bytearray(data))
        backend = _cffi(data)
        if backend is not None:
            return backend.buffer(data)[:] if backend.typeof(data).kind == "array" else None
        return None if isinstance(data, _POINTERS) else memoryview(data).tobytes()
    except (TypeError, ValueError):
        return None


def address(data):
    """What a pointer of ctypes or cffi points to, or an integer itself; None for what is neither."""
    if isinstance(data, integers):
        return data
    if isinstance(data, _POINTERS):
        return ct.cast(data, ct.c_void_p).value or 0
    backend = _cffi(data)
    if backend is not None and backend.typeof(data).kind == "pointer":
        return int(backend.cast(backend.new_primitive_type("uintptr_t"), data))
    return None


def _cffi(data):
    """The module behind cffi, where data is a value of it: the script has imported it then."""
    backend = sys.modules.get("_cffi_backend")
    return backend if backend is not None and isinstance(data, backend.FFI.CData) else None
