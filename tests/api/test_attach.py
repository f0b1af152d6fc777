"""Programs attached by a call."""

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct
import subprocess
import threading
import time

import pytest

from programs import LICENSE, cpus, fork_once, load, mine
from pylcc import errors
from pylcc.lbcBase import ClbcBase
from pylcc.lbcStack import ClbcUstack
from surftrace.uprobeParser import CuprobeParser

GETTID = {"x86_64": 186, "aarch64": 178}[os.uname()[4]]

HITS = """
#include "lbc.h"
LBC_ARRAY(hits, u32, u64, 4);
static inline int hit(u32 slot, u64 by)
{
    u64 *n = bpf_map_lookup_elem(&hits, &slot);
    if (n)
        __sync_fetch_and_add(n, by);
    return 0;
}
"""


@pytest.fixture
def program(tmpdir):
    """program(section, body): a loaded object whose program f is attached to nothing."""
    opened = []

    def make(section, body, context="void"):
        source = HITS + 'SEC("%s")\nint f(%s *ctx)\n{\n%s\n}\n' % (section, context, body) + LICENSE
        opened.append(load(tmpdir, mine(source), attach=0))
        return opened[-1]
    yield make
    for lbc in opened:
        lbc.close()


def hits(lbc):
    return lbc.maps["hits"].get(4)


MINE = "    return bpf_get_current_pid_tgid() >> 32 == PID ? hit(0, 1) : 0;"


def test_tracepoints(program):
    # Not of this process, in which the runtime of Go makes threads when it likes.
    shell = subprocess.Popen(["sh", "-c", "read go; (:); (:); (:); :"], stdin=subprocess.PIPE)
    its = MINE.replace("PID", str(shell.pid))
    forks = program("tracepoint/sched/sched_process_exec", its)
    raw = program("raw_tracepoint/sched_process_exec", its)
    forks.attachTracepoint("f", "sched", "sched_process_fork")
    raw.attachRawTracepoint(b"f", b"sched_process_fork")
    shell.communicate(b"\n")
    assert hits(forks) == hits(raw) == [3, 0, 0, 0]


def place(function):
    """(path, offset) of a function of the C library in its file."""
    address = ctypes.cast(getattr(ctypes.CDLL(None), function), ctypes.c_void_p).value
    with open("/proc/self/maps") as f:
        for line in f:
            fields = line.split()
            start, end = (int(part, 16) for part in fields[0].split("-"))
            if start <= address < end:
                return fields[5], address - start + int(fields[2], 16)


def test_uprobes(program):
    path, offset = place("getppid")
    entered = program("uprobe/one", "    return hit(0, 1);")
    entered.attachUprobe("f", 0, path, offset)
    returned = program("uretprobe/two", "    return hit(1, PT_REGS_RC(ctx));", "struct pt_regs")
    returned.attachUretprobe("f", os.getpid(), path, offset)
    everywhere = program("uprobe/three", MINE)
    everywhere.attachUprobes("f", -1, path, offset)
    libc = ctypes.CDLL(None)
    for _ in range(5):
        parent = libc.getppid()
    subprocess.check_call(["true"])
    assert hits(entered)[0] == 5 and hits(everywhere)[0] == 5
    assert hits(returned)[1] == 5 * parent


def test_an_offset_as_uprobeParser_says_it(program):
    parser = CuprobeParser("libc")
    lbc = program("uprobe/one", "    return hit(0, 1);")
    lbc.attachUprobe("f", 0, parser.fullObj(), parser.funAddr("getppid"))
    lbc.attachUretprobe("f", 0, parser.fullObj(), str(int(parser.funAddr("getppid"), 16)))
    ctypes.CDLL(None).getppid()
    assert hits(lbc)[0] == 2


def test_a_scripts_own_names_are_its_own(program, tmpdir):
    """No method of a script is taken for one of ours that is private."""
    class Script(ClbcBase):
        def _attachTo(self, *arguments, **target):
            pytest.fail("this is the script's own")
        _attach = _attach_to = _threads = _session = _attachTo

    source = HITS + 'SEC("raw_tracepoint/*")\nint f(void *ctx)\n{\n%s\n}\n' % MINE + LICENSE
    with Script("own", bpf_str=mine(source), workPath=str(tmpdir), attach=0) as lbc:
        lbc.attachRawTracepoint("f", "sched_process_fork")
        before = hits(lbc)[0]  # the runtime of Go may have made a thread
        fork_once()
        assert hits(lbc)[0] == before + 1


@pytest.mark.parametrize("pid", ["this", "gone"])
def test_perf_events_of_threads_that_end(program, pid):
    """Threads end between listing and attaching: the dict that is read for each of them sees to it."""
    lbc = program("perf_event", "    return hit(0, 1);", "struct bpf_perf_event_data")
    end, numbers = threading.Event(), []

    def work():
        numbers.append(ctypes.CDLL(None).syscall(GETTID))
        end.wait()

    class Attr(dict):
        def items(self):
            end.set()
            thread.join()
            if pid == "gone":
                child.kill()
                child.wait()
            for number in numbers:
                while os.path.exists("/proc/self/task/%d" % number):  # it has ended for Python, not yet for the kernel
                    time.sleep(0.001)
            return dict.items(self)

    thread = threading.Thread(target=work)
    child = subprocess.Popen(["sleep", "300"])
    thread.start()
    try:
        while not numbers:
            time.sleep(0.001)
        attr = Attr({"type": 1, "config": 0, "sample_period": 100000})
        if pid == "this":
            lbc.attachPerfEvents("f", attr, os.getpid())
            for _ in range(10000):
                if hits(lbc)[0] > 3:
                    break
                sum(range(10000))
            assert hits(lbc)[0] > 3 and end.is_set()
        else:
            with pytest.raises(errors.AttachException) as e:
                lbc.attachPerfEvents("f", attr, child.pid)
            assert e.value.errno == errno.ESRCH and "there is no process of this number" in str(e.value)
    finally:
        end.set()
        thread.join()
        if child.poll() is None:
            child.kill()
            child.wait()


def test_numbers_of_an_event(program, capsys):
    """Decimal also with zeros before it; no number: said and left out."""
    lbc = program("perf_event", "    return hit(0, 1);", "struct bpf_perf_event_data")
    lbc.attachPerfEvent("f", {"type": "01", "config": "0x0", "sample_period": "000100000", "bp_type": 1.5, u"bp_len": None})
    said = capsys.readouterr()[0].splitlines()
    assert sorted(line.split(" is ")[0] for line in said if "skip" in line) == ["key bp_len type", "key bp_type type"]
    for _ in range(10000):
        if hits(lbc)[0] > 3:
            break
        sum(range(10000))
    assert hits(lbc)[0] > 3


def test_perf_events(program):
    """A software event that counts: page faults of this thread."""
    lbc = program("perf_event", "    return hit(0, 1);", "struct bpf_perf_event_data")
    attr = {"type": 1, "config": "2", "sample_period": 1, "size": 114}
    given = dict(attr)
    assert lbc.attachPerfEvent("f", attr) == 0 and attr == given
    pages = 64
    memory = ctypes.CDLL(None).mmap
    memory.restype = ctypes.c_void_p
    start = memory(None, pages * 4096, 3, 0x22, -1, 0)
    before = hits(lbc)[0]
    for page in range(pages):
        ctypes.memset(start + page * 4096, 1, 1)
    assert pages <= hits(lbc)[0] - before
    ctypes.CDLL(None).munmap(ctypes.c_void_p(start), pages * 4096)


def test_perf_events_on_all_cpus(program):
    lbc = program("perf_event", "    return hit(0, 1);", "struct bpf_perf_event_data")
    lbc.attachAllCpuPerf("f", {"type": 1, "config": 0, "sample_freq": 1000, "freq": 1})
    for _ in range(10000):
        if hits(lbc)[0] > 10:
            break
        sum(range(10000))
    assert hits(lbc)[0] > 10
    lbc.close()
    assert len(cpus()) >= 1


@pytest.fixture
def network():
    """A network namespace of this thread's own: the same tests beside these attach to theirs."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as before:
        assert libc.unshare(0x40000000) == 0, os.strerror(ctypes.get_errno())  # CLONE_NEWNET
        try:
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as s:
                fcntl.ioctl(s, 0x8914, struct.pack("16sH14x8x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
            yield
        finally:
            assert libc.setns(before.fileno(), 0) == 0, os.strerror(ctypes.get_errno())


def test_xdp(network, program):
    """What comes in by the loopback interface."""
    lbc = program("xdp", "    hit(0, 1);\n    return XDP_PASS;", "struct xdp_md")
    lbc.attachXdp("f", [int(open("/sys/class/net/lo/ifindex").read())][0])
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(30)
    for _ in range(4):
        receiver.sendto(b"x", receiver.getsockname())
        receiver.recv(10)
    receiver.close()
    assert hits(lbc)[0] >= 4


@pytest.fixture
def cgroup2(tmpdir):
    """The root of the cgroups."""
    place = str(tmpdir.mkdir("cgroup"))
    subprocess.check_call(["mount", "-t", "cgroup2", "cgroup2", place])
    yield place
    subprocess.check_call(["umount", place])


def test_cgroup(program, cgroup2):
    lbc = program("cgroup/sock_create", "    return hit(0, 1) + 1;", "struct bpf_sock")
    fd = os.open(cgroup2, os.O_RDONLY)
    try:
        lbc.attachCgroup("f", fd)
    finally:
        os.close(fd)
    before = hits(lbc)[0]
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    assert hits(lbc)[0] > before


def test_network_namespace(network, program):
    lbc = program("flow_dissector", "    return 0;", "struct __sk_buff")
    with open("/proc/self/ns/net") as f:
        lbc.attachNetns("f", f)
        with pytest.raises(errors.AttachException):  # a namespace has one flow dissector
            lbc.attachNetns("f", f.fileno())


@pytest.mark.parametrize("call, said", [
    (lambda lbc: lbc.attachTracepoint("g", "sched", "sched_process_fork"), "attach program g: the object has none of that name (it has f)"),
    (lambda lbc: lbc.attachTracepoint("f", "sched", "sched_process_frok"), "closest: sched/sched_process_fork"),
    (lambda lbc: lbc.attachTracepoint("f", 3, "x"), "use 3 as category: it must be text"),
    (lambda lbc: lbc.attachUprobe("f", -1, "/nonexistent", 1), "attach uprobe /nonexistent+0x1: "),
    (lambda lbc: lbc.attachPerfEvents("f", {"type": 1}, 1 << 22), "is it running?"),
    (lambda lbc: lbc.attachPerfEvent("f", {"type": 1, "sample_perod": 1}), "no member sample_perod (closest: sample_period)"),
    (lambda lbc: lbc.attachPerfEvent("f", {"type": 1, "config": 0}, -1, 4095), "attach perf_event "),
    (lambda lbc: lbc.attachUprobe("f", None, "/bin/sh", 0x4000), "use None as pid: it must be an integer"),
    (lambda lbc: lbc.attachUretprobe("f", None, "/bin/sh", 0x4000), "use None as pid: it must be an integer"),
    (lambda lbc: lbc.attachUprobe("f", -1, "/bin/sh", "getppid"), "as offset: it must be an integer"),
    (lambda lbc: lbc.attachUprobe("f", -1, "/bin/sh", None), "use None as offset: it must be an integer"),
    (lambda lbc: lbc.traceUprobes("f", None, "libc:getppid"), "use None as pid: it must be an integer"),
    (lambda lbc: lbc.traceUretprobes("f", None, "libc:getppid"), "use None as pid: it must be an integer"),
    (lambda lbc: lbc.attachJavaSym("f", None, "x"), "use None as pid: it must be an integer"),
    (lambda lbc: lbc.attachPerfEvents("f", {"type": 1}, None), "use None as pid: it must be an integer"),
    (lambda lbc: lbc.attachPerfEvent("f", {"type": 1}, None), "use None as pid: it must be an integer"),
    (lambda lbc: lbc.attachPerfEvent("f", {"type": 1}, 0, None), "use None as cpu: it must be an integer"),
    (lambda lbc: lbc.attachPerfEvent("f", {"type": 1}, 0, -1, None), "use None as group_fd: it must be an integer"),
    (lambda lbc: lbc.attachPerfEvent("f", {"type": 1}, 0, -1, -1, None), "use None as flags: it must be an integer"),
    (lambda lbc: lbc.attachCgroup("f", None), "use None as fd: it must be an integer"),
    (lambda lbc: lbc.attachNetns("f", "0"), "as fd: it must be an integer"),
    (lambda lbc: lbc.attachXdp("f", None), "use None as ifindex: it must be an integer"),
    (lambda lbc: ClbcUstack(None, [1]), "use None as pid: it must be an integer"),
    (lambda lbc: lbc.attachXdp("f", 1 << 20), "attach xdp interface 1048576: "),
    (lambda lbc: lbc.attachCgroup("f", 0), "attach cgroup "),
    (lambda lbc: lbc.attachNetns("f", 0), "attach netns "),
])
def test_errors(program, call, said):
    lbc = program("tracepoint/sched/sched_process_exec", "    return 0;")
    with pytest.raises(errors.InvalidArgsException) as e:
        call(lbc)
    assert said in str(e.value) and "\n" not in str(e.value)
