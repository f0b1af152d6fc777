"""Maps as Python changes them, and the kinds that no macro makes."""

import copy
import os
import pickle
import socket
import struct

import pytest

from programs import counters, load, mine, on_getppid
from pylcc import errors, lbcMaps

KINDS = r"""
#include "lbc.h"
struct key_t { u32 pid; char name[8]; };
struct value_t { u64 count; s16 minus; char comm[16]; u8 octets[3]; u32 bits : 4; float f; };
struct prefix_t { u32 length; u8 address[4]; };
struct bpf_map_def SEC("maps") old = { .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 4 };
struct bpf_map_def SEC("maps") told = { .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 24, .max_entries = 4 };
struct ____btf_map_told { u32 key; struct { u64 a; u16 rest[]; } value; };
struct ____btf_map_told __attribute__((section(".maps.told"), used)) ____btf_map_told = {};
LBC_HASH(m, struct key_t, struct value_t, 1 << 4);
LBC_HASH(numbers, s32, u64, 10000);
LBC_HASH(letters, u8, char, 8);
LBC_HASH(pointers, struct dentry *, int, 8);
LBC_HASH(rows, u16, u32, 4);
LBC_LRU_HASH(lru, u64, u8, 8);
LBC_ARRAY(a, u32, int, 3);
LBC_PERCPU_ARRAY(pa, u32, u32, 3);
LBC_PERCPU_HASH(ph, u32, struct value_t, 3);
LBC_STACK(stacks, 16);
LBC_HIST2(hist);
LBC_PERCPU_ARRAY(words, u32, u64, 2);
struct twice_t { u32 x[2]; };
typedef u32 pair_t[2];
LBC_PERCPU_HASH(pairs, u32, pair_t, 3);
#define MAP(KIND, NAME, N, ...) struct { __uint(type, KIND); __uint(max_entries, N); __VA_ARGS__ } NAME SEC(".maps")
MAP(BPF_MAP_TYPE_QUEUE, queue, 2, __type(value, struct key_t););
MAP(BPF_MAP_TYPE_STACK, pile, 3, __type(value, u32););
MAP(BPF_MAP_TYPE_LPM_TRIE, trie, 8, __uint(map_flags, 1); __type(key, struct prefix_t); __type(value, u32););
MAP(BPF_MAP_TYPE_PROG_ARRAY, jumps, 4, __uint(key_size, 4); __uint(value_size, 4););
MAP(BPF_MAP_TYPE_SOCKHASH, cookies, 4, __type(key, u32); __type(value, u64););
MAP(BPF_MAP_TYPE_SOCKMAP, sockets, 4, __type(key, u32); __type(value, u32););
MAP(BPF_MAP_TYPE_CGROUP_ARRAY, groups, 4, __uint(key_size, 4); __uint(value_size, 4););
MAP(BPF_MAP_TYPE_RINGBUF, ring, 4096);
struct inner_t { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, u32); __type(value, u64); } inside SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 4); __type(key, u32); __array(values, struct inner_t); } outer SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, u32); __array(values, struct inner_t); }
	nested SEC(".maps") = { .values = { [2] = &inside } };
u64 global = 5;
int counted;
const volatile char fixed[8] = "fixed";
SEC("raw_tracepoint/sched_process_fork") int nothing(void *ctx)
{
	static u32 hidden;
	hidden += fixed[bpf_get_smp_processor_id() & 7];
	counted += global + hidden;
	return 0;
}
char _license[] SEC("license") = "GPL";
"""


@pytest.fixture(scope="module")
def lbc(tmpdir_factory):
    with load(tmpdir_factory.mktemp("tables"), KINDS, attach=0) as lbc:
        yield lbc


@pytest.fixture
def maps(lbc):
    return lbc.maps


def refused(call, *says):
    with pytest.raises(errors.InvalidArgsException) as raised:
        call()
    for word in says:
        assert word in str(raised.value), str(raised.value)
    assert "\n" not in str(raised.value)


class Key(object):
    pid, name = 3, "three"


class Callbacks(object):
    cb = staticmethod(repr)


def test_a_table_is_a_dict(maps):
    m = maps["m"]
    m.clear()
    assert m and len(m) == 0 and list(m) == [] == m.items() == m.keys() == m.values()
    m[1, "one"] = {"count": 1, "comm": "sh"}
    m[{"pid": 2, "name": b"two"}] = (2, -2, "bash", [1, 2, 3], 15, 0.5)
    m[Key] = m[1, "one"]
    m[b"\4\0\0\0four\0\0\0\0"] = {"minus": -1}
    assert len(m) == 4 and (2, "two") in m and (2, "tw") not in m and Key in m
    assert m[2, "two"] == (2, -2, "bash", (1, 2, 3), 15, 0.5) and m[Key].comm == "sh" and m[4, "four"].minus == -1
    assert sorted(k.name for k in m) == ["four", "one", "three", "two"] and len(m.keys()) == len(m.values()) == 4
    assert dict(m.items()) == m.get() == dict((k, m[k]) for k in m)
    for key in list(m):
        del m[key]
    assert m.get() == {}
    for call in (lambda: m[1, "one"], lambda: m.__delitem__((1, "one"))):
        with pytest.raises(KeyError):
            call()


PADDED = r"""
#include "lbc.h"
struct padded_t { u8 a; u32 b; };
struct named_t { u32 a; char name[8]; };
union either_t { u32 a; struct { u8 low; u32 high; }; };
typedef char name_t[8];
typedef char names_t[2][4];
LBC_HASH(padded, struct padded_t, u32, 8);
LBC_HASH(named, struct named_t, u32, 8);
LBC_HASH(either, union either_t, u32, 8);
LBC_HASH(text, name_t, u32, 8);
LBC_HASH(texts, names_t, u32, 8);
LBC_HASH(flags, _Bool, u32, 8);
SEC("raw_tracepoint/sched_process_fork") int nothing(void *ctx) { return 0; }
char _license[] SEC("license") = "GPL";
"""


@pytest.mark.parametrize("name, keys, reads", [
    ("padded", [b"\1xyz\2\0\0\0", b"\1\0\0\0\2\0\0\0", b"\1zyx\2\0\0\0"], (1, 2)),
    ("named", [b"\1\0\0\0sh\0one\0\0", b"\1\0\0\0sh\0\0\0\0\0\0", b"\1\0\0\0sh\0two\0\0"], (1, "sh")),
    ("either", [b"\1xyz\2\0\0\0", b"\1\0\0\0\2\0\0\0", b"\1zyx\2\0\0\0"], None),
    ("text", [b"sh\0one\0\0", b"sh\0\0\0\0\0\0", b"sh\0two\0\0"], "sh"),
    ("texts", [b"sh\0ab\0\0\0", b"sh\0\0b\0\0\0", b"sh\0ab\0\0b"], None),
    ("flags", [b"\1", b"\2", b"\3"], True)])
def test_keys_that_read_alike(tmpdir, name, keys, reads):
    """A map keeps as many entries in Python as it has in the kernel, and each key finds its own."""
    with load(tmpdir, PADDED, attach=0) as lbc:
        m = lbc.maps[name]
        m._session.update(m._index, b"".join(keys), struct.pack("=3I", 10, 20, 30), 3)  # as a program does
        entries = m.get()
        assert len(entries) == 3 == len(m.items()) == len(set(m)) == len(m) and set(m) == set(entries) == set(k for k, _ in m.items())
        assert sorted(entries.values()) == [10, 20, 30] == sorted(m.values()) == sorted(v for _, v in m.items())
        assert m.get() == entries and pickle.loads(pickle.dumps(entries, 2)) == entries == copy.deepcopy(entries)
        if reads:
            assert [entries[k] for k in entries if k == reads] == [10 if name == "flags" else 20]
        for key in [k for k in entries if hasattr(k, "__raw__") and name != "either"]:
            assert keys.index(key.__raw__) * 10 + 10 == entries[key] == m[key] == m.getKeyValue(key) and key in m
            assert (key.a, repr(key)) == (1, repr(min(entries, key=repr))) if name in ("padded", "named") else "%s" % key == "sh"
            m[key] = 7
            del m[key]
            assert key not in m
            m[key] = entries[key]
        assert m.getThenClear() == entries and m.get() == {}


def test_what_does_not_fit_is_refused(maps):
    m = maps["m"]
    for value, says in [({"count": -1}, "-1: it is not between 0 and 18446744073709551615"),
                        ({"count": 1 << 64}, "not between 0 and"),
                        ({"minus": 40000}, "it is not between -32768 and 32767"), ({"minus": "x"}, "an integer is needed"),
                        ({"bits": 16}, "it is not between 0 and 15"), ({"comm": "x" * 17}, "it has 17 bytes, the array 16"),
                        ({"comm": 5}, "text or bytes are needed"), ({"octets": [1, 2, 3, 4]}, "it has 4 items, the array 3"),
                        ({"octets": [256]}, "it is not between 0 and 255"), ({"octets": 1}, "a sequence of at most 3 items"),
                        ({"f": "x"}, "a number of that size is needed"), ({"nope": 1}, "no member nope (it has count, minus,"),
                        ((1,) * 7, "it has 7 items, the struct 6 members"), (5, "a tuple, a dict or an object with members count"),
                        (None, "a tuple, a dict"), (b"short", "it has 5 bytes, not 40")]:
        refused(lambda: m.update({(1, "x"): value}), "make a C ", says)
    refused(lambda: m.getKeyValue(5), "a tuple, a dict")
    refused(lambda: maps["numbers"].update({1 << 31: 1}), "make a C s32 of 2147483648: it is not between -2147483648 and 2147483647")
    refused(lambda: maps["rows"].update([(-1, 1)]), "-1: it is not between 0 and 65535")
    assert maps["rows"].getKeyValue(-1) is None and -14 not in maps["rows"]
    maps["rows"][65535] = 9
    assert maps["rows"].getKeyValue(-1) == 9
    del maps["rows"][-1]
    assert m.get() == {} == maps["rows"].get()


def test_many_at_once(maps):
    m = maps["numbers"]
    content = dict((i - 2000, i * 7) for i in range(5000))
    m.update(content)
    assert m.get() == content and len(m) == 5000 and set(m) == set(content)
    m.update([(0, 1), (0, 2)])
    assert m[0] == 2
    m.update({})
    refused(lambda: m.update(dict((i, 0) for i in range(3000, 30000))), "update map numbers: it is full (max_entries 10000)")
    m.clear()
    assert len(m) == 0


def test_keys_and_values_of_few_bytes(maps):
    maps["letters"].update({1: "a", 2: b"b", 3: 99})
    assert maps["letters"].get() == {1: "a", 2: "b", 3: "c"}
    maps["pointers"][0xffff888000000000] = -5
    [(pointer, value)] = maps["pointers"].items()
    assert value == -5 and pointer == "point:struct dentry *" and maps["pointers"][pointer] == -5
    maps["pointers"][0xffff888000000008] = 6
    assert len(maps["pointers"].get()) == 2 and "0xffff888000000008>: 6" in repr(maps["pointers"].get())
    maps["lru"].update((i, i) for i in range(8))
    assert 0 < len(maps["lru"]) <= 8


def test_arrays(maps):
    a = maps["a"]
    a[0] = -1
    a.update({1: 5, 2: 7})
    assert a.get(4) == [-1, 5, 7, None] and dict(a.items()) == {0: -1, 1: 5, 2: 7} and list(a) == [0, 1, 2] and len(a) == 3
    assert 2 in a and 3 not in a and -1 not in a
    refused(lambda: a.update({3: 1}), "update map a: the index is not below max_entries, 3")
    refused(lambda: a.__delitem__(0), "delete from map a: entries of an array cannot be removed")
    a.clear()
    assert a.get(3) == [0, 0, 0]


def test_per_cpu_values(maps, lbc):
    pa, ph = maps["pa"], maps["ph"]
    pa[0] = 5
    cpus = len(pa[0].percpu)
    assert pa[0] == 5 and pa[0].percpu == [5] + [0] * (cpus - 1)
    pa[1] = list(range(10, 10 + cpus))
    assert pa[1].percpu == list(range(10, 10 + cpus)) and pa[1] == sum(range(10, 10 + cpus))
    pa[2] = pa[1]
    assert pa[2].percpu == pa[1].percpu and pa.get()[2] == pa[1]
    refused(lambda: pa.update({0: [1] * (cpus + 1)}), "a list needs one for each of %d possible CPUs" % cpus)
    ph[1] = [{"count": 3, "comm": "cpu%d" % i} for i in range(cpus)]
    assert ph[1].count == 3 * cpus and [one.comm for one in ph[1].percpu] == ["cpu%d" % i for i in range(cpus)]
    ph[2] = ph[1]
    assert ph[2].percpu == ph[1].percpu
    ph[3] = (1, -1)
    assert ph[3].minus == -1 and ph[3].percpu[0].count == 1
    maps["pairs"][1] = [1, 2]
    assert maps["pairs"][1] == [1, 2]
    maps["pairs"][1] = [[i, 1] for i in range(cpus)]
    assert maps["pairs"][1] == [sum(range(cpus)), cpus] and maps["pairs"][1].percpu == [[i, 1] for i in range(cpus)]
    import pickle
    assert pickle.loads(pickle.dumps(ph[1])).percpu == ph[1].percpu and pickle.loads(pickle.dumps(pa[1])).percpu == pa[1].percpu


def test_queues_and_stacks(maps):
    queue, pile = maps["queue"], maps["pile"]
    assert queue.pop() is None and queue.peek() is None
    queue.push((1, "one"))
    queue.push({"pid": 2})
    refused(lambda: queue.push((3,)), "update map queue: it is full (max_entries 2)")
    assert queue.peek() == (1, "one") == queue.pop() and queue.pop().pid == 2 and queue.pop() is None
    for i in range(3):
        pile.push(i)
    assert [pile.pop() for _ in range(4)] == [2, 1, 0, None]
    refused(lambda: pile.push("x"), "an integer is needed")


def test_tries(maps):
    trie = maps["trie"]
    trie[8, (10,)] = 8
    trie[32, (10, 1, 2, 3)] = 32
    assert trie[24, (10, 1, 2)] == 8 and trie[32, (10, 1, 2, 3)] == 32 and (32, (11, 0, 0, 1)) not in trie
    assert dict((k.length, v) for k, v in trie.items()) == {8: 8, 32: 32} and len(trie) == 2
    refused(trie.getThenClear, "take the entries of map trie: this kernel has no such operation for a map of type LPMTrie")
    del trie[8, (10,)]
    assert len(trie) == 1
    trie.clear()
    assert len(trie) == 0


def test_maps_of_programs_maps_and_sockets(maps):
    jumps, outer, nested = maps["jumps"], maps["outer"], maps["nested"]
    assert jumps.items() == []
    jumps[1] = "nothing"
    assert jumps[1] > 0 and jumps.keys() == [1] and 0 not in jumps
    del jumps[1]
    assert jumps.get() == {}
    refused(lambda: jumps.update({0: "nope"}), "use nope: the object has no map or program of that name")
    outer[7] = maps["inside"]
    assert outer[7] == nested[2] > 0 and nested.keys() == [2]
    refused(lambda: outer.update({1: maps["a"]}), "update map outer: ")
    del outer[7]
    with_listener = socket.socket()
    try:
        with_listener.bind(("127.0.0.1", 0))
        with_listener.listen(1)
        client = socket.create_connection(with_listener.getsockname())
        maps["cookies"][1] = client
        assert maps["cookies"][1] > 0
        maps["sockets"][0] = client
        refused(lambda: maps["sockets"][0], "look up in map sockets: ", "sockets can be read where the value has 8 bytes")
        client.close()
    finally:
        with_listener.close()
    refused(lambda: maps["groups"][0], "look up in map groups: this kernel has no such operation for a map of type CGroupArray")


def test_maps_that_cannot_be_read_by_key(maps):
    for name in ("queue", "pile", "ring"):
        assert not hasattr(maps[name], "getKeyValue") and not hasattr(maps[name], "get")


def test_maps_of_old(maps):
    """bpf_map_def says sizes alone; BPF_ANNOTATE_KV_PAIR says the types."""
    old, told = maps["old"], maps["told"]
    assert type(old) is lbcMaps.CmapsHash
    old[b"\1\0\0\0"] = struct.pack("=Q", 5)
    assert old.get() == {b"\1\0\0\0": struct.pack("=Q", 5)} and old[b"\1\0\0\0"] == struct.pack("=Q", 5)
    refused(lambda: old.update({1: b""}), "its C type is unknown: give bytes")
    refused(lambda: old.update({b"\1": b""}), "it has 1 bytes, not 4")
    told[1] = struct.pack("=Q8H", 5, *range(8))
    assert told[1].a == 5 and told[1].rest == [0, 1, 2, 3, 4, 5, 6, 7], "longer than its type: the flexible array has the rest"
    told[2] = {"a": 6}
    assert told[2].a == 6 and told[2].rest == [0] * 8


def test_global_variables(maps):
    assert maps[".data"][0] == {"global": 5} and maps[".bss"][0].counted == 0 and maps[".rodata"][0].fixed == "fixed"
    maps[".data"][0] = {"global": 1 << 40}
    assert maps[".data"][0]["global"] == 1 << 40
    refused(lambda: maps[".rodata"].update({0: ("x",)}), "update map .rodata: ", "read-only")


def test_globals_count(tmpdir):
    with load(tmpdir, on_getppid("u32 calls;", "calls++;")) as lbc:
        for _ in range(5):
            os.getppid()
        assert lbc.maps[".bss"][0].calls == 5
        lbc.maps[".bss"].clear()
        os.getppid()
        assert lbc.maps[".bss"][0] == {"calls": 1}


def test_the_helper_objects_of_old(maps):
    keys, values = maps["numbers"].keys, maps["numbers"].values
    assert isinstance(keys, lbcMaps.CtypeTable) and isinstance(values, lbcMaps.CtypeData)
    assert (keys.ffiSize, values.ffiSize) == (4, 8)
    assert values.load(struct.pack("=Q", 7)) == 7 and values.load(b"\7") is None and keys.pack(-1) == b"\xff" * 4
    assert lbcMaps.CffiObj is lbcMaps.CffiTrans and lbcMaps.CeventBase is lbcMaps.CmapsEvent
    maps["m"][9, "nine"] = {}
    assert isinstance(maps["m"][9, "nine"], lbcMaps.CffiValue)


def test_updates_are_seen_by_the_program(tmpdir):
    with load(tmpdir, counters("LBC_HASH(m, u32, u32, 8);")) as lbc:
        lbc.maps["m"].update(dict((key, 100) for key in range(6)))
        lbc.maps["turn"][0] = 5
        for _ in range(7):
            os.getppid()
        assert lbc.maps["m"].get() == {0: 101, 1: 101, 2: 101, 3: 101, 4: 101, 5: 102}
        del lbc.maps["m"][5]
        assert 5 not in lbc.maps["m"]


def test_a_closed_object_says_so(tmpdir):
    lbc = load(tmpdir, mine(KINDS), attach=0)
    lbc.close()
    for call in (lambda: lbc.maps["m"][1, "x"], lambda: lbc.maps["m"].update({(1, "x"): {}}), lambda: len(lbc.maps["m"]),
                 lambda: lbc.maps["queue"].pop(), lambda: lbc.maps["jumps"].fileno()):
        with pytest.raises(errors.ClosedException):
            call()


def test_wrong_arguments_are_named(maps):
    for call, says in [
            (lambda: maps["m"].update(5), "update map m: 5 is neither a dict nor (key, value) pairs"),
            (lambda: maps["m"].update([1]), "neither a dict nor (key, value) pairs"),
            (lambda: maps["a"].get("x"), "use 'x' as size: it must be an integer"),
            (lambda: maps["numbers"].values.load(5), "make a C u64 of 5: bytes are needed"),
            (lambda: maps["numbers"].getKeyValue(None), "make a C s32 of None: an integer is needed"),
            (lambda: maps["numbers"].getKeyValue(1.5), "an integer is needed"),
            (lambda: maps["hist"].showHist("head", ["x"]), "use 'x' as a count: it must be an integer"),
            (lambda: maps["stacks"].getArr("x"), "use 'x' as stack_id: it must be an integer"),
            (lambda: maps["stacks"].getStacks(None), "use None as stack_id"),
            (lambda: maps["ring"].perf_buffer_poll("x", Callbacks), "poll ring: timeout 'x' is no number of milliseconds"),
            (lambda: maps["ring"].perf_buffer_poll(float("nan"), Callbacks), "poll ring: timeout nan is no number of milliseconds"),
            (lambda: maps["ring"].perf_buffer_poll(0, Key), "has no attr callback."),
            (lambda: maps["ring"].open_perf_buffer(5), "open perf buffer ring: cb is not callable: 5"),
            (lambda: maps["nope"], "use map nope: the object has no such map")]:
        with pytest.raises((errors.InvalidArgsException, ValueError)) as raised:
            call()
        assert says in str(raised.value)
    assert maps[b"a"] is maps["a"]


def test_a_missing_stack(maps):
    assert maps["stacks"].getStacks(-14) == [] and maps["stacks"].getArr(4294967282) is None and maps["stacks"].get() == {}
