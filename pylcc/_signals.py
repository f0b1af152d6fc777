"""Waiting for signals."""

import errno
import fcntl
import os
import select
import signal


def wait(interrupted):
    """Return when Python has handled a signal, in the main thread; of Ctrl-C interrupted() is called.

    Signals are noted in a pipe: unlike signal.pause() this sees also one that came just before."""
    came = []

    def handle(*_):
        came.append(True)
        interrupted()

    come, note = os.pipe()
    try:
        for fd in (come, note):
            fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)  # which Python 2 does not set
            fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
        before = signal.signal(signal.SIGINT, handle)
        try:
            noted_before = signal.set_wakeup_fd(note)
            try:
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


def _readable(fd):
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        try:
            if poll.poll():
                return
        except select.error as e:  # Python 2
            if e.args[0] != errno.EINTR:
                raise
