"""surfGraph: what a function of the kernel calls."""

import ast
import fcntl
import os

import pytest

from pylcc import errors
from running import fork, tracing
from surftrace.surfGraph import surfGraph

TRACEFS = tracing()


@pytest.fixture(autouse=True)
def alone():
    """There is one main trace, and other tests run beside these."""
    directory = os.open(TRACEFS, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    yield
    os.close(directory)


@pytest.mark.parametrize("mode", ["raw", "tree", "walk"])
def test_what_a_function_calls(capsys, mode):
    graph = surfGraph("wake_up_new_task", mode)
    graph.start()
    try:
        with pytest.raises(errors.InvalidArgsException) as e:
            surfGraph("wake_up_new_task").start()
        assert "function_graph is in use" in str(e.value)
        for _ in range(3):
            fork()
    finally:
        graph.stop()
    for file, content in (("current_tracer", "nop"), ("set_graph_function", "all functions enabled")):
        with open(os.path.join(TRACEFS, file)) as f:
            assert content in f.read()
    lines = capsys.readouterr()[0].splitlines()
    if mode == "raw":
        assert len([line for line in lines if "|  wake_up_new_task() {" in line]) >= 3
        return
    first = [i for i, line in enumerate(lines) if line.startswith(("wake_up_new_task ", "(0, "))]
    assert len(first) >= 3 and first[0] == 0
    if mode == "tree":
        assert all(lines[i].endswith(" us") for i in first) and lines[1].startswith("    ") and any("activate_task" in line or "enqueue_task" in line for line in lines)
    else:
        level, call = ast.literal_eval(lines[0])
        assert level == 0 and call["name"] == "wake_up_new_task" and call["us"] > 0 and ast.literal_eval(lines[1])[0] == 1


def test_graphs_that_cannot_be():
    with pytest.raises(ValueError):
        surfGraph("wake_up_new_task", "guess")
    with pytest.raises(errors.InvalidArgsException) as e:
        surfGraph("wake_up_new_task", "svg")
    assert "tree" in str(e.value)
    with pytest.raises(errors.InvalidArgsException):
        surfGraph("no_such_function_at_all").start()
    with open(os.path.join(TRACEFS, "current_tracer")) as f:
        assert f.read() == "nop\n"
