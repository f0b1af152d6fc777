"""What kprobes are for, and what is said when one cannot be."""

import bisect
import fcntl
import os
import subprocess
import sys

import pytest

from pylcc import errors
from pylcc.lbcBase import ClbcBase
from running import fork, kernel_symbols

HEAD = '#include "lbc.h"\n'
LICENSE = '\nchar _license[] SEC("license") = "GPL";\n'


def received(tmpdir, source, work):
    """The events that the program sends to e_out while work is done; the loaded object stays open in the last."""
    with ClbcBase("t", bpf_str=HEAD + source.replace("PID", str(os.getpid())) + LICENSE, workPath=str(tmpdir)) as lbc:
        got = []
        lbc.maps["e_out"].open_perf_buffer(lambda cpu, data, size: got.append(lbc.getMap("e_out", data, size)))
        done = work()
        for _ in range(100):
            lbc.maps["e_out"].perf_buffer_poll(timeout=100)
            if got:
                break
        stacks = [lbc.maps["stacks"].getStacks(e.stack) for e in got] if "stacks" in lbc.maps else None
    return done, got, stacks


def test_frames_are_those_of_kallsyms(tmpdir):
    source = """
struct data_t { s32 stack; s32 size; u64 frames[32]; };
LBC_PERF_OUTPUT(e_out, struct data_t, 128);
LBC_STACK(stacks, 1024);
SEC("kprobe/wake_up_new_task")
int probe(struct pt_regs *ctx)
{
    struct data_t data = {};
    if (bpf_get_current_pid_tgid() >> 32 != PID || _(((struct task_struct *)PT_REGS_PARM1(ctx))->tgid) == PID)
        return 0; // also of threads, which the runtime of Go makes when it likes
    data.stack = bpf_get_stackid(ctx, &stacks, KERN_STACKID_FLAGS);
    data.size = bpf_get_stack(ctx, data.frames, sizeof(data.frames), 0);
    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
"""
    _, got, stacks = received(tmpdir, source, fork)
    assert len(got) == 1
    frames = list(got[0].frames)[:got[0].size // 8]
    symbols = kernel_symbols()
    addresses = [address for address, _ in symbols]
    assert len(frames) > 4 and len(stacks[0]) == len(frames)
    for frame, name in zip(frames, stacks[0]):
        start = addresses[bisect.bisect_right(addresses, frame) - 1]
        aliases = [symbol for address, symbol in symbols if address == start]
        assert name.split()[0] in aliases, "%#x" % frame
    assert stacks[0][0] == "wake_up_new_task"


def test_functions_of_a_module_say_so(tmpdir):
    if not os.path.isdir("/sys/module/9pnet") or "VM_DIRECTORY" not in os.environ:
        pytest.skip("this needs a file system over 9p, as tests/vm/run has it")
    source = """
struct data_t { s32 stack; };
LBC_PERF_OUTPUT(e_out, struct data_t, 128);
LBC_STACK(stacks, 1024);
SEC("kprobe/p9_client_walk")
int probe(struct pt_regs *ctx)
{
    struct data_t data = {};
    if (bpf_get_current_pid_tgid() >> 32 != PID)
        return 0;
    data.stack = bpf_get_stackid(ctx, &stacks, KERN_STACKID_FLAGS);
    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
"""
    _, got, stacks = received(tmpdir, source, lambda: os.path.exists(os.environ["VM_DIRECTORY"] + "/no/such/file"))
    assert got and stacks[0][0] == "p9_client_walk [9pnet]"
    assert [name for name in stacks[0] if name.endswith(" [9p]")]


def test_kretprobe_has_the_result(tmpdir):
    source = """
struct data_t { u32 tgid; u64 result; };
LBC_PERF_OUTPUT(e_out, struct data_t, 128);
SEC("kretprobe/__x64_sys_getppid")
int probe(struct pt_regs *ctx)
{
    struct data_t data = {};
    data.tgid = bpf_get_current_pid_tgid() >> 32;
    data.result = PT_REGS_RC(ctx);
    if (data.tgid == PID)
        bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
"""
    _, got, _ = received(tmpdir, source, os.getppid)
    assert [(e.tgid, e.result) for e in got] == [(os.getpid(), os.getppid())]


def probing(symbol):
    return HEAD + 'SEC("kprobe/%s")\nint probe(struct pt_regs *ctx)\n{\n    return 0;\n}\n' % symbol + LICENSE


def test_no_such_symbol(tmpdir):
    with pytest.raises(errors.AttachException) as raised:
        ClbcBase("t", bpf_str=probing("wake_up_new_tsk"), workPath=str(tmpdir))
    said = str(raised.value)
    assert said.startswith("attach kprobe wake_up_new_tsk: ") and "\n" not in said
    assert "no such symbol" in said and "closest: wake_up_new_task" in said
    assert isinstance(raised.value, errors.InvalidArgsException)


def test_the_compilers_twins_are_named(tmpdir):
    names = set(name for _, name in kernel_symbols())
    twins = sorted(n for n in names if n.endswith(".isra.0") and n[:-7] not in names and not n.startswith("__"))
    assert twins, "no function of this kernel was split by the compiler"
    with pytest.raises(errors.AttachException) as raised:
        ClbcBase("t", bpf_str=probing(twins[0][:-7]), workPath=str(tmpdir))
    assert str(raised.value).startswith("attach kprobe %s: " % twins[0][:-7]) and twins[0] in str(raised.value)


UNMOUNTED = r'''
import os
import subprocess
import sys
from pylcc import errors
from pylcc.lbcBase import ClbcBase
def load(section):
    try:
        ClbcBase("t", bpf_str='#include "lbc.h"\nSEC("%s") int probe(void *ctx) { return 0; }\n' % section + LICENSE).close()
        print("attached")
    except errors.AttachException as e:
        print(e)
assert not os.path.exists("/sys/kernel/tracing/events")
load("kprobe/no_such_function.constprop.0")
load("tracepoint/sched/sched_process_fork")
'''


def test_a_failed_kprobe_spoils_no_tracepoint(tmpdir):
    """The library looks for tracefs once in a process."""
    tmpdir.join("script.py").write(UNMOUNTED.replace("LICENSE", repr(LICENSE)))
    said = subprocess.check_output(
        ["unshare", "-m", "sh", "-c", '(umount -a -t tracefs; umount -l /sys/kernel/debug) 2>/dev/null; exec "$0" script.py', sys.executable],
        cwd=str(tmpdir), universal_newlines=True).splitlines()
    said = [line for line in said if line != "local compile success."]
    assert said[0].startswith("attach kprobe no_such_function.constprop.0: no such symbol"), said
    assert said[1:] == ["attached"], said


FEW = r'''
import ctypes, struct
DAC_OVERRIDE, DAC_READ_SEARCH, SYS_RESOURCE, PERFMON, BPF = 1 << 1, 1 << 2, 1 << 24, 1 << 6, 1 << 7  # the latter two above 32
low, high = DAC_OVERRIDE | DAC_READ_SEARCH | SYS_RESOURCE, PERFMON | BPF
assert ctypes.CDLL(None).capset(struct.pack("=Ii", 0x20080522, 0), struct.pack("=IIIIII", low, low, 0, high, high, 0)) == 0
from pylcc import ClbcBase, RootRequiredException
try:
    ClbcBase("t", bpf_str='#include "lbc.h"\nSEC("kprobe/wake_up_new_task") int probe(void *ctx) { return 0; }\n' + LICENSE).close()
    print("attached")
except RootRequiredException as e:
    print(e)
'''


def test_which_capability_kprobes_need(tmpdir):
    """Debian's perf_event_paranoid of 3 wants more than CAP_PERFMON."""
    tmpdir.join("script.py").write(FEW.replace("LICENSE", repr(LICENSE)))
    paranoid = "/proc/sys/kernel/perf_event_paranoid"
    with open(paranoid) as f:
        fcntl.flock(f, fcntl.LOCK_EX)  # other tests run beside these
        before = f.read()
        try:
            for level, expected in ("3", "attach kprobe wake_up_new_task: permission denied (run as root or with CAP_SYS_ADMIN"), ("2", "attached"):
                with open(paranoid, "w") as setting:
                    setting.write(level)
                said = subprocess.check_output([sys.executable, "script.py"], universal_newlines=True, cwd=str(tmpdir)).splitlines()[-1]
                assert said.startswith(expected), said
        finally:
            with open(paranoid, "w") as setting:
                setting.write(before)
