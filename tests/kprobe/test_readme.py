"""README.md: what of it needs kprobes."""

import os
import re
import signal

from readme import COOLBPF
from running import NAME, fork


def test_new_tasks(printed):
    running = printed.run(COOLBPF, "run", "new_tasks.py")

    def made(lines):
        return [int(m.group(1)) for m in map(re.compile(r"%s \(%d\) made (\d+)$" % (NAME, os.getpid())).match, lines) if m]
    running.until(made, fork)
    forked = [fork() for _ in range(10)]
    running.until(lambda lines: set(forked) <= set(made(lines)))
    _, status, said = running.interrupt()
    assert running.lines[0] == "local compile success." and status == 0 and said[-1] == "bye"
    assert printed.place.join("newTasks.so").check(file=True)


def test_surftrace(printed):
    running = printed.script("traced.py")

    def children(lines, pattern):
        return set(m.group(1) for m in map(re.compile(pattern).match, lines) if m)
    # Each event is switched on by itself: the first children are seen by one of them alone.
    running.until(lambda lines: children(lines, r".*\(wake_up_new_task.* comm=\"%s\" pid=(\d+)$" % NAME)
                  & children(lines, r".* sched_process_exit: comm=%s pid=(\d+) " % NAME), fork)
    _, status, _ = running.interrupt()
    # Lines come as soon as an event is switched on: Ctrl-C may find start(), which raises, or loop().
    assert status in (0, -signal.SIGINT)


def test_doctor(printed):
    assert "The tutorial's programs run here." in printed.coolbpf("doctor")
