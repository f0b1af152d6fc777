"""Signals, forks, threads, and what is left in the kernel when a script has ended."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from kernel import Objects
from programs import FORKS, fork_once, load, mine, open_files, poll_until
from pylcc import errors

HERE = os.path.dirname(os.path.abspath(__file__))


class Script(object):
    """A script in a process of its own, in the style of the tutorial; ready when it says so."""

    def __init__(self, tmpdir, body):
        text = "import os, sys, time\nsys.path.insert(0, %r)\nfrom programs import *\n" % HERE
        path = tmpdir.join("script.py")
        path.write(text + textwrap.dedent(body))
        self.process = subprocess.Popen([sys.executable, "-B", str(path)], cwd=str(tmpdir), stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, universal_newlines=True)
        self.said = []
        self.wait_for("ready")

    def wait_for(self, word):
        for line in iter(self.process.stdout.readline, ""):
            self.said.append(line)
            if word in line:
                return
        pytest.fail("the script ended without saying %r:\n%s" % (word, "".join(self.said)))

    def end(self, number):
        """Send a signal; (seconds until it ended, exit status, what it said after)."""
        start = time.time()
        self.process.send_signal(number)
        rest = self.process.communicate()[0]
        return time.time() - start, self.process.returncode, rest


POLLING = """
    class Forks(ClbcBase):
        def __init__(self):
            super(Forks, self).__init__("t", bpf_str=mine(FORKS))
        def _cb(self, cpu, data, size):
            print("fork %d" % self.getMap("e_out", data, size).child)
            sys.stdout.flush()
            INSIDE
        def loop(self):
            self.maps["e_out"].open_perf_buffer(self._cb)
            print("ready")
            sys.stdout.flush()
            WORK
            try:
                self.maps["e_out"].perf_buffer_poll()
            except KeyboardInterrupt:
                print("key interrupt.")
                exit()
    Forks().loop()
"""


def polling(inside="pass", work="pass"):
    return POLLING.replace("INSIDE", inside).replace("WORK", work)


def interrupted(tmpdir, body, word="ready"):
    """Ctrl-C ends the script within 0.2 s and in its own words; a noisy machine has three attempts."""
    took = []
    while not took or took[-1] >= 0.2 and len(took) < 3:
        script = Script(tmpdir, body)
        if word != "ready":
            script.wait_for(word)
        seconds, status, said = script.end(signal.SIGINT)
        assert (status, said) == (0, "key interrupt.\n")
        took.append(seconds)
    assert took[-1] < 0.2, took


def test_ctrl_c_in_a_poll(tmpdir):
    interrupted(tmpdir, polling(work="fork_once()"), "fork")


def test_ctrl_c_inside_a_callback(tmpdir):
    endless = "print('inside'); sys.stdout.flush(); any(time.sleep(0.05) for _ in iter(int, 1))"
    interrupted(tmpdir, polling(endless, "fork_once()"), "inside")


def test_ctrl_c_in_a_sleep_loop(tmpdir):
    interrupted(tmpdir, """
        lbc = load(".", mine(FORKS))
        try:
            print("ready")
            sys.stdout.flush()
            while True:
                time.sleep(0.1)
        except KeyboardInterrupt:
            print("key interrupt.")
            exit()
    """)


def test_exit_in_a_callback_ends_the_program(tmpdir):
    script = Script(tmpdir, polling("exit(7)", "fork_once()"))
    out = script.process.communicate()[0]
    assert script.process.returncode == 7 and out.count("fork") == 1


def test_ctrl_c_ends_a_compilation(tmpdir):
    """A compiler that does not end is killed, with what it has started; Ctrl-C is Python's as ever."""
    compiler = tmpdir.join("clang")
    compiler.write("#!/bin/sh\necho $$ >%s\nsleep 300\n" % tmpdir.join("pid"))
    compiler.chmod(0o755)
    script = tmpdir.join("script.py")
    script.write("from pylcc import ClbcBase\ntry:\n    ClbcBase('t', bpf_str='int x;')\nexcept KeyboardInterrupt:\n    print('interrupt')\n")
    child = subprocess.Popen([sys.executable, "-B", str(script)], cwd=str(tmpdir), stdout=subprocess.PIPE, universal_newlines=True,
                             env=dict(os.environ, LBC_CLANG=str(compiler)))
    while not (tmpdir.join("pid").check() and tmpdir.join("pid").read().strip()):
        assert child.poll() is None
        time.sleep(0.01)
    start = time.time()
    child.send_signal(signal.SIGINT)
    assert child.communicate()[0] == "interrupt\n" and time.time() - start < 30
    assert not os.path.exists("/proc/%s" % tmpdir.join("pid").read().strip())
    assert not tmpdir.join("t.so").check()


@pytest.mark.parametrize("how", ["close", "garbage", "exit", "SIGKILL", "SIGTERM"])
def test_nothing_stays_in_the_kernel(tmpdir, how):
    if how in ("close", "garbage"):
        kept = [load(tmpdir, mine(FORKS))]  # an assertion may keep a variable, not what was in a list
        kept[0].maps["e_out"].open_perf_buffer(lambda *_: None)
        objects = Objects(os.getpid())
        assert len(objects) == 2
        if how == "close":
            kept[0].close()
        del kept[:]
        import gc
        gc.collect()
    else:
        script = Script(tmpdir, polling())
        objects = Objects(script.process.pid)
        assert len(objects) == 2
        script.end({"exit": signal.SIGINT}.get(how) or getattr(signal, how))
    assert objects.gone()


def test_a_leaked_link_is_noticed(tmpdir):
    """The check above can fail: a child that keeps the file descriptors keeps the program."""
    script = Script(tmpdir, """
        lbc = load(".", mine(FORKS))
        keeper = os.fork()
        if keeper == 0:
            time.sleep(300)
            os._exit(0)
        print("keeper %d ready" % keeper)
        sys.stdout.flush()
        time.sleep(300)
    """)
    keeper = int(script.said[-1].split()[1])
    objects = Objects(script.process.pid)
    assert len(objects) == 2
    try:
        script.process.kill()
        script.process.wait()
        assert not objects.gone(seconds=1)
    finally:
        os.kill(keeper, signal.SIGKILL)
    assert objects.gone()


def test_a_forked_child_gets_a_sentence_and_the_parent_keeps_its_probes(tmpdir):
    with load(tmpdir, mine(FORKS)) as lbc:
        got = []
        buffer = lbc.maps["e_out"]
        buffer.open_perf_buffer(lambda cpu, data, size: got.append(lbc.getMap("e_out", data, size).child))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            said = []
            for use in (lambda: buffer.perf_buffer_poll(timeout=0), lbc.close, lambda: load(tmpdir, mine(FORKS))):
                try:
                    use()
                    said.append("no exception")
                except errors.ForkException as e:
                    said.append(str(e))
            os.write(writing, "\n".join(said).encode())
            lbc.maps.clear()
            buffer = None  # the finalizer of its reader runs
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as f:
            said = f.read().split("\n")
        assert os.waitpid(child, 0)[1] == 0
        assert len(said) == 3 and all("process %d" % os.getpid() in line for line in said), said
        later = fork_once()
        poll_until(buffer, lambda: later in got)
        assert child in got


def test_fork_before_use_works(tmpdir):
    script = Script(tmpdir, """
        import pylcc
        child = os.fork()
        if child == 0:
            lbc = load(".", mine(FORKS))
            print("loaded in the child, ready")
            sys.stdout.flush()
            os._exit(0)
        os._exit(os.waitpid(child, 0)[1])
    """)
    assert script.process.wait() == 0


def test_signal_handlers_are_left_alone(tmpdir):
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    try:
        with load(tmpdir, mine(FORKS)):
            os.kill(os.getpid(), signal.SIGUSR1)
            for _ in range(100):
                if seen:
                    break
                time.sleep(0.01)
        assert seen == [1]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_only_the_go_runtimes_handlers_are_installed(tmpdir):
    """Compared with a Python that loaded nothing: SigCgt in /proc/self/status."""
    code = """
        caught = lambda: [int(l.split()[1], 16) for l in open("/proc/self/status") if l.startswith("SigCgt")][0]
        before = caught()
        lbc = load(".", mine(FORKS))
        print("handlers %x ready" % (caught() & ~before))
    """
    script = Script(tmpdir, code)
    mask = int(script.said[-1].split()[1], 16)
    names = set(name for name in dir(signal) if name.startswith("SIG") and not name.startswith("SIG_")
                and mask >> (getattr(signal, name) - 1) & 1)
    # ABRT, TRAP, SYS and so on are the runtime's too; what users handle themselves is not.
    assert not names & {"SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGWINCH"}
    script.process.wait()


@pytest.mark.parametrize("limit, most, says", [
    ("AS", 1 << 30, "load liblcc: no room for 2048 MiB of addresses (ulimit -v unlimited)"),
    ("NOFILE", 6, "load liblcc: Too many open files (ulimit -n sets how many)")])
def test_no_room_for_the_library(tmpdir, limit, most, says):
    """Go's runtime would abort."""
    script = tmpdir.join("script.py")
    script.write("import resource\nfrom pylcc import errors\nfrom pylcc._lib import ready\n"
                 "resource.setrlimit(resource.RLIMIT_%s, (%d, %d))\n"
                 "try:\n    ready()\nexcept errors.SystemException as e:\n    print(e)\n" % (limit, most, most))
    assert subprocess.check_output([sys.executable, "-B", str(script)], universal_newlines=True) == says + "\n"


def test_no_descriptors_left(tmpdir):
    """Whatever would take the next one says the same."""
    source = mine(FORKS) + "".join("LBC_HASH(m%d, u32, u32, 1);\n" % i for i in range(20))
    load(tmpdir, source).close()
    used, (soft, hard), said = open_files(), resource.getrlimit(resource.RLIMIT_NOFILE), []
    try:
        for spare in range(15, 55):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + spare, hard))
            try:
                with load(tmpdir, source) as lbc:
                    lbc.maps["e_out"].fileno()
            except errors.LccException as e:
                said.append(str(e))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert set(text.split()[0] for text in said) >= {"create", "load", "open"}
    assert all(text.endswith(": too many open files (ulimit -n sets how many)") for text in said), said


def test_sigchld_ignored_by_the_script(tmpdir):
    script = Script(tmpdir, """
        import signal
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        lbc = load(".", mine(FORKS))
        print("ready")
    """)
    assert "local compile success.\n" in script.said
    script.process.wait()


def test_constructor_and_poll_in_a_thread(tmpdir):
    got = []

    def work():
        with load(tmpdir, mine(FORKS)) as lbc:
            buffer = lbc.maps["e_out"]
            buffer.open_perf_buffer(lambda cpu, data, size: got.append(lbc.getMap("e_out", data, size).child))
            child = fork_once()
            poll_until(buffer, lambda: child in got)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert not thread.is_alive() and len(got) == 1


def test_a_daemon_without_a_standard_error(tmpdir):
    script = tmpdir.join("script.py")
    script.write("import os, sys\nsys.path.insert(0, %r)\nfrom programs import *\n"
                 "lbc = load('.', mine(FORKS) + 'int unused(void) { static int x; }')\nopen('pid', 'w').write('%%d' %% os.getpid())\n" % HERE)
    assert subprocess.call(["sh", "-c", 'exec "$0" -B script.py 2>&-', sys.executable], cwd=str(tmpdir)) == 0
    assert tmpdir.join("pid").read() and tmpdir.join("t.so").check()


WAITING = """
    import signal
    lbc = load(".", mine(FORKS), attach=0)
    pipes = len(os.listdir("/proc/self/fd"))

    def send(frame, event, what):
        if (event, getattr(what, "__name__", "")) == ("c_return", POINT):
            sys.setprofile(None)
            os.kill(os.getpid(), signal.SIGNAL)

    def handler(*_):
        print("handled")

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGUSR1, handler)
    sys.setprofile(send)
    print("ready")
    sys.stdout.flush()
    lbc.waitInterrupt(cb=lambda: sys.stdout.write("called\\n"))
    sys.setprofile(None)
    assert signal.getsignal(signal.SIGINT) is before and signal.set_wakeup_fd(-1) == -1
    assert len(os.listdir("/proc/self/fd")) == pipes
    print("returned")
"""


@pytest.mark.parametrize("number, point, says", [
    ("SIGINT", "signal", "called"), ("SIGINT", "set_wakeup_fd", "called"), ("SIGINT", "register", "called"), ("SIGUSR1", "register", "handled"),
    ("SIGINT", None, "called"), ("SIGUSR1", None, "handled")])
def test_a_wait_ends_whenever_the_signal_comes(tmpdir, number, point, says):
    """Sent by itself at the return of a call that the wait makes, or while it waits."""
    script = Script(tmpdir, WAITING.replace("POINT", repr(point)).replace("SIGNAL", number))
    if point is None:
        while not in_poll(script.process.pid):
            assert script.process.poll() is None
            time.sleep(0.01)
        script.process.send_signal(getattr(signal, number))
    guard = threading.Timer(60, script.process.kill)
    guard.start()
    try:
        assert script.process.communicate()[0].split() == [says, "returned"]
    finally:
        guard.cancel()


def in_poll(pid):
    """Whether the main thread waits in poll(2)."""
    with open("/proc/%d/syscall" % pid) as f:
        return f.read().split()[0] in {"x86_64": ("7", "271"), "aarch64": ("73",)}[os.uname()[4]]
