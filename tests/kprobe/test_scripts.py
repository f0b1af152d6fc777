"""The tutorial's programs and those of guide/: what they print about processes that a test made."""

import ast
import collections
import io
import os
import re

import pytest

import tutorial
from running import NAME, Maker, Running, fork, free_pid, kernel_symbols, python, set_name, tracing

GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "guide")
FILES = {"hello": ["hello.py"], "eventOut": ["eventOut.py"], "dynamicVar": ["dynamicVar.py"], "hashMap": ["hashMap.py"],
         "callStack": ["callStack.py"], "codeSeparate": ["codeSeparate.py", "independ.bpf.c"]}


def guide(name):
    files = {}
    for file in FILES[name]:
        with io.open(os.path.join(GUIDE, file), encoding="utf-8") as f:
            files[file] = f.read()
    return files


@pytest.fixture(params=["tutorial", "guide"])
def program(request):
    """program(name): the files of a program of the tutorial, or of guide/."""
    return {"tutorial": tutorial.program, "guide": guide}[request.param]


@pytest.fixture
def run(request, tmpdir):
    """run(files, script, arguments...): a script that runs until the test ends."""
    set_name(NAME)

    def start(*arguments):
        running = python(tmpdir, *arguments)
        request.addfinalizer(running.stop)
        return running
    return start


Event = collections.namedtuple("Event", "pid comm new_pid new_comm")
EVENT = re.compile(r"current pid: ?(\d+), comm: ?(.*)\. (?:wake_up_new_task|new task) pid: (\d+), comm: (.*)$")


def events(lines):
    """What the lines say of processes that this one made."""
    found = [EVENT.match(line) for line in lines]
    all_events = [Event(int(m.group(1)), m.group(2), int(m.group(3)), m.group(4)) for m in found if m]
    return [e for e in all_events if e.pid == os.getpid()]


def children(lines):
    return [e.new_pid for e in events(lines)]


def attached(running):
    """Fork until the script sees it; return how many of its lines are of that time."""
    running.until(children, fork)
    last = fork()
    running.until(lambda lines: last in children(lines))
    return len(running.lines)


def test_guide_is_tested_whole():
    assert sorted(f for f in os.listdir(GUIDE) if f.endswith((".py", ".c"))) == sorted(sum(FILES.values(), []))


def test_hello(request, run, program):
    running = run(program("hello"), "hello.py")
    trace = Running(["cat", tracing() + "/trace_pipe"])
    request.addfinalizer(trace.stop)
    line = re.compile(r" *%s-%d .*: hello lcc, (?:parent|new task): (\d+)$" % (NAME, os.getpid()))

    def seen(lines):
        return [int(m.group(1)) for m in map(line.match, lines) if m]
    first = trace.until(seen, lambda: (running.alive(), fork()))[-1]
    forked = [fork() for _ in range(20)]
    trace.until(lambda lines: forked[-1] in seen(lines))
    after = seen(trace.lines)
    assert [pid for pid in after[after.index(first) + 1:] if pid in forked] == forked
    _, _, said = running.interrupt()
    assert said[-1] in ("KeyboardInterrupt", "bye")


@pytest.mark.parametrize("name", ["eventOut", "codeSeparate"])
def test_events(run, tmpdir, program, name):
    running = run(program(name), name + ".py")
    before = attached(running)
    forked = [fork() for _ in range(20)]
    running.until(lambda lines: set(forked) <= set(children(lines)))
    expected = [Event(os.getpid(), NAME, pid, NAME) for pid in forked]
    assert sorted(events(running.lines[before:]), key=lambda e: forked.index(e.new_pid)) == expected
    assert running.lines[0] == "local compile success."
    assert tmpdir.join("eventOut.so" if name == "eventOut" else "independ.so").check(file=True)
    _, status, said = running.interrupt()
    assert status == 0 and [line for line in said if not EVENT.match(line)] in (["key interrupt."], ["bye"])


def test_a_second_run_compiles_nothing(run, program):
    files = program("eventOut")
    first = run(files, "eventOut.py")
    attached(first)
    first.interrupt()
    second = run(files, "eventOut.py")
    attached(second)
    assert "local compile success." in first.lines and "local compile success." not in second.lines


def test_filter(request, run, program):
    wanted, maker = free_pid(), Maker()
    request.addfinalizer(maker.stop)

    def seen(lines):
        return [int(m.group(3)) for m in map(EVENT.match, lines) if m]
    running = run(program("dynamicVar"), "dynamicVar.py", wanted)
    running.until(seen, lambda: maker.fork_as(wanted))
    before = len(seen(running.lines))
    others = [fork() for _ in range(20)]
    maker.fork_as(wanted)
    running.until(lambda lines: len(seen(lines)) > before)
    assert wanted not in others and set(seen(running.lines)) == set([wanted])


def changed(files, key):
    """The hash program with another key."""
    text, count = re.subn(r"u32 pid = .*;", lambda _: "u32 pid = %s;" % key, files["hashMap.py"])
    assert count == 1
    return {"hashMap.py": text}


def counts(run, files, work):
    """What the hash program has counted when it is interrupted after the work."""
    running = run(files, "hashMap.py")
    running.until(lambda lines: children(lines) or [line for line in lines if line.startswith("counting")], fork)
    work()
    _, status, said = running.interrupt()
    assert status == 0
    return ast.literal_eval([line for line in said if line.startswith("{")][-1])


def test_hash_of_new_tasks(run):
    forked = []
    counted = counts(run, tutorial.program("hashMap"), lambda: forked.extend(fork() for _ in range(20)))
    assert [counted.get(pid) for pid in forked] == [1] * 20


def test_hash_by_parent_counts_every_fork(run, program):
    makers = []

    def work():
        for n in (1, 7, 100):
            makers.append((fork(lambda: [fork() for _ in range(n)]), n))
    counted = counts(run, changed(program("hashMap"), "bpf_get_current_pid_tgid() >> 32"), work)
    assert [(pid, counted.get(pid)) for pid, _ in makers] == makers


def test_hash_has_every_key_and_zero(run, program):
    rests = collections.Counter()

    def work():
        while len(rests) < 6 or sum(rests.values()) < 30:
            rests[fork() % 6] += 1
    new_pid = "(u32)BPF_CORE_READ((struct task_struct *)PT_REGS_PARM1(ctx), pid) % 6"
    counted = counts(run, changed(program("hashMap"), new_pid), work)
    assert sorted(counted) == [0, 1, 2, 3, 4, 5]
    assert all(counted[rest] >= n for rest, n in rests.items())


def stacks(lines):
    """{new pid: [function]} of the processes that this one made."""
    found, current = {}, None
    for line in lines:
        if EVENT.match(line):
            event = events([line])
            current = found.setdefault(event[0].new_pid, []) if event else []
        elif line != "call trace:" and current is not None:
            current.append(line.strip())
    return found


def whole_stacks(lines):
    return [stack for stack in stacks(lines).values() if stack and stack[-1].startswith("entry_SYSCALL_64")]


def test_stacks(run, program):
    running = run(program("callStack"), "callStack.py")
    running.until(whole_stacks, fork)
    functions = set(name for _, name in kernel_symbols())
    for stack in whole_stacks(running.lines):
        assert stack[0] == "wake_up_new_task"
        assert set(stack) & set(["kernel_clone", "_do_fork"]) and "do_syscall_64" in stack
        assert not [name for name in stack if name.split()[0] not in functions]


PLAIN = u"import time\nprint('ready')\ntry:\n    while True:\n        time.sleep(0.1)\nexcept KeyboardInterrupt:\n    print('bye')\n"


def test_ctrl_c_is_prompt(run, program):
    """Within 0.2 s, and what an emulated machine needs for a script without pylcc; in one of three attempts."""
    measured = []
    while not measured or len(measured) < 3 and measured[-1][0] >= 0.2 + measured[-1][1]:
        running = run({"plain.py": PLAIN}, "plain.py")
        running.until(lambda lines: lines)
        unavoidable = running.interrupt()[0]
        running = run(program("eventOut"), "eventOut.py")
        attached(running)
        seconds, status, said = running.interrupt()
        assert status == 0 and said[-1] in ("key interrupt.", "bye")
        measured.append((seconds, unavoidable))
    print(measured)
    assert measured[-1][0] < 0.2 + measured[-1][1], measured
