"""README.md and its translation: all of it that needs no kprobes."""

import ast
import os
import re
import subprocess
import sys

import pytest

from pylcc._session import inspect, make
from readme import BLOCKS, COMMANDS, COOLBPF, SECTIONS, TOP, readme
from running import SECONDS, Running

# It has been installed, this is `make test`, and the others are in tests/kprobe.
ELSEWHERE = ["pip install coolbpf", "make hello", "make test", "coolbpf doctor", "coolbpf run new_tasks.py"]


def busy(request, work, before="pass"):
    """The pid of a process that does the work until the test ends, more than what runs beside it."""
    child = Running([sys.executable, "-c", "import os\nos.nice(-20)\n%s\nprint('ready')\nwhile True:\n    %s" % (before, work)])
    request.addfinalizer(child.stop)
    child.until(lambda lines: "ready" in lines)
    return child.process.pid


def test_the_translation_shows_the_same():
    assert readme("README.zh-CN.md") == (BLOCKS, SECTIONS, COMMANDS)


def test_every_command_is_tested():
    assert sorted(COMMANDS) == sorted(ELSEWHERE + list(TESTED))
    for target in [line.split()[1] for line in COMMANDS if line.startswith("make ")]:
        with open(os.path.join(TOP, "Makefile")) as f:
            assert "\n%s:" % target in f.read()


def test_mallocs(request, printed):
    pid = busy(request, "bytearray(4096)")
    running = printed.script("mallocs.py")
    assert running.ended.wait(SECONDS) and running.process.wait() == 0
    (count, single), = [m.groups() for m in map(re.compile(r"%d: (\d+) calls, by CPU (\[.*\])$" % pid).match, running.lines) if m]
    assert int(count) > 100 and sum(ast.literal_eval(single)) == int(count)


def test_profile(request, printed):
    # It is nearly always at one place, so that this is among the few that are shown whatever others do.
    pid = busy(request, "zeros.readinto(memory)", "zeros, memory = open('/dev/zero', 'rb', 0), bytearray(1 << 20)")
    running = printed.script("profile.py")
    assert running.ended.wait(SECONDS)
    starts = [i for i, line in enumerate(running.lines) if re.match(r"\d+ samples of process %d:$" % pid, line)]
    assert starts and running.process.wait() == 0, running.lines
    stacks = "\n".join("\n".join(running.lines[i:i + 30]) for i in starts)
    assert re.search(r"^    \S+ \+ 0x[\da-f]+$", stacks, re.M), stacks


def test_calls(request, printed):
    pid = busy(request, "os.getppid()")
    running = printed.script("calls.py")
    assert running.ended.wait(SECONDS) and running.process.wait() == 0
    counts = [int(m.group(1)) for m in map(re.compile(r"%d: (\d+) system calls$" % pid).match, running.lines) if m]
    assert counts and counts[0] > 1000, running.lines


def run_program(printed):
    running = printed.run(COOLBPF, "run", "execs.bpf.c")
    running.until(lambda lines: [line for line in lines if line.startswith("running")])
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    running.until(lambda lines: "execs: {'pid': %d, 'comm': 'true'}" % child.pid in lines)
    _, status, _ = running.interrupt()
    assert status == 0


def compile_program(printed):
    assert printed.coolbpf("-f", "execs.bpf.c") == ["local compile success."] and printed.place.join("execs.so").check()


def compile_object(printed):
    assert printed.coolbpf("-o", "-f", "execs.bpf.c", "-a", "aarch64") == ["local compile success."]
    assert printed.place.join("execs.bpf.o").check() and not printed.place.join("execs.so").check()


def dump(printed):
    printed.coolbpf("-f", "execs.bpf.c")
    shown = printed.coolbpf("dump", "execs.so")
    assert [line for line in shown if re.search("on_exec .* attaches to tracepoint sched/sched_process_exec", line)]
    assert "struct exec_t {" in shown and [line for line in shown if re.search("execs .*perf_event_array .*struct exec_t", line)]


TESTED = {
    "coolbpf run execs.bpf.c": run_program,
    "coolbpf -f execs.bpf.c": compile_program,
    "coolbpf -o -f execs.bpf.c -a aarch64": compile_object,
    "coolbpf dump execs.so": dump,
}


def test_sections_name_a_target(tmpdir):
    functions = "".join('SEC("%s") int f%d(void *ctx) { return 0; }\n' % (section, i) for i, section in enumerate(SECTIONS))
    artefact, _ = make(name="sections", source='#include "lbc.h"\n' + functions + 'char _license[] SEC("license") = "GPL";\n', work=str(tmpdir))
    programs = inspect(artefact)["programs"]
    assert len(programs) == 12 and [p["section"] for p in programs if not p["hook"]] == []


@pytest.mark.parametrize("command", sorted(TESTED))
def test_commands(printed, command):
    TESTED[command](printed)
