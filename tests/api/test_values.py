"""Values as Python objects: what C has becomes what a script expects, whatever the era it is from."""

import copy
import ctypes
import json
import pickle
import struct

import pytest

from programs import load, mine
from pylcc import errors
from pylcc.lbcBase import ClbcBase

SOURCE = r"""
#include "lbc.h"
typedef char letters[8];
enum color { RED, GREEN = 7, BLUE = -2 };
enum wide { SMALL = 1, LARGE = 0xfedcba9876543210ULL };
struct inner { int a; struct { short b; char c; }; };
struct hides { u32 count, keys, values, items, get, type, value, name, percpu, localDict, None, class, __x, __class__; };
struct bits { u32 a : 3; s32 b : 5; u64 c : 40; _Bool d : 1; u8 : 0; enum color e : 8; } __attribute__((packed));
union both { u64 whole; u8 parts[8]; struct { u32 low, high; }; };
struct all {
    u8 one;
    volatile const s8 minus;
    char letter;
    _Bool flag;
    u16 words[2][3];
    unsigned __int128 huge;
    __int128 negative;
    float f;
    double d;
    enum color color;
    enum wide wide;
    struct task_struct *task;
    void *nothing;
    char name[8];
    letters lines[2];
    u8 octets[4];
    signed char small[2];
    struct inner inner, inners[2];
    union both both;
    struct bits bits;
    struct { u8 x; u64 y; } __attribute__((packed)) packed;
    struct { u8 x; } __attribute__((aligned(32))) aligned;
    long double precise;
    _Bool flags[2];
    struct { } empty;
    u32 none[0];
};
struct flexible { u32 n; u16 items[]; };
struct text_t { u32 n; char text[]; };
LBC_PERF_OUTPUT(all, struct all, 4);
LBC_PERF_OUTPUT(hides, struct hides, 4);
LBC_PERF_OUTPUT(flexible, struct flexible, 4);
LBC_PERF_OUTPUT(text, struct text_t, 4);
struct greeting_t { u8 octets[8]; signed char small[8]; };
LBC_PERF_OUTPUT(greeting, struct greeting_t, 4);
struct pair_t { u64 first, second; };
LBC_PERF_OUTPUT(pair, struct pair_t, 4);
LBC_PERF_OUTPUT(number, u64, 4);
LBC_PERF_OUTPUT(real, double, 4);
LBC_PERF_OUTPUT(one_char, char, 4);
LBC_PERF_OUTPUT(command, letters, 4);
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } untyped SEC(".maps");
const volatile int sizes[2] = { sizeof(struct all), __builtin_offsetof(struct all, aligned) };
SEC("raw_tracepoint/sched_process_fork") int nothing(void *ctx) { return sizes[bpf_get_smp_processor_id() & 1]; }
char _license[] SEC("license") = "GPL";
"""


@pytest.fixture(scope="module")
def maps(tmpdir_factory):
    with load(tmpdir_factory.mktemp("values"), mine(SOURCE), attach=0) as lbc:
        yield lbc.maps


@pytest.fixture
def e(maps):
    """struct all with content in each member, at the offsets of the C compiler of this Python's ctypes."""
    size, aligned = maps[".rodata"][0].sizes
    data = bytearray(size)
    assert aligned % 32 == 0

    def put(at, layout, *values):
        struct.pack_into("=" + layout, data, at, *values)

    put(0, "Bbc?", 200, -3, b"x", True)
    put(4, "6H", 1, 2, 3, 4, 5, 6)
    put(16, "QQ", 5, 1 << 63)
    put(32, "qq", -2, -1)
    put(48, "f", 0.5)
    put(56, "d", -0.25)
    put(64, "i", -2)
    put(72, "Q", 0xfedcba9876543210)
    put(80, "QQ", 0xffff888000001234, 0)
    put(96, "8s16s", b"command!", b"one\0\0\0\0\0two\0xxxx")
    put(120, "4B2b", 1, 2, 3, 255, -1, 5)
    put(128, "ihcxihcxihcx", 1, 2, b"a", 3, 4, b"b", 5, 6, b"c")
    put(152, "Q", 0x0807060504030201)
    # packed bits: a=5 b=-2 c=0x123456789a d=1, then e=-2 in the next byte
    bits = 5 | (-2 & 31) << 3 | 0x123456789a << 8 | 1 << 48
    put(160, "Q", bits | 0xfe << 56)
    put(168, "BQ", 9, 10)
    put(aligned, "B", 77)
    put(aligned + 32, "d", 1.5)
    put(aligned + 40, "??", False, True)
    return maps["all"].event(bytes(data))


def test_every_kind(e):
    assert (e.one, e.minus, e.letter, e.flag) == (200, -3, "x", True) and e.flag is True
    assert e.words == [[1, 2, 3], [4, 5, 6]] == e["words"]
    assert e.huge == 5 + (1 << 127) and e.negative == -2
    assert (e.f, e.d, e.precise) == (0.5, -0.25, 1.5)
    assert e.color == -2 and e.color.name == "BLUE" and e.wide == 0xfedcba9876543210 and e.wide.name == "LARGE"
    assert e.task == 0xffff888000001234 == int(e.task) and e.nothing == 0 and not e.nothing
    assert e.task == "point:struct task_struct *" == e.task.text and e.task.startswith("point:struct")
    assert str(e.task) == (str(0xffff888000001234) if str is bytes else "point:struct task_struct *")
    for layout, text in [("%d", "18446612682070037044"), ("%x", "ffff888000001234"), ("%r", "<point:struct task_struct * 0xffff888000001234>")]:
        assert layout % e.task == text
    assert json.dumps([e.task, {"nothing": e.nothing}]) == '[18446612682070037044, {"nothing": 0}]'
    assert e.name == "command!" and e.lines == ["one", "two"] and e.lines[1].raw == b"two\0xxxx"
    assert e.octets == [1, 2, 3, 255] and e.octets.raw == b"\1\2\3\xff" and e.small == (-1, 5) and e.small.raw == b"\xff\5"
    assert (e.inner.a, e.inner.b, e.inner.c) == (1, 2, "a") == e.inner
    assert [i.a for i in e.inners] == [3, 5] and e.inners[1].c == "c"
    assert e.both.whole == 0x0807060504030201 and e.both.parts == [1, 2, 3, 4, 5, 6, 7, 8] and e.both.high == 0x08070605
    b = e.bits
    assert (b.a, b.b, b.c, b.d, b.e) == (5, -2, 0x123456789a, True, -2) and b.d is True and b.e.name == "BLUE"
    assert e.packed == (9, 10) and e.aligned.x == 77 and e.flags == [False, True]
    assert e.empty == {} and e.none == []


def test_it_is_a_mapping_in_the_order_of_the_declaration(e):
    names = list(e)
    assert names[:4] == ["one", "minus", "letter", "flag"] and len(e) == len(names) == len(e.keys())
    assert "one" in e and "two" not in e and e["one"] == 200 and e.get("two", 5) == 5 and e.get("one") == 200
    assert e.items()[0] == ("one", 200) and e.values()[1] == -3
    assert dict(e) == e == e.localDict and e == tuple(e.values())
    with pytest.raises(KeyError):
        e["two"]
    with pytest.raises(AttributeError):
        e.two
    assert repr(e.inner) == "{'a': 1, 'b': 2, 'c': 'a'}" == str(e.inner)


def test_it_hashes_and_copies_by_content(e):
    for other in [copy.copy(e), copy.deepcopy(e)] + [pickle.loads(pickle.dumps(e, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)]:
        assert other == e and hash(other) == hash(e) and {e: 1}[other] == 1 and list(other) == list(e)
        assert other.color.name == "BLUE" and other.task == "point:struct task_struct *" and other.name.raw == b"command!"
        assert other.octets.raw == b"\1\2\3\xff" and other.letter == "x" and other.inner.b == 2
    changed = copy.deepcopy(e)
    changed.inner.b = 3
    assert changed != e and changed.inner != e.inner and e.inner.b == 2
    assert {(1, 2, "a"): "found"}[e.inner] == "found"


def test_members_win_over_methods(maps):
    names = ["count", "keys", "values", "items", "get", "type", "value", "name", "percpu", "localDict", "None", "class", "__x"]
    h = maps["hides"].event(struct.pack("=14I", *range(14)))
    for number, name in enumerate(names):
        assert getattr(h, name) == number == h[name]
    assert h["__class___"] == 13 and list(h) == names + ["__class___"]
    again = pickle.loads(pickle.dumps(h))
    assert again == h and hash(again) == hash(h) and repr(h).startswith("{'count': 0, 'keys': 1,") and len(h) == 14
    assert h == tuple(range(14)) and "keys" in h


def test_text(e):
    assert e.name.decode() == e.name.decode("utf-8", errors="ignore") == "command!" and e.name == b"command!" and b"command!" == e.name
    assert e.name != b"command" and e.lines[1] == b"two" and "%s" % e.name == "command!" and e.name in ["command!"]
    assert {"command!": 1}[e.name] == 1 and hash(e.name) == hash("command!")
    assert e.letter == "x" and e.letter == b"x" and len(e.letter) == 1 and int(e.letter) == 120


def test_text_of_unsigned_char(maps):
    text = maps["greeting"].event(struct.pack("=8s8b", b"hello", *bytearray(b"world\0\0\0")))
    assert text.small == [119, 111, 114, 108, 100, 0, 0, 0] and text.octets[0] == 104
    assert ClbcBase.c2str(text.octets) == "hello" and ClbcBase.c2str(text.small) == "world"
    assert ClbcBase.c2str(maps["greeting"].event(b"\xff" * 16).small).raw == b"\xff" * 8


def test_text_that_is_not_utf8(maps):
    raw = b"caf\xe9 \xc3\xa9\0"
    text = maps["command"].event(raw)
    assert text.raw == raw
    assert text == (b"caf\xe9 \xc3\xa9" if str is bytes else u"caf\\xe9 \xe9")
    assert maps["one_char"].event(b"\0") == "" and len(maps["one_char"].event(b"\xe9")) == 1 and int(maps["one_char"].event(b"\xe9")) == 233


def test_events_that_are_scalars_have_value(maps):
    n = maps["number"].event(struct.pack("=Q", 1 << 63))
    assert n == 1 << 63 == n.value and n + 1 == n.value + 1 and repr(n) == "9223372036854775808" == "%s" % n
    assert maps["real"].event(struct.pack("=d", 2.5)).value == 2.5 == maps["real"].event(struct.pack("=d", 2.5))
    assert pickle.loads(pickle.dumps(n)) == n


def test_what_a_short_record_lacks_reads_none(maps, e):
    record = struct.pack("=Bbc?", 1, 2, b"c", True)
    for length in range(len(record)):
        short = maps["all"].event(record[:length])
        assert [short[name] for name in ("one", "minus", "letter", "flag")] == [1, 2, "c", True][:length] + [None] * (4 - length)
        assert short.words is short.task is short.name is short.inner is short.bits is None and short.both is None
    assert maps["number"].event(b"\1\2") is None and maps["number"].event(b"") is None
    data = bytearray(132)
    data[128] = 6
    short = maps["all"].event(data)
    assert short.inner == (6, None, None) and short.inners is None and short.octets == [0] * 4
    data += bytearray(24)
    assert maps["all"].event(data).both == {"whole": None, "parts": None, "low": 0, "high": None}
    assert repr(short.inner) == "{'a': 6, 'b': None, 'c': None}" and hash(short) == hash(copy.copy(short))


def test_what_a_long_record_has_more_is_the_flexible_array(maps):
    assert maps["number"].event(struct.pack("=Q", 5) + b"rest") == 5
    record = struct.pack("=I3H", 3, 10, 20, 30)
    assert maps["flexible"].event(record).items == [10, 20, 30]
    assert maps["flexible"].event(record + b"\1").items == [10, 20, 30]
    assert maps["flexible"].event(record[:4]).items == [] and maps["flexible"].event(record[:3]).n is None
    text = maps["text"].event(b"\5\0\0\0hello\0\0\0")
    assert text.text == "hello" and text.text.raw == b"hello\0\0\0"


def test_padding_of_the_kernel_is_no_content(maps):
    """A record of 8 bytes arrives with 12: its size is rounded up, to 8 less 4."""
    assert maps["command"].event(b"command!" + b"\0" * 4) == "command!" and maps["pair"].event(struct.pack("=QQI", 1, 2, 3)) == (1, 2)


def test_records_without_a_type_are_bytes(maps):
    assert maps["untyped"].event(b"\1\2\3") == b"\1\2\3"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: ctypes.create_string_buffer(data, len(data))])
def test_what_a_record_may_be_given_as(maps, kind):
    assert maps["number"].event(kind(struct.pack("=Q", 5))) == 5


@pytest.mark.parametrize("wrong", [None, object(), 1.5, u"text", [300], {"ab": 1}])
def test_what_a_record_may_not_be_given_as(maps, wrong):
    with pytest.raises(errors.InvalidArgsException) as raised:
        maps["number"].event(wrong)
    assert "decode a record of number: " in str(raised.value) and "neither an address nor bytes" in str(raised.value)
