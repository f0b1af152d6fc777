"""CffiTrans: what scripts that use cffi get from it."""

import cffi
import pytest

from pylcc.lbcMaps import CffiTrans

ffi = cffi.FFI()
ffi.cdef("""
    enum color { RED, GREEN = 7 };
    struct inner { int a; char b; };
    struct outer {
        struct inner one, many[2];
        struct inner *link;
        struct { short x; union { int y; unsigned char z[4]; }; };
        long row[3], table[2][2];
        void *pointers[2];
        char name[8], names[2][4];
        unsigned char octet;
        double d;
        _Bool flag;
        enum color color;
        int bits : 3;
    };
    union both { unsigned long whole; unsigned char bytes[8]; };
""")
trans = CffiTrans(ffi)


@pytest.mark.parametrize("c, value", [("int", -5), ("unsigned long long", 1 << 63), ("char", b"c"), ("unsigned char", 200),
                                      ("double", 0.5), ("_Bool", True)])
def test_scalars(c, value):
    assert trans.value(ffi.new(c + " *", value)) == value


def test_arrays():
    assert trans.value(ffi.new("int[3]", [1, 2, 3])) == [1, 2, 3] and trans.value(ffi.new("int[2][2]", [[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    assert trans.value(ffi.new("char[8]", b"hello")) == "hello" and trans.value(ffi.new("unsigned char[2]", b"\1\xff")).raw == b"\1\xff"


def test_pointers():
    pointer = trans.value(ffi.new("void **", ffi.cast("void *", 0x1234)))
    assert pointer.startswith("point:") and pointer == 0x1234 and pointer == "point:void *"


def test_structs():
    data = ffi.new("struct outer *", {"one": (1, b"x"), "many": [(2, b"y"), (3, b"z")], "row": [4, 5, 6], "table": [[1, 2], [3, 4]],
                                      "name": b"command!", "names": [b"ab", b"cdef"], "octet": 255, "d": 0.25, "flag": True,
                                      "color": 7, "bits": -2})
    data.x, data.y = 7, 0x04030201
    e = trans.value(data)
    assert (e.one.a, e.one.b, e.many[1].a, e.many[1].b) == (1, "x", 3, "z") and e.one == (1, "x")
    assert e.link == "point:struct inner *" and e.link == 0 and e.pointers[1].startswith("point:void")
    assert (e.x, e.y, e.z) == (7, 0x04030201, [1, 2, 3, 4]) and e.row == [4, 5, 6] and e.table == [[1, 2], [3, 4]]
    assert e.name == "command!" and e.names == ["ab", "cdef"] and (e.octet, e.d, e.flag, e.color, e.bits) == (255, 0.25, True, 7, -2)
    assert list(e)[:3] == ["one", "many", "link"] and {e: 1}[e] == 1
    assert trans.value(ffi.new("union both *", {"whole": 0x0102})).bytes == [2, 1, 0, 0, 0, 0, 0, 0]
