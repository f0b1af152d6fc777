"""NAME.so, built on the oldest of the kernels, runs on the newest without a compiler."""

import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OLD, NEW = os.environ.get("KERNELS", "5.10 newest").split()[0], os.environ.get("KERNELS", "5.10 newest").split()[-1]


def run(kernel, directory, *arguments):
    """What offsets.py says on that kernel."""
    vm = os.path.join(HERE, "run")
    said = subprocess.check_output([vm, "-d", str(directory), "-e", "PYTHONDONTWRITEBYTECODE", kernel, "--", sys.executable,
                                    os.path.join(HERE, "offsets.py"), str(directory)] + list(arguments))
    return json.loads(said.decode().splitlines()[-1])


def test_built_on_one_kernel_runs_on_the_other(tmpdir):
    built, elsewhere = tmpdir.mkdir("built"), tmpdir.mkdir("elsewhere")
    old = run(OLD, built)
    shutil.copy(str(built.join("offsets.so")), str(elsewhere))
    new = run(NEW, elsewhere, "no-compiler")
    assert old["compiled"] and not new["compiled"]
    assert old["offset"] != new["offset"], "the same in both kernels: choose another field"
    for said in (old, new):
        assert said["by_macro"] == said["by_core_read"] == said["pid"]
