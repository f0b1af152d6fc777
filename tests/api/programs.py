"""BPF programs that the tests share. PID is replaced by the process that makes the workload."""

import contextlib
import ctypes
import fcntl
import gc
import os
import signal

from pylcc.lbcBase import ClbcBase

LICENSE = '\nchar _license[] SEC("license") = "GPL";\n'

# Everything that os.getppid() in this process does, and nothing else.
ON_GETPPID = r"""
SEC("tracepoint/raw_syscalls/sys_enter")
int on_enter(struct trace_event_raw_sys_enter *ctx)
{
    if (bpf_get_current_pid_tgid() >> 32 != PID || ctx->id != NR_GETPPID)
        return 0;
    BODY
    return 0;
}
"""

NR_GETPPID = {"x86_64": "110", "aarch64": "173"}[os.uname()[4]]

FORKS = r"""
#include "lbc.h"
struct fork_t {
    u32 parent;
    u32 child;
    char comm[16];
};
LBC_PERF_OUTPUT(e_out, struct fork_t, 128);
SEC("raw_tracepoint/sched_process_fork")
int fPID(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *parent = (struct task_struct *)ctx->args[0];
    struct task_struct *child = (struct task_struct *)ctx->args[1];
    struct fork_t data = {};

    if (_(parent->tgid) != PID || _(child->tgid) == PID)
        return 0; // also of threads, which the runtime of Go makes when it likes
    data.parent = _(parent->tgid);
    data.child = BPF_CORE_READ(child, pid);
    bpf_get_current_comm(&data.comm, sizeof(data.comm));
    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
""" + LICENSE


def on_getppid(declarations, body, pid=None):
    """A program that runs body for each os.getppid() of this process, or another."""
    return mine('#include "lbc.h"\n' + declarations + ON_GETPPID.replace("BODY", body) + LICENSE, pid)


def mine(source, pid=None):
    return source.replace("NR_GETPPID", NR_GETPPID).replace("PID", str(pid or os.getpid()))


def load(path, source, name="t", **options):
    return ClbcBase(name, bpf_str=source, workPath=str(path), **options)


BURST = on_getppid("""
struct big_t { u64 number; char fill[1016]; };
LBC_PERF_OUTPUT(out, struct big_t, 128);
LBC_ARRAY(sent, u32, u64, 1);
LBC_PERCPU_ARRAY(scratch, u32, struct big_t, 1);
""", """
    u32 zero = 0;
    u64 *n = bpf_map_lookup_elem(&sent, &zero);
    struct big_t *big = bpf_map_lookup_elem(&scratch, &zero);
    if (!n || !big)
        return 0;
    big->number = __sync_fetch_and_add(n, 1);
    bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, big, sizeof(*big));""")


NUMBERS = on_getppid("""
LBC_PERF_OUTPUT(out, u64, 128);
LBC_ARRAY(sent, u32, u64, 1);
""", """
    u32 zero = 0;
    u64 *n = bpf_map_lookup_elem(&sent, &zero), number;
    if (!n)
        return 0;
    number = *n;
    *n = number + 1;
    bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, &number, sizeof(number));""")


RING = on_getppid("""
struct record_t { u32 number; char word[12]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 16); __type(value, struct record_t); } typed SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 16); } plain SEC(".maps");
u32 sent;
""", """
    struct record_t record = { sent++, "word" };
    bpf_ringbuf_output(&typed, &record, sizeof(record), BPF_RB_NO_WAKEUP);
    bpf_ringbuf_output(&plain, &record, sizeof(record), 0);""")


# One record for each call, by its number.
KINDS = on_getppid("""
enum color { RED = 1, BLUE = 7 };
struct inner_t { u16 a; s16 b; };
struct kinds_t {
    u64 number; s32 minus; u8 octets[3]; char letter; char word[12]; enum color color; void *where; struct inner_t inner; struct inner_t pair[2];
    u32 low : 3; s32 high : 5; bool yes; union { u32 x; float f; }; unsigned __int128 wide; char names[2][4];
};
LBC_PERF_OUTPUT(out, struct kinds_t, 128);
u32 sent;
""", """
    struct kinds_t k = {};
    u32 n = sent++;
    k.number = n, k.minus = -n, k.octets[1] = n, k.letter = n % 3 ? 'a' : 0, k.word[0] = 'n', k.word[1] = '0' + n % 10;
    k.color = n % 2 ? RED : BLUE, k.where = (void *)(0xffff000000000000ull + n), k.inner.a = n, k.inner.b = -n, k.pair[1].b = n;
    k.low = n % 8, k.high = -(n % 16), k.yes = n % 2, k.x = 0x3f800000 + n, k.wide = (unsigned __int128)n << 64, k.names[1][0] = 'A' + n % 20;
    bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, &k, sizeof(k));""")


def counters(declaration, key="u32", value="u32"):
    """Counts getppid() calls by key 0..5, in turn, in the map m that declaration makes."""
    return on_getppid(declaration + """
LBC_ARRAY(turn, u32, u32, 1);
""", """
    u32 zero = 0, *n = bpf_map_lookup_elem(&turn, &zero);
    if (!n)
        return 0;
    KEY key = *n % 6;
    VALUE one = 1, *old = bpf_map_lookup_elem(&m, &key);
    __sync_fetch_and_add(n, 1);
    if (old)
        __sync_fetch_and_add(old, 1);
    else
        bpf_map_update_elem(&m, &key, &one, BPF_ANY);
""".replace("KEY", key).replace("VALUE", value))


def open_files():
    """How many files this process has open, but for those of garbage."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def fork_once():
    """Fork a child that ends at once; its pid."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def poll_until(buffer, done, seconds=60):
    """Poll a perf buffer until done() is true; fail after some seconds."""
    for _ in range(seconds * 10):
        if done():
            return
        buffer.perf_buffer_poll(timeout=100)
    raise AssertionError("no such event within %d s" % seconds)


@contextlib.contextmanager
def handling_alarms(alarm):
    """alarm(number, frame) is called for the alarms that are set inside of the block."""
    before = signal.signal(signal.SIGALRM, alarm)
    gc.collect()
    gc.disable()  # what it finalizes, of other tests, would be interrupted too
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()


class Caller(object):
    """A process that calls getppid() as fast as it can until the end of the with block; .pid."""

    def __init__(self, cpu=None):
        self._cpu = cpu

    def __enter__(self):
        go, self._go = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go)
            self._call(go)
        os.close(go)
        return self

    def _call(self, go):
        def until_stopped():
            getppid = os.getppid
            os.read(go, 1)
            fcntl.fcntl(go, fcntl.F_SETFL, os.O_NONBLOCK)
            while True:
                for _ in range(500):
                    getppid()
                try:
                    os.read(go, 1)
                    break  # its end
                except OSError:
                    continue
            for cpu in cpus():  # a loss is reported with what comes next, where the kernel is old
                on_cpu(cpu, getppid)

        try:
            until_stopped() if self._cpu is None else on_cpu(self._cpu, until_stopped)
        finally:
            os._exit(0)

    def start(self):
        """Until this it waits."""
        os.write(self._go, b"x")

    def stop(self):
        if self._go is not None:
            os.write(self._go, b"xx")  # its end alone may be held open by another's fork
            os.close(self._go)
            os.waitpid(self.pid, 0)
            self._go = None

    def __exit__(self, *_):
        self.stop()


def cpus():
    with open("/sys/devices/system/cpu/online") as f:
        return [n for part in f.read().split(",") for n in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)]


def on_cpu(cpu, function):
    """Run function on that CPU (sched_setaffinity, which Python 2 lacks) and go back."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = (ctypes.c_ulong * 16)()
    assert libc.sched_getaffinity(0, ctypes.sizeof(before), before) >= 0
    mask = (ctypes.c_ulong * 16)()
    mask[cpu // 64] = 1 << cpu % 64
    assert libc.sched_setaffinity(0, ctypes.sizeof(mask), mask) == 0
    try:
        return function()
    finally:
        libc.sched_setaffinity(0, ctypes.sizeof(before), before)
