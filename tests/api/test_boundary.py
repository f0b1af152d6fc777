"""lcc.h, the SIGNATURES of _lib.py and the exports of liblcc.so say the same."""

import ctypes as ct
import os
import re
import select
import struct

import pytest

from programs import FORKS, fork_once, mine
from pylcc import _lib, errors
from pylcc._session import make

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "capi", "lcc.h")
CTYPES = {"lcc_handle": ct.c_int64, "int32_t": ct.c_int32, "uint32_t": ct.c_uint32, "uint64_t": ct.c_uint64,
          "lcc_str": ct.c_char_p}


def prototypes():
    with open(HEADER) as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    found = re.findall(r"^(void|lcc_error \*)\s*(lcc_\w+)\(([^)]*)\);", text, flags=re.M)
    return [(name, result, [" ".join(a.split()) for a in arguments.split(",")]) for result, name, arguments in found]


def test_signatures_match_the_header():
    found = prototypes()
    assert sorted(name for name, _, _ in found) == sorted(_lib.SIGNATURES)
    for name, result, arguments in found:
        restype, argtypes = _lib.SIGNATURES[name]
        assert (restype is None) == (result == "void"), name
        assert len(argtypes) == len(arguments), name
        for argument, argtype in zip(arguments, argtypes):
            plain = argument.rpartition(" ")[0]
            if plain in CTYPES and "*" not in argument:
                assert argtype is CTYPES[plain], (name, argument)
            else:
                assert argtype in (ct.c_char_p, ct.c_void_p) or hasattr(argtype, "contents"), (name, argument)


def test_codes_match_the_header():
    with open(HEADER) as f:
        codes = re.search(r"enum lcc_code \{(.*?)\};", f.read(), flags=re.S).group(1)
    assert len(re.findall(r"\bLCC_\w+", re.sub(r"/\*.*?\*/", "", codes, flags=re.S))) == len(_lib._EXCEPTIONS)


def test_a_stale_or_foreign_handle_is_an_error(tmpdir):
    for number in (0, -1, 1 << 40):
        with pytest.raises(errors.InvalidArgsException) as e:
            _lib.call("lcc_close", number)
        assert "handle" in str(e.value)
    artefact, _ = make(name="t", source=mine(FORKS), work=str(tmpdir))
    number, text = ct.c_int64(0), ct.c_void_p()
    _lib.call("lcc_load", artefact, len(artefact), b"{}", ct.byref(number))
    _lib.call("lcc_close", number)
    for name, arguments in ("lcc_close", ()), ("lcc_describe", (ct.byref(text),)), ("lcc_map_clear", (0,)):
        with pytest.raises(errors.ClosedException) as e:
            _lib.call(name, number, *arguments)
        assert "closed" in str(e.value)


def test_a_reader_has_a_descriptor_for_event_loops(tmpdir):
    artefact, _ = make(name="t", source=mine(FORKS), work=str(tmpdir))
    session, reader, fd = ct.c_int64(0), ct.c_int64(0), ct.c_int32(-1)
    _lib.call("lcc_load", artefact, len(artefact), b"{}", ct.byref(session))
    _lib.call("lcc_events_open", session, 0, 0, ct.byref(reader))
    _lib.call("lcc_events_fd", reader, ct.byref(fd))
    buffer, runs, count = ct.create_string_buffer(4096), (_lib.Run * 4)(), ct.c_uint32(0)
    for _ in range(3):
        child = fork_once()
        assert select.select([fd.value], [], [], 30)[0] == [fd.value]
        _lib.call("lcc_events_read", reader, buffer, len(buffer), 0, runs, 4, ct.byref(count))
        assert (count.value, runs[0].count) == (1, 1)
        assert struct.unpack_from("=II", buffer, runs[0].offset) == (os.getpid(), child)
    _lib.call("lcc_close", session)
    with pytest.raises(errors.ClosedException):
        _lib.call("lcc_events_fd", reader, ct.byref(fd))


def test_an_unknown_option_is_an_error():
    with pytest.raises(errors.InvalidArgsException) as e:
        _lib.call("lcc_make", b'{"nmae": "x"}', None, ct.byref(_lib.Made()))
    assert "nmae" in str(e.value)


def test_garbage_is_an_error():
    number = ct.c_int64(0)
    for data in (b"", b"\x7fELF", b"x" * 1000):
        with pytest.raises(errors.InvalidArgsException):
            _lib.call("lcc_load", data, len(data), b"{}", ct.byref(number))
        assert number.value == 0
