"""What older implementations got wrong, one by one, and the published names that no script here needs."""

import os
import subprocess
import sys
import threading

from programs import FORKS, counters, load, mine, on_getppid, poll_until
from pylcc import clcc
from pylcc.lbcBase import CeventThread, CexecCmd, ClbcBase
from pylcc.lbcMaps import CffiTrans
from surftrace.uprobeParser import CuprobeParser

try:
    import cffi
except ImportError:  # tests/requirements.txt brings it to the Pythons that can have it
    cffi = None

TEXT = on_getppid("""
struct full_t { u64 numbers[3]; char comm[16]; };
struct odd_t { u64 numbers[3]; char comm[16]; u32 more; };
LBC_PERF_OUTPUT(full, struct full_t, 128);
LBC_PERF_OUTPUT(odd, struct odd_t, 128);
LBC_HASH(values, u32, struct full_t, 4);
""", """
    struct full_t data = {.numbers = {1, 2, 3}, .comm = {'s','i','x','t','e','e','n',' ','b','y','t','e','s',' ','i','n'}};
    struct odd_t longer = {.numbers = {1, 2, 3}, .comm = {'x'}, .more = 4};
    u32 key = 0;
    bpf_perf_event_output(ctx, &full, BPF_F_CURRENT_CPU, &data, sizeof(data));
    bpf_perf_event_output(ctx, &odd, BPF_F_CURRENT_CPU, &longer, 44);
    bpf_map_update_elem(&values, &key, &data, BPF_ANY);""")


def test_text_without_a_nul_and_the_sizes_of_samples(tmpdir):
    with load(tmpdir, TEXT) as lbc:
        got = {"full": [], "odd": []}
        for name in got:
            lbc.maps[name].open_perf_buffer(lambda cpu, data, size, name=name: got[name].append((size, lbc.getMap(name, data, size))))
        os.getppid()
        for name in got:
            poll_until(lbc.maps[name], lambda: got[name])
        (size, e), = got["full"]
        assert size == 44 and e.comm == "sixteen bytes in" and len(e.comm) == 16 and e.numbers == (1, 2, 3)
        (size, e), = got["odd"]
        assert size == 44 and e.more == 4
        v = lbc.maps["values"].getKeyValue(0)
        assert v["comm"] == v.comm == "sixteen bytes in" and lbc.maps["values"].getKeyValue(-14) is None
        assert lbc.maps["values"].get() == {0: v}


def test_maps_whose_declaration_is_not_of_single_words(tmpdir):
    source = on_getppid("""
LBC_HASH(start, u32, u64, 256 * 1024);
LBC_HASH(birth, struct dentry *, u64, 1024);
LBC_HASH(sockets, u32, void *, 1 * 16);
SEC("perf_event") int waits(struct bpf_perf_event_data *ctx) { return 0; }
""", """
    u32 one = 1;
    u64 now = 7;
    struct dentry *where = (struct dentry *)0xffff888000001000;
    void *what = where;
    bpf_map_update_elem(&start, &one, &now, BPF_ANY);
    bpf_map_update_elem(&birth, &where, &now, BPF_ANY);
    where = (struct dentry *)0xffff888000002000;
    bpf_map_update_elem(&birth, &where, &now, BPF_ANY);
    bpf_map_update_elem(&sockets, &one, &what, BPF_ANY);""")
    with load(tmpdir, source) as lbc:
        os.getppid()
        assert lbc.maps["start"].get() == {1: 7} and sorted(lbc.maps["birth"].get()) == [0xffff888000001000, 0xffff888000002000]
        pointer = lbc.maps["sockets"].getKeyValue(1)
        assert pointer == 0xffff888000001000 and pointer.startswith("point:void *")


def test_two_threads_read_one_map(tmpdir):
    with load(tmpdir, counters("LBC_HASH(m, u32, u32, 16);")) as lbc:
        for _ in range(6):
            os.getppid()
        expected, wrong = dict((key, 1) for key in range(6)), []

        def read():
            for _ in range(300):
                if lbc.maps["m"].get() != expected:
                    wrong.append(lbc.maps["m"].get())
        threads = [threading.Thread(target=read) for _ in range(2)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert not wrong and sorted(lbc.maps["m"].getKeys()) == list(range(6))


def test_a_histogram_without_a_terminal():
    code = "from surftrace.surfCommon import CsurfList\nl = CsurfList()\nl.extend([1, 1, 5])\nl.hist2()\n"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=os.setsid)
    out, err = child.communicate()
    assert child.returncode == 0 and not err and len(out.splitlines()) >= 3 and b"@" in out


def test_arrays_have_keys(tmpdir):
    for declaration in ("LBC_ARRAY(m, u32, u32, 6);", "LBC_PERCPU_ARRAY(m, u32, u32, 6);"):
        with load(tmpdir, counters(declaration)) as lbc:
            for _ in range(9):
                os.getppid()
            table = lbc.maps["m"]
            assert table.getKeys() == list(range(6)) == table.keys() and table.getKeyValue(0) == 2 and table.getKeyValue(5) == 1
            assert table.getKeyValue(6) is None and sorted(table.values()) == [1, 1, 1, 2, 2, 2]


def test_what_objects_show(tmpdir):
    got, lost = [], []
    with load(tmpdir, mine(FORKS)) as lbc:
        buffer = lbc.maps["e_out"]
        assert buffer.name == "e_out" and buffer.cb is None and callable(buffer.lostcb)
        thread = CeventThread(lbc, "e_out", lambda cpu, e: got.append(e.child), lambda cpu, count: lost.append(count))
        thread.cb(0, b"\1\0\0\0\7\0\0\0" + b"\0" * 16, 24)
        assert got == [7] and callable(buffer.cb) and buffer.lostcb is thread.lost
        thread.lost(0, 3)
        assert lost == [3]


def test_uretprobes_of_a_process(tmpdir):
    source = mine("""
#include "lbc.h"
LBC_PERF_OUTPUT(out, u32, 128);
SEC("uretprobe/*")
int f(struct pt_regs *ctx)
{
    u32 result = PT_REGS_RC(ctx);
    bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, &result, sizeof(result));
    return 0;
}
char _license[] SEC("license") = "GPL";
""")
    parser = CuprobeParser("libc")
    path, offset = parser.fullObj(), int(parser.funAddr("getppid"), 16)
    assert os.path.isabs(path) and "libc" in path and offset > 0
    with load(tmpdir, source) as lbc:
        lbc.attachUretprobes("f", os.getpid(), path, offset)
        got = []
        lbc.maps["out"].open_perf_buffer(lambda cpu, data, size: got.append(lbc.getMap("out", data, size)))
        os.getppid()
        poll_until(lbc.maps["out"], lambda: got)
        assert set(got) == set([os.getppid()])


def test_commands_by_class_and_by_object():
    assert CexecCmd().cmd("echo one two") == CexecCmd.cmd("echo one two") == "one two"
    assert CexecCmd().system("echo one | tr o 0") == "0ne\n"


def test_the_compiler_as_a_module(tmpdir, monkeypatch):
    monkeypatch.chdir(str(tmpdir))
    tmpdir.join("t.bpf.c").write(mine(FORKS))
    clcc.main(["-f", "t.bpf.c"])
    with ClbcBase("t") as lbc:
        assert list(lbc.maps) == ["e_out"]


if cffi:
    def test_values_of_cffi():
        ffi = cffi.FFI()
        ffi.cdef("""
struct child { int a; short b[2]; };
union both { unsigned long a; unsigned char e[4]; };
struct all { struct child childs[2]; struct child *next; char text[8]; char texts[2][4]; union both u; double d; struct { int x; }; };
""")
        value = CffiTrans(ffi).value
        assert value(ffi.new("int *", -5)) == -5 and value(ffi.new("int [2][2]", [[1, 2], [3, 4]]))[1][0] == 3
        assert value(ffi.new("char [16]", b"hello.")) == "hello." and value(ffi.new("void **")).startswith("point:")
        made = ffi.new("struct all *", {"childs": [{"a": 1, "b": [2, 3]}, {"a": 4}], "text": b"text", "texts": [b"one", b"two"], "d": 0.5})
        made.u.a, made.x = 0x01020304, 9
        got = value(made)
        assert got.childs[0].a == 1 and got.childs[0].b == (2, 3) and got.childs[1]["a"] == 4 and got.next == "point:struct child *"
        assert got.text == "text" and list(got.texts) == ["one", "two"] and got.u.a == 0x01020304 and got.u.e[0] == 4
        assert got.d == 0.5 and got.x == 9
