"""A program that runs beside a test, and the processes that it is to see."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

SECONDS = 60  # until something must have happened, also on an emulated machine
NAME = "lcc-maker"


class Running(object):
    """A command, and the lines it has printed so far."""

    def __init__(self, command, **options):
        self.lines = []
        self.ended = threading.Event()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env=dict(os.environ, PYTHONUNBUFFERED="1"), **options)
        reader = threading.Thread(target=self._read)
        reader.daemon = True
        reader.start()

    def _read(self):
        for line in iter(self.process.stdout.readline, b""):
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
        self.ended.set()

    def until(self, seen, work=lambda: None):
        """Do work again and again until seen(lines) is true; return that."""
        deadline = time.time() + SECONDS
        while time.time() < deadline:
            result = seen(self.lines)
            if result:
                return result
            self.alive()
            work()
            time.sleep(0.02)
        pytest.fail("not within %d s:\n%s" % (SECONDS, "\n".join(self.lines)))

    def interrupt(self):
        """Ctrl-C; (seconds until the next line, exit status, lines after it)."""
        start, before = time.time(), len(self.lines)
        self.process.send_signal(signal.SIGINT)
        self.until(lambda lines: self.ended.is_set() or len(lines) > before)
        seconds = time.time() - start
        assert self.ended.wait(SECONDS), "it goes on after Ctrl-C"
        return seconds, self.process.wait(), self.lines[before:]

    def alive(self):
        if self.ended.is_set():
            pytest.fail("it ended:\n" + "\n".join(self.lines))

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def python(directory, files, script, *arguments):
    """Run the script, one of the files, in the directory, with the Python that runs the tests."""
    for name, text in files.items():
        directory.join(name).write_binary(text.encode("utf-8"))
    return Running([sys.executable, script] + [str(a) for a in arguments], cwd=str(directory))


def fork(work=lambda: None):
    """The pid of a child that does the work and has ended."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    os.waitpid(child, 0)
    return child


# It has one thread: what clone3 makes there may use all that its parent may.
MAKER = """
import ctypes, os, signal, sys
for line in iter(sys.stdin.readline, ""):
    wanted = ctypes.c_int(int(line))
    arguments = (ctypes.c_uint64 * 11)()  # struct clone_args: exit_signal, set_tid, set_tid_size
    arguments[4], arguments[8], arguments[9] = signal.SIGCHLD, ctypes.addressof(wanted), 1
    child = ctypes.CDLL(None, use_errno=True).syscall(435, arguments, ctypes.sizeof(arguments))
    if child == 0:
        os._exit(0)
    if child > 0:
        os.waitpid(child, 0)
    sys.stdout.write("%d %s\\n" % (child, os.strerror(ctypes.get_errno())))
    sys.stdout.flush()
"""


class Maker(object):
    """A process that makes children with pids that are chosen beforehand (clone3, Linux 5.5)."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", MAKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def fork_as(self, pid):
        self.process.stdin.write(b"%d\n" % pid)
        answer = self.process.stdout.readline().split()
        assert int(answer[0]) == pid, answer

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def free_pid():
    """A pid that no process had lately or will have soon."""
    return (os.getpid() + 15000) % 30000 + 1000


def on_one_cpu(request):
    """Keep this thread on a CPU until the end of the test: records of several are read one CPU after another."""
    libc, before = ctypes.CDLL(None), ctypes.create_string_buffer(128)
    assert libc.sched_getaffinity(0, len(before), before) == 0 and libc.sched_setaffinity(0, 8, ctypes.byref(ctypes.c_uint64(1))) == 0
    request.addfinalizer(lambda: libc.sched_setaffinity(0, len(before), before))


def set_name(name):
    """Name this thread as its children will be named."""
    ctypes.CDLL(None).prctl(15, ctypes.c_char_p(name.encode()), 0, 0, 0)


def tracing():
    """The directory of tracefs, mounted where it was not."""
    place = "/sys/kernel/tracing"
    if not os.path.exists(place + "/trace_pipe"):
        subprocess.check_call(["mount", "-t", "tracefs", "tracefs", place])
    return place


def kernel_symbols():
    """[(address, name)] of the kernel's functions, sorted."""
    with open("/proc/kallsyms") as f:
        fields = (line.split() for line in f)
        return sorted((int(f[0], 16), f[2]) for f in fields if f[1] in "tTwW")
