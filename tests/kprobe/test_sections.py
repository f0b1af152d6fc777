"""Sections that name their target: what libbpf's users write attaches itself, or says why not."""

import os
import subprocess

import pytest

from pylcc import errors
from pylcc.lbcBase import ClbcBase
from running import fork, kernel_symbols

HEAD = """
#include "lbc.h"
LBC_HASH(seen, u32, u64, 64);
static inline int hit(u32 slot)
{
    u64 one = 1, *n = bpf_map_lookup_elem(&seen, &slot);
    if (bpf_get_current_pid_tgid() >> 32 != PID)
        return 0;
    if (n)
        __sync_fetch_and_add(n, 1);
    else
        bpf_map_update_elem(&seen, &slot, &one, BPF_ANY);
    return 0;
}
"""
LICENSE = '\nchar _license[] SEC("license") = "GPL";\n'
# Linux 5.18 brought kprobe.multi; that of Debian 12 is built without.
MANY = "register_fprobe" in [name for _, name in kernel_symbols()]


def load(tmpdir, source, **options):
    return ClbcBase("t", bpf_str=(HEAD + source + LICENSE).replace("PID", str(os.getpid())), workPath=str(tmpdir), **options)


def during(lbc, work):
    """What hit() counted by slot during work; before, the runtime of Go may have made threads."""
    before = lbc.maps["seen"].get()
    work()
    return dict((slot, count - before.get(slot, 0)) for slot, count in lbc.maps["seen"].get().items())


def counted(tmpdir, source, work, times=3):
    """The same while work was done some times by a process that has loaded the source."""
    with load(tmpdir, source) as lbc:
        return during(lbc, lambda: [work() for _ in range(times)])


def test_system_calls(tmpdir):
    source = """
SEC("ksyscall/getppid") int entered(struct pt_regs *ctx) { return hit(0); }
SEC("kretsyscall/getppid") int returned(struct pt_regs *ctx) { return hit(1); }
"""
    assert counted(tmpdir, source, os.getppid) == {0: 3, 1: 3}


def test_tracing(tmpdir):
    source = """
SEC("fentry/wake_up_new_task")
int BPF_PROG(entered, struct task_struct *child) { return hit(0); }
SEC("fexit/wake_up_new_task")
int BPF_PROG(left, struct task_struct *child) { return hit(1); }
SEC("tp_btf/sched_process_fork")
int BPF_PROG(forked, struct task_struct *parent, struct task_struct *child) { return hit(2); }
"""
    assert counted(tmpdir, source, fork) == {0: 3, 1: 3, 2: 3}


def test_security_modules(tmpdir):
    modules = "/sys/kernel/security/lsm"
    if not os.path.exists(modules):
        subprocess.check_call(["mount", "-t", "securityfs", "securityfs", os.path.dirname(modules)])
    with open(modules) as f:
        active = "bpf" in f.read().split(",")
    source = """
SEC("lsm/task_alloc")
int BPF_PROG(allocated, struct task_struct *child, unsigned long flags) { return hit(0); }
"""
    if active:
        assert counted(tmpdir, source, fork) == {0: 3}
        return
    # The program is taken but never asked.
    try:
        assert counted(tmpdir, source, fork) == {}
    except errors.InvalidArgsException as e:
        assert "lsm" in str(e)


def test_many_functions(tmpdir):
    source = 'SEC("kprobe.multi/wake_up_new_tas?") int f(struct pt_regs *ctx) { return hit(0); }\n' \
             'SEC("kretprobe.multi/wake_up_new_task") int g(struct pt_regs *ctx) { return hit(1); }\n'
    if MANY:
        assert counted(tmpdir, source, fork) == {0: 3, 1: 3}
        return
    with pytest.raises(errors.InvalidArgsException) as e:
        load(tmpdir, source)
    assert "5.18" in str(e.value) and "\n" not in str(e.value)


def test_places_to_fill_wait(tmpdir):
    source = 'SEC("kprobe/*") int f(struct pt_regs *ctx) { return hit(0); }\nSEC("kretprobe") int g(struct pt_regs *ctx) { return hit(1); }\n'
    with load(tmpdir, source) as lbc:
        fork()
        assert lbc.maps["seen"].get() == {}
        lbc.attachKprobe(b"f", b"wake_up_new_task")
        lbc.attachKretprobe(u"g", u"wake_up_new_task")
        assert during(lbc, fork) == {0: 1, 1: 1}


@pytest.mark.parametrize("section, said", [
    ("ksyscall/getpppid", "attach ksyscall getpppid: no such system call (closest: getppid)"),
    ("kprobe/wake_up_new_tsk", "attach kprobe wake_up_new_tsk: no such symbol (closest: wake_up_new_task)"),
    ("kprobe.multi/wake_up_new_tsk", "attach kprobe_multi wake_up_new_tsk: no such symbol (closest: wake_up_new_task)"),
    ("kprobe.multi/nothing_of_this_*", "attach kprobe_multi nothing_of_this_*: no function matches"),
    ("fentry/wake_up_new_tsk", "load program f: the kernel has nothing of the name wake_up_new_tsk to attach fentry/wake_up_new_tsk to "
                               "(closest: wake_up_new_task)"),
    ("tp_btf/sched_process_forkk", "to attach tp_btf/sched_process_forkk to (closest: sched_process_fork)"),
    ("lsm/task_aloc", "to attach lsm/task_aloc to (closest: task_alloc)"),
])
def test_what_cannot_be_attached(tmpdir, section, said):
    if section.startswith("kprobe.multi") and not MANY:
        said = "5.18"
    before = os.listdir("/proc/self/fd")
    with pytest.raises(errors.InvalidArgsException) as e:
        load(tmpdir, 'SEC("kprobe/wake_up_new_task") int a(void *ctx) { return hit(0); }\nSEC("%s") int f(void *ctx) { return hit(1); }\n' % section)
    assert said in str(e.value) and "\n" not in str(e.value)
    assert len(os.listdir("/proc/self/fd")) <= len(before)
