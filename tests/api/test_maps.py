"""Every map kind that the macros of lbc.h make: exact counts, key 0 included."""

import os
import threading

import pytest

from programs import counters, cpus, load, mine, on_cpu, on_getppid
from pylcc import errors, lbcMaps

HASHES = {"LBC_HASH": lbcMaps.CmapsHash, "LBC_LRU_HASH": lbcMaps.CmapsLruHash}
PER_CPU = {"LBC_PERCPU_HASH": lbcMaps.CmapsPerHash, "LBC_LRU_PERCPU_HASH": lbcMaps.CmapsLruPerHash}


def call(times):
    for _ in range(times):
        os.getppid()


@pytest.mark.parametrize("macro", sorted(HASHES) + sorted(PER_CPU))
def test_hashes(tmpdir, macro):
    with load(tmpdir, counters(macro + "(m, u32, u32, 64 * 16);")) as lbc:
        m = lbc.maps["m"]
        assert type(m) is dict(HASHES, **PER_CPU)[macro]
        assert m.get() == {} and m.getKeyValue(0) is None
        call(60)
        expected = dict((key, 10) for key in range(6))
        assert m.get() == expected
        assert sorted(m.getKeys()) == list(range(6))
        assert m.getKeyValue(0) == 10 and m.getKeyValue(99) is None and m.getKeyValue(-14) is None
        if macro in PER_CPU:
            assert sum(m.getKeyValue(3).percpu) == 10 and m.getKeyValue(3) + 1 == 11
        assert m.getThenClear() == expected
        assert m.get() == {}
        call(6)
        assert sum(m.get().values()) == 6
        m.clear()
        assert m.get() == {}


def test_array(tmpdir):
    with load(tmpdir, counters("LBC_ARRAY(m, u32, u32, 6);")) as lbc:
        m = lbc.maps["m"]
        call(12)
        assert m.get() == [2] * 6 + [None] * 4
        assert m.get(2) == [2, 2] and m.getKeyValue(0) == 2 and m.getKeyValue(6) is None
        with pytest.raises(errors.InvalidArgsException):
            m.getThenClear()
        m.clear()
        assert m.get(6) == [0] * 6


def test_per_cpu_array(tmpdir):
    with load(tmpdir, counters("LBC_PERCPU_ARRAY(m, u32, u64, 6);", value="u64")) as lbc:
        m = lbc.maps["m"]
        call(18)
        assert m.get() == dict((key, 3) for key in range(6))
        assert sum(m.get()[0].percpu) == 3
        m.clear()
        assert m.get()[5] == 0


def test_struct_keys_and_values(tmpdir):
    source = on_getppid("""
struct key_t { u32 pid; char name[8]; };
struct value_t { u64 count; int minus; char comm[16]; u16 words[3]; };
LBC_HASH(m, struct key_t, struct value_t, 64);
LBC_PERCPU_HASH(p, u8, struct value_t, 64);
LBC_HASH(byptr, struct dentry *, u64, 64);
LBC_HASH(byarray, struct key_t, u64, 64);
""", """
    struct key_t key = { .pid = 7, .name = "seven" };
    struct value_t first = { .count = 1, .minus = -5, .words = { 1, 2, 3 } }, *v;
    struct dentry *d = (struct dentry *)0xffff888012345678;
    u64 n = 1;
    u8 k = 0;
    bpf_get_current_comm(&first.comm, sizeof(first.comm));
    v = bpf_map_lookup_elem(&m, &key);
    if (v)
        __sync_fetch_and_add(&v->count, 1);
    else
        bpf_map_update_elem(&m, &key, &first, BPF_ANY);
    bpf_map_update_elem(&p, &k, &first, BPF_ANY);
    bpf_map_update_elem(&byptr, &d, &n, BPF_ANY);""")
    with load(tmpdir, source) as lbc:
        call(4)
        entries = lbc.maps["m"].get()
        [(key, value)] = entries.items()
        assert key == {"pid": 7, "name": "seven"} and key in entries
        assert value.count == 4 and value["count"] == 4 and value.minus == -5
        assert value.words == (1, 2, 3) and value.words == [1, 2, 3]
        for given in ((7, "seven"), {"pid": 7, "name": "seven"}, key):
            assert lbc.maps["m"].getKeyValue(given).count == 4
        assert lbc.maps["m"].getKeyValue((7, "eight")) is None
        with open("/proc/self/comm") as f:
            assert str(value.comm) == f.read().strip()
        per = lbc.maps["p"].get()[0]
        assert per.count == sum(one.count for one in per.percpu) >= 1
        [pointer] = lbc.maps["byptr"].get()
        assert pointer == 0xffff888012345678 and pointer == "point:struct dentry *"
        for wrong in ("text", object(), (1, 2, 3), {"nope": 1}, (7, "far too long")):
            with pytest.raises(errors.InvalidArgsException):
                lbc.maps["m"].getKeyValue(wrong)


def test_types_that_keys_and_values_share(tmpdir):
    """A key's type comes first in the list of types; also as the element of an array and as what is empty."""
    source = on_getppid("""
struct nothing_t {};
struct e_t { u32 pid; int args[3]; u32 same[2]; struct nothing_t nothing; u8 none[0]; _Bool bit : 1; };
LBC_HASH(a, u32, struct e_t, 4);
struct four_t { u32 x[4]; };
LBC_HASH(b, u32, struct four_t, 4);
""", """
    u32 key = 1;
    struct e_t e = { .pid = 5, .args = { -1, 2, 3 }, .same = { 8, 9 }, .bit = 1 };
    struct four_t four = { { 1, 2, 3, 4 } };
    bpf_map_update_elem(&a, &key, &e, BPF_ANY);
    bpf_map_update_elem(&b, &key, &four, BPF_ANY);""")
    with load(tmpdir, source) as lbc:
        os.getppid()
        e = lbc.maps["a"].getKeyValue(1)
        assert (e.pid, e.args, e.same, e.none, e.bit) == (5, [-1, 2, 3], [8, 9], [], True) and e.bit is True
        assert lbc.maps["b"].get()[1].x == [1, 2, 3, 4]
        with pytest.raises(errors.InvalidArgsException) as raised:
            lbc.maps["b"].getKeyValue(1 << 32)
        assert str(raised.value) == "make a C u32 of 4294967296: it is not between 0 and 4294967295"
        assert lbc.maps["b"].getKeyValue(-1) is None


def test_per_cpu_values_that_are_not_integers(tmpdir):
    source = on_getppid("""
enum color { RED, GREEN = 7 };
struct slots_t { u64 n[4]; enum color color; char name[8]; union { u32 whole; u8 parts[4]; }; union { u64 w; u8 p[8]; } u; float f; };
LBC_PERCPU_ARRAY(m, u32, struct slots_t, 1);
""", """
    u32 zero = 0;
    struct slots_t *s = bpf_map_lookup_elem(&m, &zero);
    if (!s)
        return 0;
    s->n[2] += 1;
    s->color = GREEN;
    s->whole = s->u.w = 0x01020304;
    __builtin_memcpy(s->name, "name", 5);""")
    with load(tmpdir, source) as lbc:
        for _ in range(7):
            on_cpu(cpus()[-1], os.getppid)
        value = lbc.maps["m"].get()[0]
        assert value.n == [0, 0, 7, 0] and value.color == 7 and value.color.name == "GREEN" and value.name == "name"
        assert value.whole == value.u.w == 0x01020304 and sorted(value.parts) == [1, 2, 3, 4] and value.f == 0
        assert [one.n[2] for one in value.percpu].count(7) == 1 and sum(one.n[2] for one in value.percpu) == 7
        assert 7 in [one[2] for one in value.n.percpu] and value.color.percpu and value.name.percpu


def test_unknown_map_names_those_that_exist(tmpdir):
    with load(tmpdir, counters("LBC_HASH(m, u32, u32, 64);")) as lbc:
        for use in (lambda: lbc.maps["mm"], lambda: lbc.getMap("mm", b"", 0)):
            with pytest.raises(errors.UnknownMapException) as e:
                use()
            assert str(e.value) == "use map mm: the object has no such map (closest: m; it has m, turn)"
            assert isinstance(e.value, KeyError) and isinstance(e.value, errors.InvalidArgsException)


def test_every_map_is_visible(tmpdir):
    source = mine(r"""
#include "lbc.h"
LBC_HASH(one, u32, u64, 256 * 1024);
// LBC_HASH(gone, u32, u64, 16);
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, u32);
    __type(value, u64);
} plain SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, 1);
    __uint(max_entries, 16);
    __type(key, u64);
    __type(value, u64);
} trie SEC(".maps");
LBC_PERF_OUTPUT(few, u32, 1);
SEC("raw_tracepoint/sched_process_fork")
int nothing(void *ctx)
{
    u32 key = 0;
    bpf_map_lookup_elem(&one, &key);
    bpf_map_lookup_elem(&plain, &key);
    return 0;
}
char _license[] SEC("license") = "GPL";
""")
    with load(tmpdir, source) as lbc:
        assert sorted(lbc.maps) == ["few", "one", "plain", "trie"]
        assert lbc.maps["plain"].get() == {}
        with pytest.raises(KeyError) as e:
            lbc.maps["plane"]
        assert isinstance(e.value, errors.InvalidArgsException)
        assert str(e.value) == "use map plane: the object has no such map (closest: plain; it has few, one, plain, trie)"
        with pytest.raises(KeyError):
            lbc.getMap("nope", b"", 0)


def test_every_entry_is_taken_exactly_once(tmpdir):
    """A thread adds entries while another takes them all, again and again."""
    source = on_getppid("LBC_HASH(m, u32, u32, 65536);\nLBC_ARRAY(turn, u32, u32, 1);", """
    u32 zero = 0, one = 1, key, *n = bpf_map_lookup_elem(&turn, &zero);
    if (!n)
        return 0;
    key = *n;
    __sync_fetch_and_add(n, 1);
    bpf_map_update_elem(&m, &key, &one, BPF_ANY);""")
    with load(tmpdir, source) as lbc:
        m, taken = lbc.maps["m"], []
        worker = threading.Thread(target=call, args=(20000,))
        worker.start()
        while worker.is_alive():
            taken.extend(m.getThenClear())
        worker.join()
        taken.extend(m.getThenClear())
        assert m.get() == {}
        assert sorted(taken) == list(range(20000))


def test_bloom_filters(tmpdir):
    source = on_getppid("""
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 64); __type(value, u64); } seen SEC(".maps");
u32 yes, no;
""", """
    u64 word = 7;
    if (bpf_map_peek_elem(&seen, &word))
        no++;
    else
        yes++;""")
    with load(tmpdir, source) as lbc:
        seen = lbc.maps["seen"]
        assert type(seen) is lbcMaps.CmapsBloom and 7 not in seen
        os.getppid()
        seen.push(7)
        os.getppid()
        assert 7 in seen and lbc.maps[".bss"][0] == {"yes": 1, "no": 1}
        with pytest.raises(errors.InvalidArgsException):
            seen.push(-1)


def test_reading_memory_in_c(tmpdir):
    """_() within _(), and of a type that the program declares, which no kernel has."""
    source = on_getppid("""
struct own_t { u64 first; struct own_t *next; u32 words[2]; };
LBC_ARRAY(m, int, u64, 3);
""", """
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct own_t one = { .words = { 0, 7 } }, two = { .next = &one }, *own = &two;
    u64 found[] = { _(_(_(task->group_leader)->group_leader)->tgid), _(_(own->next)->words[1]), _(_(task->mm)->start_code) };
    for (int i = 0; i < 3; i++)
        bpf_map_update_elem(&m, &i, &found[i], BPF_ANY);""")
    with load(tmpdir, source) as lbc:
        os.getppid()
        with open("/proc/self/stat") as f:
            start_code = int(f.read().rpartition(")")[2].split()[23])
        assert lbc.maps["m"].get(3) == [os.getpid(), 7, start_code]
