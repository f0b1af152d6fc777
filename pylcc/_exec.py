"""Other programs: run to their end, talked to, or followed by what they write."""

import codecs
import errno
import os
import sys
import threading

from pylcc._lib import native, print_exception, text, utf8
from pylcc.errors import ExecException, FileNotExistException, InvalidArgsException, SystemException

__all__ = ["CexecCmd", "CasyncPipe", "CasyncCmdQue", "ON_POSIX"]

ON_POSIX = "posix" in sys.builtin_module_names

_PIPE = -1  # subprocess.PIPE
_READ = 1 << 16
_AGAIN = 0.1  # seconds between two looks at a file
_CLOEXEC = getattr(os, "O_CLOEXEC", 0o2000000)  # Linux has it, Python 2 no name for it
_LAST = 64  # reads after the end was asked for


# subprocess, select and shlex are imported where they are used: every script imports this module,
# and few use it.


def _start(command, **pipes):
    import subprocess
    try:
        return subprocess.Popen(command, **pipes)
    except OSError as e:
        raise ExecException("run %s: %s" % (command[0], e.strerror), "", e.errno)


def _ready(files, seconds):
    """Those descriptors that have data, or an end, within some seconds (None: whenever)."""
    import select
    poll = select.poll()
    for f in files:
        poll.register(f, select.POLLIN)
    try:
        return [f for f, _ in poll.poll(None if seconds is None else seconds * 1000)]
    except select.error:
        return []  # a signal, on Python 2


def _command(given):
    return native(utf8(text(given, "command", nul=True)))


def _words(command):
    import shlex
    command = _command(command)
    try:
        words = shlex.split(command)
    except ValueError as e:
        raise ExecException("run %r: %s" % (command, e))
    if not words:
        raise ExecException("run %r: it names no program" % command)
    if "\0" in command:
        raise ExecException("run %r: there is a NUL in it" % command)
    return words


class CexecCmd(object):
    """Programs that run to their end. Both calls work on the class as well."""

    @staticmethod
    def cmd(cmds):
        """What the command cmds writes, without blanks around it. There is no shell: quotes are
        understood, "|", ">" and "$" are not. Its errors are dropped.

        ExecException, which is an OSError, when it cannot be started."""
        with open(os.devnull, "r+b") as nothing:
            process = _start(_words(cmds), stdin=nothing, stdout=_PIPE, stderr=nothing)
        return native(process.communicate()[0]).strip()

    @staticmethod
    def system(cmds):
        """What the shell's command line cmds writes, as it is. Never pass on what others may choose."""
        process = _start(["/bin/sh", "-c", _command(cmds).replace("\0", "").strip()], stdout=_PIPE)
        return native(process.communicate()[0])


class CasyncPipe(threading.Thread):
    """A thread, started by its constructor, that calls func(line) for each line that comes from
    file f: a pipe, one of tracefs, or one that others append to. The line has no blanks around it.

    An exception in func is printed. newCb() sets another func, terminate() ends the thread."""

    def __init__(self, f, func):
        threading.Thread.__init__(self, name="CasyncPipe %s" % f)
        self.daemon = True
        if not callable(func):
            raise InvalidArgsException("read %s: func is not callable: %r" % (f, func))
        try:
            self._file = os.open(utf8(text(f, "file")), os.O_RDONLY | os.O_NONBLOCK | _CLOEXEC)
        except OSError as e:
            kind = FileNotExistException if e.errno == errno.ENOENT else SystemException
            raise kind("read %s: %s" % (f, e.strerror), "", e.errno)
        self._told = threading.Event()
        self._func = func
        self.start()

    def newCb(self, func):
        """Call func from now on."""
        self._func = func

    def run(self):
        rest, left = b"", _LAST
        try:
            while left:
                told = self._told.is_set()  # before what is there then is read
                # Tracefs says late that there is something to read: look at least that often.
                ready = _ready([self._file], _AGAIN)
                data = self._read()
                if told:
                    left = left - 1 if data else 0
                elif not data and ready:
                    self._told.wait(_AGAIN)  # the end of a file, for now
                lines = (rest + data).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    self._deliver(native(line).strip())
        finally:
            os.close(self._file)

    def _read(self):
        try:
            return os.read(self._file, _READ)
        except OSError:
            return b""  # nothing there after all; what is wrong with it stays so

    def _deliver(self, line):
        try:
            self._func(line)
        except Exception:
            print_exception()

    def terminate(self):
        """End the thread; what is there is delivered first."""
        self._told.set()
        if threading.current_thread() is not self:
            self.join()


class CasyncCmdQue(object):
    """A program that is talked to by its standard input and output: cmd, without a shell.

    Raises ExecException, which is an OSError, when it cannot be started."""

    def __init__(self, cmd):
        self._process = _start(_words(cmd), bufsize=0, stdin=_PIPE, stdout=_PIPE, close_fds=True)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def write(self, cmd):
        """Send the text cmd; -1 when the program does not listen any more."""
        try:
            self._process.stdin.write(cmd if isinstance(cmd, bytes) else cmd.encode("utf-8"))
            self._process.stdin.flush()
        except (IOError, ValueError):
            return -1

    def writeLine(self, cmd):
        """Send the line cmd, as write() does."""
        return self.write(cmd + "\n")

    def read(self, tmout=0.2, l=16384):  # noqa: E741
        """What it wrote, at most l bytes; "" when nothing comes within tmout seconds."""
        output = self._process.stdout.fileno()
        if not _ready([output], tmout):
            return ""
        said = self._decode(os.read(output, l))
        return said.encode("utf-8") if str is bytes else said

    def readw(self, want, tries=100):
        """All that it writes until want is in it. ExecException when that is not so after tries
        times 0.2 seconds."""
        said = ""
        for _ in range(tries):
            said += self.read()
            if want in said:
                return said
        raise ExecException("wait for %r: the program did not write it" % want, said)

    def terminate(self):
        """End the program; its exit status, negative for a signal."""
        if self._process.poll() is None:
            self._process.terminate()
        status = self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        return status
