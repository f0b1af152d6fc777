"""Loading many kprobes, in a virtual machine with a kernel that has them. It is emulated: its times say
nothing but how they grow."""

import os
import shutil
import sys

from growth import by_load
from harness import ROOT

KERNEL = "6.1"
KPROBES = 1, 10, 100, 500


def run(bench):
    if not shutil.which("qemu-system-x86_64"):
        sys.stderr.write("bench: no kprobes: apt-get install qemu-system-x86 busybox cpio xz-utils\n")
        return []
    # Without this it takes minutes to detach them.
    machine = [os.path.join(ROOT, "tests", "vm", "run"), "-e", "PYTHONPATH", KERNEL, "--",
               "bash", "-c", 'echo 1 >/sys/kernel/rcu_expedited && exec "$@"', "-"]
    return by_load(bench, "kprobes", KPROBES, "load, kprobes: %s, emulated", 1, machine)
