"""Functions of user programs: probed by name, and named in stacks."""

import collections
import ctypes
import os
import re
import subprocess
import sys

import pytest

from programs import LICENSE, load, mine, open_files
from pylcc import errors
from pylcc.lbcStack import ClbcUstack, getKStacks
from surftrace.surfElf import CelfBase, CelfKsym, CelfSym, CksymFast, CstructKsym, getCwd
from surftrace.uprobeParser import CuprobeParser

# Each line of input is an argument of outer(), each line of output its result; in all threads.
PROGRAM = r"""
#include <pthread.h>
#include <stdio.h>
__attribute__((noinline)) int inner(int a, int b) { __asm__ volatile(".globl inside; inside: nop"); return a * 10 + b; }
__attribute__((noinline)) static int middle(int a) { return inner(a, a + 1) + 1; }
__attribute__((noinline)) int outer(int a) { return middle(a) + 2; }
static void *thread(void *a) { outer(*(int *)a); return 0; }
int main(void)
{
    int a;
    printf("ready\n");
    fflush(stdout);
    while (scanf("%d", &a) == 1) {
        pthread_t other;
        int b = a + 100, c = outer(a);
        pthread_create(&other, 0, thread, &b);
        pthread_join(other, 0);
        printf("%d\n", c);
        fflush(stdout);
    }
    return 0;
}
"""

TRACE = """
#include "lbc.h"
struct data_t { u64 at; u32 pid; s32 a; s32 b; s32 size; u64 frames[16]; };
LBC_PERF_OUTPUT(e_out, struct data_t, 128);
LBC_STACK(stacks, 64);
static inline int send(struct pt_regs *ctx, int a, int b)
{
    struct data_t data = {};
    data.at = bpf_ktime_get_ns();
    data.pid = bpf_get_current_pid_tgid() >> 32;
    data.a = a;
    data.b = b;
    data.size = bpf_get_stack(ctx, data.frames, sizeof(data.frames), BPF_F_USER_STACK);
    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
SEC("ENTRY")
int entered(struct pt_regs *ctx) { return send(ctx, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx)); }
SEC("RETURN")
int returned(struct pt_regs *ctx) { return send(ctx, PT_REGS_RC(ctx), -1); }
""" + LICENSE


class Child(object):
    """A program that reads a line and answers it."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.pid = self.process.pid
        self.first = self.process.stdout.readline().decode().strip()

    def ask(self, line):
        self.process.stdin.write(b"%d\n" % line)
        return int(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait() == 0


@pytest.fixture
def run():
    """run(command...): a Child that is stopped at the end."""
    children = []

    def start(*command):
        children.append(Child(*command))
        return children[-1]
    yield start
    for child in children:
        child.stop()


def build(place, text, name="program", compiler="gcc", *flags):
    source = place.join(name + (".c" if compiler == "gcc" else ".cc"))
    source.write(text)
    path = str(place.join(name))
    subprocess.check_call([compiler, "-O0", "-pthread", str(source), "-o", path] + list(flags))
    return path


@pytest.fixture(scope="module")
def program(tmpdir_factory):
    return build(tmpdir_factory.mktemp("program"), PROGRAM)


class Trace(object):
    """What arrives from a loaded TRACE."""

    def __init__(self, tmpdir, entry="uprobe/*", back="uretprobe/*", **options):
        self.lbc = load(tmpdir, TRACE.replace("ENTRY", entry).replace("RETURN", back), **options)
        self.got = []
        buffer = self.lbc.maps["e_out"]
        buffer.open_perf_buffer(lambda cpu, data, size: self.got.append(self.lbc.getMap("e_out", data, size)))

    def of(self, pid, count):
        """(a, b) of count events of a process, and that there are no more."""
        for _ in range(300):
            if len([e for e in self.got if e.pid == pid]) >= count:
                break
            self.lbc.maps["e_out"].perf_buffer_poll(timeout=100)
        self.lbc.maps["e_out"].perf_buffer_poll(timeout=20)
        self.got.sort(key=lambda e: e.at)  # they came from several CPUs
        return [(e.a, e.b) for e in self.got if e.pid == pid]


@pytest.fixture
def trace(tmpdir):
    opened = []

    def make(*arguments, **options):
        opened.append(Trace(tmpdir, *arguments, **options))
        return opened[-1]
    yield make
    for one in opened:
        one.lbc.close()


def test_a_function_of_one_process(program, run, trace, capsys):
    one, other, t = run(program), run(program), trace()
    t.lbc.traceUprobes(b"entered", one.pid, (program + ":inner").encode())
    path, offset = capsys.readouterr()[0].splitlines()[-1].split()
    assert path == program and offset == CuprobeParser(program).funAddr("inner")
    assert one.ask(3) == 37 and other.ask(4) == 48
    # Once in each of two threads.
    assert t.of(one.pid, 2) == [(3, 4), (103, 104)]
    assert t.of(other.pid, 0) == []


def test_results_in_all_processes(program, run, trace):
    one, other, t = run(program), run(program), trace()
    t.lbc.traceUretprobes("returned", -1, program + ":outer")
    assert one.ask(3) == 37 and other.ask(5) == 59
    assert t.of(one.pid, 2) == [(37, -1), (1137, -1)] and t.of(other.pid, 2) == [(59, -1), (1159, -1)]


def test_sections_that_name_a_function_attach_themselves(program, run, trace):
    t = trace("uprobe/%s:inner" % program, "uretprobe/%s:outer+0" % program)
    child = run(program)
    child.ask(1)
    assert sorted(t.of(child.pid, 4)) == [(1, 2), (15, -1), (101, 102), (1115, -1)]


def test_attach_0_attaches_nothing(program, run, trace):
    t = trace("uprobe/%s:inner" % program, "uretprobe/%s:outer" % program, attach=0)
    child = run(program)
    child.ask(1)
    assert t.of(child.pid, 0) == []


@pytest.mark.parametrize("entry, said", [
    ("uprobe/%s:inne", "attach uprobe %s:inne: no such function (closest: inner)"),
    ("uprobe/nothing-of-this-name:f", "attach uprobe nothing-of-this-name:f: no such file or directory (its path, a program on PATH"),
    ("usdt/%s:provider:name", "attach usdt %s:provider:name: USDT probes are not supported (attach a uprobe"),
])
def test_one_that_cannot_be_attached_is_an_error(program, tmpdir, entry, said):
    fill = lambda text: text % program if "%s" in text else text  # noqa: E731
    before = open_files()
    with pytest.raises(errors.AttachException) as e:
        Trace(tmpdir, "uretprobe/%s:outer" % program, fill(entry))
    assert str(e.value).startswith(fill(said)) and "\n" not in str(e.value)
    assert open_files() == before


@pytest.mark.parametrize("call, said", [
    (lambda lbc, path: lbc.traceUprobes("entered", -1, path + ":innr"), "find function innr in %s: no such function (closest: inner)"),
    (lambda lbc, path: lbc.traceUprobes("entered", -1, path), "trace %s: it names no function"),
    (lambda lbc, path: lbc.traceUprobes("entered", -1, "/etc/passwd:f"), "read symbols /etc/passwd: it is no ELF file"),
    (lambda lbc, path: lbc.traceUprobes("entered", 1 << 22, "/no/such:f"), "look at process 4194304: there is none of this number"),
    (lambda lbc, path: lbc.traceUprobes("entered", -1, 3), "use 3 as fxpr: it must be text"),
    (lambda lbc, path: lbc.attachUprobes("entered", 1 << 22, path, 1), "there is no process of this number"),
    (lambda lbc, path: lbc.attachJavaSym("entered", os.getpid(), "f"), "read perf map of process "),
    (lambda lbc, path: CuprobeParser("nothing-of-this-name"), "find binary nothing-of-this-name: no such file"),
    (lambda lbc, path: CelfSym("/etc/passwd"), "read symbols /etc/passwd: it is no ELF file"),
    (lambda lbc, path: ClbcUstack(1 << 22, [1]), "look at process 4194304: there is none of this number"),
])
def test_errors(program, trace, call, said):
    lbc = trace().lbc
    with pytest.raises(errors.InvalidArgsException) as e:
        call(lbc, program)
    assert (said % program if "%s" in said else said) in str(e.value) and "\n" not in str(e.value)


def test_stacks_of_users(program, run, trace):
    child, t = run(program), trace()
    # Behind the instructions that link the stack.
    lines = subprocess.check_output(["nm", program]).decode().splitlines()
    at = dict((line.split()[-1], int(line.split()[0], 16)) for line in lines if " T " in line)
    offset = at["inside"] - at["inner"]
    t.lbc.traceUprobes("entered", child.pid, "%s:inner+%#x" % (program, offset))
    child.ask(3)
    t.of(child.pid, 2)
    stacks = [ClbcUstack(e.pid, list(e.frames)).dumpStacks() for e in t.got]
    names = [[re.sub(r" \+ 0x[0-9a-f]+$", "", line) for line in stack] for stack in stacks]
    assert names[0][:4] == ["inner", "middle", "outer", "main"]
    assert names[1][:4] == ["inner", "middle", "outer", "thread"]
    assert stacks[0][0] == "inner + %#x" % offset and not stacks[0][1].endswith(" 0x0")
    sym = CelfSym(program)
    assert sym.symSearch(sym.symAddr("middle") + 2) == ("middle", 2) and sym.symAddr(b"nothing") == 0
    assert sym.addr2sym(sym.symAddr("outer") - sym.symOffset() // 4096 * 4096) == ("outer", 0)
    assert sym.symSearch(1) == ("", -1)


def test_another_mount_namespace(program, run, trace, tmpdir):
    place = str(tmpdir.mkdir("inside"))
    inner = place + "/program"
    child = run("unshare", "-m", "sh", "-c", "mount -t tmpfs none %s && cp %s %s && exec %s" % (place, program, inner, inner))
    t = trace()
    assert not os.path.exists(inner)
    t.lbc.traceUprobes("entered", child.pid, inner + ":inner")
    t.lbc.traceUretprobes("returned", child.pid, ":outer")  # of the program that it runs
    child.ask(6)
    assert t.of(child.pid, 4) == [(6, 7), (70, -1), (106, 107), (1170, -1)]
    assert ClbcUstack(child.pid, list(t.got[0].frames)).dumpStacks()[0] == "inner + 0x0"


CPLUSPLUS = r"""
#include <cstdio>
namespace shape {
template <typename T> struct circle {
    T r;
    __attribute__((noinline)) T area(T by) const { __asm__ volatile(""); return r * by; }
};
}
int main()
{
    int a;
    puts("ready");
    fflush(stdout);
    while (scanf("%d", &a) == 1) {
        printf("%d\n", shape::circle<int>{a}.area(7));
        fflush(stdout);
    }
}
"""


def test_cplusplus(tmpdir, run, trace):
    if subprocess.call("command -v g++ >/dev/null", shell=True):
        pytest.skip("needs g++")
    path = build(tmpdir, CPLUSPLUS, "geometry", "g++")
    child, t = run(path), trace()
    t.lbc.traceUprobes("entered", child.pid, path + ":shape::circle<int>::area")
    t.lbc.traceUretprobes("returned", child.pid, path + ":_ZNK5shape6circleIiE4areaEi")
    assert child.ask(6) == 42
    assert [b for _, b in t.of(child.pid, 2)] == [7, -1] and t.got[1].a == 42
    assert ClbcUstack(child.pid, list(t.got[0].frames)).dumpStacks()[0] == "shape::circle<int>::area(int) const + 0x0"


def test_a_library_by_its_name(trace, capsys):
    t = trace()
    t.lbc.traceUprobes("entered", 0, "libc:getppid")
    assert capsys.readouterr()[0].splitlines()[-1].startswith("/")
    libc = ctypes.CDLL(None)
    libc.getppid()
    libc.getppid()
    assert len(t.of(os.getpid(), 2)) == 2
    assert ClbcUstack(os.getpid(), list(t.got[0].frames)).dumpStacks()[0] in ("getppid + 0x0", "__getppid + 0x0")


# What a JVM does: code in memory, named in a map. The code: mov eax, edi; 40 times inc eax; ret.
JIT = """
import ctypes, mmap, os, sys
code = bytearray(b"\\x89\\xf8" + b"\\xff\\xc0" * 40 + b"\\xc3")
memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(bytes(code))
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(address)
path = "/tmp/perf-%d.map" % os.getpid()
with open(path, "w") as f:
    f.write("%x %x LFoo;::bar\\n" % (address, len(code)))
sys.stdout.write("%d\\n" % address)
sys.stdout.flush()
try:
    for line in iter(sys.stdin.readline, ""):
        sys.stdout.write("%d\\n" % function(int(line)))
        sys.stdout.flush()
finally:
    os.unlink(path)
"""


@pytest.mark.skipif(os.uname()[4] != "x86_64", reason="its machine code is x86-64")
def test_code_that_a_runtime_made(run, tmpdir):
    child = run(sys.executable, "-c", JIT)
    source = """
#include "lbc.h"
LBC_ARRAY(hits, u32, u64, 2);
SEC("perf_event")
int f(struct bpf_perf_event_data *ctx)
{
    u32 zero = 0, one = 1;
    u64 *n = bpf_map_lookup_elem(&hits, &zero), *ip = bpf_map_lookup_elem(&hits, &one);
    if (n && ip) {
        *n += 1;
        *ip = PT_REGS_IP(&ctx->regs);
    }
    return 0;
}
""" + LICENSE
    with load(tmpdir, source) as lbc:
        with pytest.raises(errors.InvalidArgsException) as e:
            lbc.attachJavaSym("f", child.pid, "LFoo;::baz")
        assert "closest: LFoo;::bar" in str(e.value)
        lbc.attachJavaSym("f", child.pid, b"LFoo;::bar")
        for i in range(5):
            assert child.ask(i) == i + 40
        count, at = lbc.maps["hits"].get(2)
        assert count == 5 and at - int(child.first) in (0x20, 0x22)
        assert ClbcUstack(child.pid, [int(child.first) + 4, 8]).dumpStacks() == ["LFoo;::bar + 0x4"]


def test_names_of_the_kernel():
    with open("/proc/kallsyms") as f:
        symbols = [line.split() for line in f]
    functions = sorted((int(s[0], 16), s[2]) for s in symbols if s[1] in "tTwW" and len(s) == 3)
    times = collections.Counter(name for _, name in functions)
    single = [(address, name) for (address, name), (before, _), (after, _) in zip(functions[1:], functions, functions[2:])
              if times[name] == 1 and before < address < after][:200:20]
    assert single
    sym, fast = CelfKsym(), CksymFast()
    for address, name in single:
        assert sym.ksymSearch(address) == (name, address) and sym.ksymAddr(name) == sym.ksymAddr(name.encode()) == address
        found = fast.addr2sym(address)
        assert found == fast.sym2addr(name) and (found["addr"], found["syms"], found["mod"]) == (address, name, "")
        assert found["t"] in "tTwW"
    for wrong in (lambda: sym.ksymSearch("x"), lambda: sym.ksymSearch(None), lambda: sym.ksymSearch(1.5), lambda: fast.addr2sym("x")):
        with pytest.raises(errors.InvalidArgsException):
            wrong()
    assert sym.ksymSearch(0) == sym.ksymSearch(-14) == sym.ksymSearch(8) == ("", -1)
    assert sym.ksymAddr("nothing_of_this_name") == -1
    assert fast.addr2sym(8) is None and fast.sym2addr("nothing_of_this_name") is None
    assert getCwd(os.path.realpath(sys.executable)) == os.path.dirname(os.path.realpath(sys.executable))
    assert CstructKsym(1, b"x").addr == 1


def test_stacks_of_the_kernel(tmpdir):
    source = mine("""
#include "lbc.h"
LBC_STACK(stacks, 64);
LBC_ARRAY(ids, u32, s64, 1);
SEC("tracepoint/sched/sched_process_fork")
int f(void *ctx)
{
    u32 zero = 0;
    s64 *id = bpf_map_lookup_elem(&ids, &zero);
    if (id && bpf_get_current_pid_tgid() >> 32 == PID)
        *id = bpf_get_stackid(ctx, &stacks, 0);
    return 0;
}
""" + LICENSE)
    with load(tmpdir, source) as lbc:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        stack_id, sym = lbc.maps["ids"].get(1)[0], CelfKsym()
        names = getKStacks(lbc.maps["stacks"], stack_id, sym)
        assert "kernel_clone" in names and names == lbc.maps["stacks"].getStacks(stack_id)
        assert getKStacks(lbc.maps["stacks"], stack_id, sym, 2) == names[:2]
        assert getKStacks(lbc.maps["stacks"], stack_id ^ 1, sym) == getKStacks(lbc.maps["stacks"], -14, sym) == []


def test_what_was_found_is_told():
    """The path of a program, of a library by its short name, or as it was given; all symbols have one base."""
    assert os.path.samefile(CuprobeParser("sh").fullObj(), "/bin/sh") and CuprobeParser("/bin/sh").fullObj() == "/bin/sh"
    with open("/proc/self/maps") as f:
        assert any(os.path.realpath(CuprobeParser("libc").fullObj()) in line for line in f)
    assert all(issubclass(kind, CelfBase) for kind in (CelfKsym, CelfSym, CksymFast))
