"""A trace of the kernel's own (ftrace), in an instance of its own below tracefs."""

import atexit
import errno
import os
import re
import sys
import threading
import traceback

from pylcc import _lib
from pylcc._exec import CasyncPipe
from pylcc._session import tracefs
from pylcc.errors import InvalidArgsException, LccException, RootRequiredException

__all__ = ["ftrace", "save2File", "cmdStrings", "saveCmd"]

save2File = False
cmdStrings = "trap ':' INT QUIT TERM PIPE HUP\n"

_LOST = re.compile(r"CPU:\d+ \[LOST .*EVENTS\]|[\d.]+: +Unknown type +\d+")

_running = set()


def saveCmd(s):
    """Add the shell command s to cmdStrings, when save2File is set."""
    global cmdStrings
    if save2File:
        cmdStrings += s + "\n"


def _refused(what, e):
    if e.errno in (errno.EACCES, errno.EPERM):
        return RootRequiredException("%s: %s (run as root)" % (what, e.strerror), "", e.errno)
    return InvalidArgsException("%s: %s" % (what, e.strerror), "", e.errno)


class ftrace(object):
    """Reads the trace of an instance: start(), loop(), stop().

    Arguments:
        show      True: nothing is done in the kernel
        echo      True: print what is written, as shell commands
        instance  name of the directory below instances; when it is taken another one is added;
                  None: the kernel's main trace, which others may use at the same time
    Each line is given to procLine(), which subclasses replace. baseDir is where tracefs is."""

    def __init__(self, show=False, echo=True, instance="ftrace"):
        self._show, self._echo, self._instance = show, echo, instance
        self._pipe, self._owner, self._ended, self._lock = None, None, threading.Event(), threading.RLock()
        self.baseDir = None if show else tracefs()
        self._place = None

    def start(self):
        """Make the instance and read its trace, in a thread, until stop()."""
        with self._lock:
            self._open()
            self._write("tracing_on", "1")
            self._listen(self.procLine)

    def loop(self):
        """Wait for Ctrl-C, or for stop() in another thread; then stop."""
        try:
            while not self._ended.wait(1):  # without a limit Python 2 does not see the signal
                pass
        except KeyboardInterrupt:
            sys.stderr.write("\n")
        finally:
            self.stop()

    def stop(self):
        """Undo all that was done in the kernel; what was traced before is delivered. What cannot be
        undone is said on stderr.

        When Ctrl-C interrupts it, it goes on where it is called again, or when the process ends.
        Called by procLine(), or by a callback, it lets loop() do that."""
        self._ended.set()
        if threading.current_thread() is self._pipe:
            return
        with self._lock:
            if self._owner == os.getpid():
                self._undo()
                _running.discard(self)
                self._owner = None

    def tracePre(self, buffSize=2048):
        """Give the trace buffSize KiB for each CPU, and empty it."""
        self._write("buffer_size_kb", "%d" % buffSize)
        self._write("trace", "")

    def procLine(self, line):
        """Print a line of the trace; subclasses do other things."""
        print(line)

    def _open(self):
        if self._owner is not None or self._ended.is_set():
            raise InvalidArgsException("start a trace: %s (create a new one)" % ("it was stopped" if self._ended.is_set() else "it runs already"))
        self._place = self._make() if self._instance else self.baseDir
        self._owner = os.getpid()
        _running.add(self)
        if os.path.exists(os.path.join(self._place, "buffer_percent")):
            self._write("buffer_percent", "0")

    def _make(self):
        """Make the instance."""
        instances = os.path.join(self.baseDir, "instances")
        for name in (self._instance, "%s-%d-%d" % (self._instance, os.getpid(), id(self))):
            try:
                os.mkdir(os.path.join(instances, name))
                return os.path.join(instances, name)
            except OSError as e:
                refused = _refused("make %s" % os.path.join(instances, name), e)
                if e.errno != errno.EEXIST:
                    break
        raise refused

    def _listen(self, deliver):
        pipe = os.path.join(self._place, "trace_pipe")
        saveCmd("cat %s" % pipe)

        def line(text):
            if _LOST.search(text):
                sys.stderr.write("surftrace: %s\n" % text)
            elif text:
                deliver(text)
        self._pipe = CasyncPipe(pipe, line)

    def _undo(self):
        for step in self._undoing():
            try:
                step()
            except (LccException, EnvironmentError) as e:
                if e.errno != errno.ENOENT:  # else it is undone
                    sys.stderr.write("surftrace: undo the trace: %s\n" % e)

    def _undoing(self):
        """The steps of undoing it. Each may be repeated, and is taken whether others fail or not."""
        steps = [self._end_pipe] if self._pipe is not None else []
        if self._instance:
            steps = [lambda: self._write("tracing_on", "0")] + steps + [lambda: os.rmdir(self._place)]
        return steps

    def _end_pipe(self):
        self._pipe.terminate()

    def _write(self, path, value, append=False):
        """Write to a file of the instance, or of tracefs when path is absolute."""
        path = os.path.join(self._place, path)
        command = "echo '%s' %s %s" % (value, ">>" if append else ">", path)
        saveCmd(command)
        if self._echo:
            print(command)
        try:
            f = os.open(path, os.O_WRONLY | (os.O_APPEND if append else os.O_TRUNC))
            try:
                os.write(f, _lib.utf8(value + "\n"))
            finally:
                os.close(f)
        except OSError as e:
            raise _refused("write %r to %s" % (value, path), e)


@atexit.register
def _stop_all():
    """Probes that a process leaves behind stay in the kernel."""
    traces = list(_running)
    for trace in traces + traces:  # a second time what Ctrl-C interrupted
        try:
            trace.stop()
        except BaseException:
            traceback.print_exc()
