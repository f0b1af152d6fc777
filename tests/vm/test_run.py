"""The virtual machine that other tests run in."""

import os
import subprocess

VM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
KERNEL = (os.environ.get("KERNELS") or "5.10").split()[0]
FAILS_ONCE = """[ ! -e "$VM_DIRECTORY/failed" ] || exec echo fine
touch "$VM_DIRECTORY/failed"; sync; echo "<0>Oops: once" >/dev/kmsg; sleep 600"""


def test_a_kernel_that_fails_is_started_again(tmpdir):
    ran = subprocess.run([VM, "-d", str(tmpdir), KERNEL, "--", "bash", "-c", FAILS_ONCE],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert (ran.returncode, ran.stdout) == (0, "fine\n"), ran.stderr
    assert ran.stderr.count("its kernel failed") == ran.stderr.count("once more") == 1
