"""What pip installed is enough: nothing else on the machine is looked at."""

import os
import re
import subprocess
import sys
import tempfile

import pytest

from programs import FORKS

OPENED = re.compile(r'\bopen(?:at)?\((?:[^,"]+, )?"([^"]+)".*\) += \d+$')
RUN = re.compile(r'\bexecve\("([^"]+)".*\) += 0$')
SCRIPT = """
import os, sys
from pylcc.lbcBase import ClbcBase
with ClbcBase("t", bpf_str=open("source").read().replace("@", str(os.getpid()))) as lbc:
    got = []
    lbc.maps["e_out"].open_perf_buffer(lambda cpu, data, size: got.append(lbc.getMap("e_out", data, size)))
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    while not got:
        lbc.maps["e_out"].perf_buffer_poll(timeout=100)
    assert [(e.parent, e.child) for e in got] == [(os.getpid(), child)]
"""


def traced(tmpdir, *command):
    """The files that the command opened, and the programs that it ran."""
    log = str(tmpdir.join("log"))
    subprocess.check_call(["strace", "-f", "-s", "4096", "-e", "trace=open,openat,execve", "-o", log] + list(command), cwd=str(tmpdir))
    with open(log) as f:
        lines = f.read().splitlines()
    # A call that was interrupted by another thread's is on two lines.
    started, whole = {}, []
    for line in lines:
        pid, _, call = line.partition(" ")
        if call.endswith("<unfinished ...>"):
            started[pid] = call[:-len("<unfinished ...>")]
        elif " resumed>" in call:
            whole.append(started.pop(pid, "") + call.partition(" resumed>")[2])
        else:
            whole.append(call)
    return [set(os.path.realpath(os.path.join(str(tmpdir), m.group(1))) for m in map(kind.search, whole) if m) for kind in (OPENED, RUN)]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_nothing_outside_the_environment_is_used(tmpdir):
    if subprocess.call("command -v strace >/dev/null", shell=True):
        pytest.skip("needs strace (apt-get install strace)")
    tmpdir.join("source").write(FORKS.replace("PID", "@"))
    tmpdir.join("script.py").write(SCRIPT)
    python, environment = os.path.realpath(sys.executable), os.path.realpath(sys.prefix)
    by_python, _ = traced(tmpdir, sys.executable, "-c", "import ctypes, fcntl, json, mmap, platform, difflib, threading, traceback; ctypes.CDLL(None)")
    opened, run = traced(tmpdir, sys.executable, "script.py")
    assert tmpdir.join("t.so").check()
    compiler = [path for path in run if path != python]
    assert compiler and all(path.startswith(environment + os.sep) for path in compiler), run
    foreign = [path for path in opened - by_python
               if re.search(r"\.(h|so|a)(\.|$)|clang|llvm|libbpf", os.path.basename(path)) and not path.startswith(environment + os.sep)
               and not re.match(r"lib(c|pthread|dl|resolv|gcc_s)[.-]", os.path.basename(path))  # the C library
               and not path.startswith(os.path.join(tempfile.gettempdir(), ".coolbpf-compile-")) and path != str(tmpdir.join("t.so"))]
    assert not foreign
    assert [path for path in opened if path.endswith("/liblcc.so")] and [path for path in opened if path.endswith("bpf_helpers.h")]
