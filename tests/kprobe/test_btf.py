"""Kernel types out of a file, where the kernel does not show its own: /boot/vmlinux-RELEASE, or a file that the user names."""

import os
import subprocess
import sys

import pytest

BTF = "/sys/kernel/btf/vmlinux"
pytestmark = pytest.mark.skipif(os.getuid() != 0 or not os.path.exists(BTF), reason="needs root and a kernel with BTF")

# Runs where no BTF is to be seen but what is given. Needs it three times: for task_struct in the header, for
# CO-RE at loading, and for the value of a map; the last is in the object.
SCRIPT = r'''
import os, sys
from pylcc.lbcBase import ClbcBase
assert not os.path.exists("/sys/kernel/btf/vmlinux")
source = """
#include "lbc.h"
struct seen { u32 tgid; char comm[16]; };
LBC_HASH(m, u32, struct seen, 16);
SEC("raw_tracepoint/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct seen s = { BPF_CORE_READ(task, group_leader, tgid) };
    u32 key = bpf_core_field_exists(task->comm);

    if (s.tgid == %d) {
        BPF_CORE_READ_STR_INTO(&s.comm, task, comm);
        bpf_map_update_elem(&m, &key, &s, BPF_ANY);
    }
    return 0;
}
char _license[] SEC("license") = "GPL";
""" % os.getpid()
with ClbcBase("t", bpf_str=source, btf=sys.argv[1] if len(sys.argv) > 1 else True) as lbc:
    os.getppid()
    seen = lbc.maps["m"].get()
with open("/proc/self/comm") as f:
    assert [(k, v.tgid, v.comm) for k, v in seen.items()] == [(1, os.getpid(), f.read().strip())], seen
print("seen")
'''


@pytest.fixture
def place(tmpdir):
    with open(BTF, "rb") as f:
        tmpdir.join("raw").write_binary(f.read())
    tmpdir.join("script.py").write(SCRIPT)
    return tmpdir


def hidden(place, command, boot=None):
    """Run a command in mounts of its own, with nothing in /sys/kernel/btf and, in /boot, only the file given."""
    setup = "mount -t tmpfs tmpfs /sys/kernel/btf && mkdir -p /boot && mount -t tmpfs tmpfs /boot"
    for other in ("/lib/modules", "/usr/lib/debug"):  # other places of a vmlinux
        if os.path.isdir(other):
            setup += " && mount -t tmpfs tmpfs " + other
    if boot:
        setup += " && cp %s /boot/vmlinux-$(uname -r)" % boot
    child = subprocess.Popen(["unshare", "-m", "sh", "-c", setup + ' && exec "$@"', "sh"] + command, cwd=str(place),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    out, err = child.communicate()
    return child.returncode, out, err


def wrapped(place):
    """The BTF inside of an ELF file, as in a vmlinux."""
    if subprocess.call("command -v objcopy >/dev/null", shell=True):
        pytest.skip("needs objcopy (apt-get install binutils)")
    subprocess.check_call(["objcopy", "-I", "binary", "-O", "elf64-x86-64", "--rename-section", ".data=.BTF", "raw", "elf"], cwd=str(place))
    return "elf"


@pytest.mark.parametrize("form", ["raw", "elf"])
@pytest.mark.parametrize("given", ["in /boot", "by its path"])
def test_types_of_a_file(place, form, given):
    name = wrapped(place) if form == "elf" else "raw"
    arguments = [str(place.join(name))] if given == "by its path" else []
    code, out, err = hidden(place, [sys.executable, "script.py"] + arguments, None if arguments else name)
    assert (code, out, err) == (0, "local compile success.\nseen\n", "")


def test_commands(place):
    """-f and doctor take the file too; without one it is said where it was looked for."""
    coolbpf = [sys.executable, "-m", "coolbpf.coolbpf"]
    place.join("x.bpf.c").write('#include "lbc.h"\nSEC("raw_tracepoint/sys_enter") int f(void *ctx)'
                                '{ return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), tgid); }\n')
    assert hidden(place, coolbpf + ["-f", "x.bpf.c", "--btf", "raw"]) == (0, "local compile success.\n", "")
    assert hidden(place, coolbpf + ["-o", "-f", "x.bpf.c"], "raw") == (0, "local compile success.\n", "")
    code, out, err = hidden(place, coolbpf + ["-o", "-f", "x.bpf.c"])
    assert code == 1 and err.startswith("coolbpf: find BTF of kernel ") and "/boot/vmlinux-%s" % os.uname()[2] in err
    code, out, _ = hidden(place, coolbpf + ["doctor"])
    assert code == 1 and "fails  BTF" in out and "CONFIG_DEBUG_INFO_BTF=y" in out
