"""Other programs: CexecCmd, CasyncPipe, CasyncCmdQue."""

import os
import sys
import threading

import pytest

from pylcc import errors
from pylcc.lbcBase import CexecCmd
from surftrace.execCmd import CasyncCmdQue, CasyncPipe, ON_POSIX

ECHO = "%s -c 'import sys\nfor line in iter(sys.stdin.readline, \"\"): sys.stdout.write(\"<%%s>\" %% line.strip()); sys.stdout.flush()'" % sys.executable


@pytest.mark.parametrize("c", [CexecCmd, CexecCmd()])
def test_commands(c, capfd):
    assert c.cmd("echo ' a  b ' '|' $HOME > /nonexistent/file") == "a  b  | $HOME > /nonexistent/file"
    assert c.cmd("ls /nonexistent/file") == "" and capfd.readouterr()[1] == ""
    assert c.system("\0 for i in 1 2; do echo $i | cat; done\0") == "1\n2\n"
    assert len(c.system("head -c 100000 /dev/zero | tr '\\0' x")) == 100000  # not cut
    assert isinstance(c.cmd("printf '\\303\\244\\377'"), str) and c.cmd("printf '\\303\\244'") == ("\xc3\xa4" if str is bytes else u"\xe4")
    with pytest.raises(errors.ExecException) as e:
        c.cmd("/nonexistent/program x")
    assert isinstance(e.value, OSError) and e.value.errno == 2 and str(e.value).startswith("run /nonexistent/program: No such file")
    with pytest.raises(errors.ExecException):
        c.cmd("echo 'open")
    for nothing in ("", "  ", "echo a\0b"):
        for call in (c.cmd, CasyncCmdQue):
            with pytest.raises(errors.ExecException) as e:
                call(nothing)
            assert str(e.value).startswith("run ")
    assert ON_POSIX is True


def test_following_a_file(tmpdir, capfd):
    path, got, came = tmpdir.join("log"), [], threading.Event()

    def take(line):
        got.append(line)
        came.set()
        if line == "bad":
            raise RuntimeError("of the callback")

    def add(text, expected):
        came.clear()
        with open(str(path), "a") as f:
            f.write(text)
        for _ in range(300):
            if got[-len(expected):] == expected:
                return
            came.wait(0.1)
            came.clear()
        raise AssertionError(got)
    path.write("one\n  two \npart")
    pipe = CasyncPipe(str(path), take)
    add("ial\nbad\n", ["one", "two", "partial", "bad"])
    add("after\n", ["after"])
    pipe.newCb(lambda line: take("new " + line))
    add("line\n", ["new line"])
    pipe.terminate()
    pipe.terminate()
    assert not pipe.is_alive() and "of the callback" in capfd.readouterr()[1]
    with pytest.raises(errors.FileNotExistException) as e:
        CasyncPipe(str(tmpdir.join("absent")), take)
    assert "absent: No such file" in str(e.value)


def test_a_pipe_ends_when_told(tmpdir):
    os.mkfifo(str(tmpdir.join("fifo")))
    got, came = [], threading.Event()
    pipe = CasyncPipe(str(tmpdir.join("fifo")), lambda line: (got.append(line), came.set()))
    with open(str(tmpdir.join("fifo")), "w") as f:
        f.write("through a fifo\n")
    assert came.wait(30) and got == ["through a fifo"]
    pipe.terminate()
    assert not pipe.is_alive()


def test_a_child_keeps_no_thread_from_ending(tmpdir):
    tmpdir.join("log").write("one\n")
    got = []
    pipe = CasyncPipe(str(tmpdir.join("log")), got.append)
    go, stop = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(stop)
        os.read(go, 1)
        os._exit(0)
    ending = threading.Thread(target=pipe.terminate)
    ending.daemon = True
    ending.start()
    ending.join(30)
    alive = ending.is_alive()
    os.close(go)
    os.close(stop)
    os.waitpid(child, 0)
    assert not alive and not pipe.is_alive() and got == ["one"]


def test_a_forked_child_ends_only_its_own(tmpdir):
    """A child that ends the thread it does not have leaves that of its parent alone."""
    tmpdir.join("log").write("one\n")
    got, came = [], threading.Event()
    pipe = CasyncPipe(str(tmpdir.join("log")), lambda line: (got.append(line), came.set()))
    assert came.wait(30)
    came.clear()
    child = os.fork()
    if child == 0:
        pipe.terminate()
        os._exit(7)
    assert os.waitpid(child, 0)[1] == 7 << 8
    tmpdir.join("log").write("two\n", "a")
    assert came.wait(30) and got == ["one", "two"]
    pipe.terminate()


def test_talking_to_a_program():
    q = CasyncCmdQue(ECHO)
    q.writeLine("hello")
    q.write(b"you\n")
    assert q.readw("<you>") == "<hello><you>"
    assert q.read(tmout=0.01) == ""
    q.writeLine("x" * 100)
    assert q.readw("x>") == "<%s>" % ("x" * 100)
    assert q.terminate() == -15 and q.write("more") == -1
    q = CasyncCmdQue("echo done")
    with pytest.raises(errors.ExecException) as e:
        q.readw("never", 3)
    assert e.value.log == "done\n"
    assert q.terminate() in (0, -15)
    with pytest.raises(errors.ExecException):
        CasyncCmdQue("/nonexistent/program")


@pytest.mark.parametrize("call", [lambda: CexecCmd.cmd(5), lambda: CexecCmd.system(None), lambda: CasyncPipe(5, print_nothing), lambda: CasyncPipe("/dev/null", 5),
                                  lambda: CasyncCmdQue(["a"])])
def test_what_is_no_command(call):
    with pytest.raises(errors.InvalidArgsException):
        call()


def print_nothing(line):
    """A callback that is never called."""
