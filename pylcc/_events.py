"""The reader of one perf buffer: batches from liblcc, handed out record by record."""

import ctypes as ct
import sys
import threading
import traceback
from itertools import repeat

from pylcc import _lib, errors
from pylcc._session import Handle

try:
    from itertools import imap as map, izip as zip  # Python 2
    range = xrange  # noqa: F821
except ImportError:
    pass

_BUFFER = 1 << 20
_RUNS = 1024
_SLICE_MS = 1000  # a signal ends a wait, but one that comes just before it
NOTHING = (object(), None, None)  # is being handed out


class Run(object):
    """Records of equal size from one CPU, and how many were lost before them."""

    def __init__(self, run, base):
        self.cpu, self.size, self.stride, self.count = run.cpu, run.size, run.stride or 1, run.count
        self.offset = run.offset
        self._first, self._end = base + run.offset, base + run.offset + self.count * self.stride
        self._addresses = list(range(self._first, self._end, self.stride))
        self._left = iter(self._addresses)
        self._losses = iter((run.lost,) if run.lost else ())

    def rest(self, address):
        """How many bytes of a record of this run begin at address; 0 when it is in none."""
        if not self._first <= address < self._end:
            return 0
        return max(0, self.size - (address - self._first) % self.stride)

    def hand_out(self, callback, lost, rows, current, name):
        """Call lost(cpu, count), then callback(cpu, address, size) for each record; print their Exceptions.

        Meanwhile current[name] is (address, row, make): the very object that callback gets, and what
        make(row) makes the value of. rows(run, n): an iterator over the last n rows, and make.

        Python handles signals between any two instructions. But map takes an argument and calls in
        one step, in C: what it took has been handed out, what is left is so the next time."""
        losses = map(lost, repeat(self.cpu), self._losses)
        calls = map(callback, repeat(self.cpu), self._left, repeat(self.size))
        try:
            while self._losses.__length_hint__() or self._left.__length_hint__():
                try:
                    next(losses, None)
                    left = self._left.__length_hint__()
                    unpacked, make = rows(self, left)
                    for current[name] in zip(self._addresses[self.count - left:], unpacked, repeat(make)):
                        next(calls)
                except Exception:
                    traceback.print_exc()
        finally:
            current[name] = NOTHING


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

    def rest(self, address):
        """How many bytes of a record being delivered begin at address."""
        return self._pending[-1].rest(address) if self._poller and self._pending else 0

    def poll(self, deliver, deadline, now):
        """Hand each run to deliver(run), which takes what is left in it.

        Returns when deadline (None: never) has passed by the clock now. What ends the call early, in
        deliver or by a signal, leaves what was read already to the next call."""
        token = (threading.current_thread().ident, object())
        try:
            other = self._poller.setdefault(0, token)
            if other is not token:
                if self._polls(other[0], sys._getframe().f_back):
                    raise errors.InvalidArgsException(
                        "poll a perf buffer: it is being polled already (one thread a map; not from its own callback)")
                self._poller[0] = token
            self._deliver(deliver)
            while True:
                left = _SLICE_MS if deadline is None else min(_SLICE_MS, max(0, deadline - now()))
                self.call("lcc_events_read", self.base, _BUFFER, int(left), self._runs, _RUNS, ct.byref(self._count))
                self._deliver(deliver)
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

    def _deliver(self, deliver):
        # A signal may come between any two lines: what was read is in _runs, in _pending, or in both.
        if self._count.value:
            self._pending = [Run(run, self.base) for run in self._runs[:self._count.value]][::-1]
            self._count.value = 0
        while self._pending:
            deliver(self._pending[-1])
            self._pending.pop()
