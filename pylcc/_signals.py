"""Waiting for signals."""

import contextlib
import errno
import os
import signal

from pylcc import errors


@contextlib.contextmanager
def noting():
    """Gives a function that tells whether Python has handled a signal since it was asked last.

    The main thread handles them: elsewhere, and where others are told of them already, such as asyncio,
    it says no."""
    if _elsewhere():
        yield lambda: False
        return
    come, note = _pipe()
    try:
        signal.set_wakeup_fd(note)
        yield lambda: _noted(come)
    finally:
        signal.set_wakeup_fd(-1)  # before its number can be another file's
        os.close(come)
        os.close(note)


def _elsewhere():
    """Whether this is another thread, or others are told of signals."""
    try:
        before = signal.set_wakeup_fd(-1)
    except ValueError:
        return True
    if before != -1:
        signal.set_wakeup_fd(before)
    return before != -1


def _noted(come):
    try:
        return bool(os.read(come, 4096))
    except OSError:
        return False  # there is nothing


def wait(interrupted):
    """Return when Python has handled a signal, in the main thread; of Ctrl-C interrupted() is called.

    Signals are noted in a pipe: unlike signal.pause() this sees also one that came just before."""
    came = []

    def handle(*_):
        came.append(True)
        interrupted()

    come, note = _pipe()
    try:
        before = signal.signal(signal.SIGINT, handle)
        try:
            noted_before = signal.set_wakeup_fd(-1)
            try:
                signal.set_wakeup_fd(note)
                if not came:
                    _readable(come)
            finally:
                signal.set_wakeup_fd(noted_before)
        finally:
            # One that was installed in C, which is None, cannot be put back.
            signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
    finally:
        os.close(come)
        os.close(note)


def _pipe():
    """A pipe that nobody waits for and no other program gets."""
    try:
        if hasattr(os, "pipe2"):
            return os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        ends = os.pipe()
    except EnvironmentError as e:
        raise errors.SystemException("wait for signals: %s (ulimit -n sets how many)" % e.strerror, "", e.errno)
    import fcntl
    for fd in ends:
        fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
    return ends


def _readable(fd):
    import select  # which takes time to load, and few wait
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        try:
            if poll.poll():
                return
        except select.error as e:  # Python 2
            if e.args[0] != errno.EINTR:
                raise
