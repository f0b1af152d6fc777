"""The reader of one perf buffer: batches from liblcc, handed out record by record."""

import ctypes as ct
import sys
import threading
import traceback
from collections import deque
from itertools import repeat

from pylcc import _lib, errors
from pylcc._session import Handle

try:
    from itertools import imap as map  # Python 2
    range = xrange  # noqa: F821
except ImportError:
    pass

_BUFFER = 1 << 20
_RUNS = 1024
_SLICE_MS = 1000  # a signal ends a wait, but one that comes just before it


class _Run(object):
    """Records of equal size from one CPU; losses and addresses are iterators over what is left."""

    def __init__(self, run, base):
        self.cpu, self.size, self.stride, self.count = run.cpu, run.size, run.stride or 1, run.count
        self.first = base + run.offset
        self.losses = iter((run.lost,) if run.lost else ())
        self.addresses = iter(range(self.first, self.first + self.count * self.stride, self.stride))

    def current(self):
        """(address, size) of the record that was taken last."""
        taken = self.count - self.addresses.__length_hint__()
        return (self.first + (taken - 1) * self.stride, self.size) if taken else (0, 0)


def _call(callback, *arguments):
    """Call it with each of the arguments; print its Exceptions.

    The loop is in C: a signal is handled in a callback, never between two of them, so that what was
    taken from the iterators has been handed out."""
    calls = map(callback, *arguments)
    while True:
        try:
            deque(calls, 0)
            return
        except Exception:
            traceback.print_exc()


class Reader(Handle):
    """Perf rings of one map, on every possible CPU."""

    def __init__(self, session, index):
        Handle.__init__(self, "lcc_events_open", session.number, index, 0)
        self._session = session  # a session that goes away closes its readers
        self.buffer = bytearray(_BUFFER)
        self._memory = (ct.c_char * _BUFFER).from_buffer(self.buffer)
        self.base = ct.addressof(self._memory)
        self._runs = (_lib.Run * _RUNS)()
        self._count = ct.c_uint32(0)  # of those that were read and are not yet in _pending
        self._pending = []  # the next to deliver comes last
        self._poller = {}

    @property
    def record(self):
        """(address, size) of the record being delivered."""
        return self._pending[-1].current() if self._poller and self._pending else (0, 0)

    def poll(self, deliver, lost, deadline, now):
        """Hand records to deliver(cpu, address, size) and losses to lost(cpu, count).

        Returns when deadline (None: never) has passed by the clock now. An Exception in a callback
        is printed; what else ends the call, in a callback or by a signal, leaves what was read
        already to the next call."""
        token = (threading.current_thread().ident, object())
        try:
            other = self._poller.setdefault(0, token)
            if other is not token:
                if self._polls(other[0], sys._getframe().f_back):
                    raise errors.InvalidArgsException(
                        "poll a perf buffer: it is being polled already (one thread a map; not from its own callback)")
                self._poller[0] = token
            self._deliver(deliver, lost)
            while True:
                left = _SLICE_MS if deadline is None else min(_SLICE_MS, max(0, deadline - now()))
                self.call("lcc_events_read", self.base, _BUFFER, int(left), self._runs, _RUNS, ct.byref(self._count))
                self._deliver(deliver, lost)
                if deadline is not None and now() >= deadline:
                    return
        finally:
            if self._poller.get(0) is token:  # which a signal may prevent
                del self._poller[0]

    def _polls(self, thread, caller):
        """Whether that thread is in poll(); caller: the frame that wants to."""
        frame = caller if thread == threading.current_thread().ident else sys._current_frames().get(thread)
        while frame is not None:
            if frame.f_code is Reader.poll.__code__ and frame.f_locals.get("self") is self:
                return True
            frame = frame.f_back
        return False

    def _deliver(self, deliver, lost):
        # A signal may come between any two lines: what was read is in _runs, in _pending, or in both.
        if self._count.value:
            self._pending = [_Run(run, self.base) for run in self._runs[:self._count.value]][::-1]
            self._count.value = 0
        while self._pending:
            run = self._pending[-1]
            _call(lost, repeat(run.cpu), run.losses)
            _call(deliver, repeat(run.cpu), run.addresses, repeat(run.size))
            self._pending.pop()
