"""The reader of one perf buffer: runs of records from liblcc, handed out one by one or whole."""

import ctypes as ct
import sys
import threading
import time
from itertools import repeat

from pylcc import _lib, errors
from pylcc._session import Handle
from pylcc._signals import noting

try:
    from itertools import imap as map, izip as zip  # Python 2
    range = xrange  # noqa: F821
except ImportError:
    pass

_BUFFER = 1 << 20
_RUNS = 1024
_SLICE_MS = 1000  # a signal ends a wait, but one that comes just before it
NOTHING = (object(), None, None)  # is being handed out


def now():
    """Milliseconds, for deadlines."""
    return getattr(time, "monotonic", time.time)() * 1000


class Run(object):
    """Records of equal size from one CPU, and how many were lost before them."""

    def __init__(self, run, base):
        self.cpu, self.size, self.stride, self.count, self.lost = run.cpu, run.size, run.stride or 1, run.count, run.lost
        self.offset = run.offset
        self._first, self._end = base + run.offset, base + run.offset + self.count * self.stride
        self._left = iter(range(self._first, self._end, self.stride))
        self._losses = iter((run.lost,) if run.lost else ())
        self._whole = None

    @property
    def left(self):
        """How many records have not been handed out."""
        taken = self._whole is not None and not self._whole.__length_hint__()
        return 0 if taken else self._left.__length_hint__()

    @property
    def over(self):
        return not (self.left or self._losses.__length_hint__())

    def rest(self, address):
        """How many bytes of a record of this run begin at address; None when it is in none."""
        if not self._first <= address < self._end:
            return None
        return max(0, self.size - (address - self._first) % self.stride)

    def hand_out(self, callback, lost, rows, current, name):
        """Call lost(cpu, count), then callback(cpu, address, size) for each record; print their Exceptions.

        Meanwhile current[name] is (address, row, make): the very object that callback gets, and what
        make(row) makes the value of. rows(run, n): an iterator over the last n rows, and make.

        Python handles signals between any two instructions. But map takes an argument and calls in
        one step, in C: what it took has been handed out, what is left is so the next time."""
        addresses = list(range(self._end - self.left * self.stride, self._end, self.stride))
        self._left = iter(addresses)
        calls = map(callback, repeat(self.cpu), self._left, repeat(self.size))
        try:
            while not self.over:
                try:
                    self._tell(lost)
                    left = self.left
                    unpacked, make = rows(self, left)
                    for current[name] in zip(addresses[len(addresses) - left:], unpacked, repeat(make)):
                        next(calls)
                except Exception:
                    _lib.print_exception()
        finally:
            current[name] = NOTHING

    def tell(self, lost):
        """Call lost(cpu, count) where records were lost, and print its Exception."""
        try:
            self._tell(lost)
        except Exception:
            _lib.print_exception()

    def _tell(self, lost):
        if self._losses.__length_hint__():
            next(map(lost, repeat(self.cpu), self._losses))

    def take(self, read):
        """What read(address) makes of the next record."""
        value = read(self._end - self.left * self.stride)
        next(self._left)
        return value

    def whole(self, make):
        """An iterator over make(run, n), of the n records that are left: to take it is to hand them out."""
        self._whole = iter((make(self, self.left),))
        return self._whole


class Reader(Handle):
    """The perf rings of one map, or a ring buffer."""

    def __init__(self, session, index):
        Handle.__init__(self, "lcc_events_open", session.number, index, 0)
        self.session = session  # a session that goes away closes its readers
        self.buffer = bytearray(_BUFFER)
        self._memory = (ct.c_char * _BUFFER).from_buffer(self.buffer)
        self.base = ct.addressof(self._memory)
        self._described = (_lib.Run * _RUNS)()
        self._count = ct.c_uint32(0)  # of those that were read and are not yet in _pending
        self._pending = []  # the next to deliver comes last
        self._poller = {}

    def rest(self, address):
        """How many bytes of a record being delivered begin at address; None when it is in none."""
        return self._pending[-1].rest(address) if self._poller and self._pending else None

    def fileno(self):
        """A descriptor to wait for: see lcc_events_fd."""
        fd = ct.c_int32(0)
        self.call("lcc_events_fd", ct.byref(fd))
        return fd.value

    def poll(self, deliver, deadline):
        """Hand each run to deliver(run), which takes what is left in it.

        Returns when deadline has passed by now(); without one (None) when Python has handled a signal.
        What raises, in deliver or in the handler of a signal, leaves what was read already to the next call."""
        token = _token()
        if deadline is not None:
            for run in self._runs(token, deadline):
                deliver(run)
            return
        with noting() as signalled:
            for run in self._runs(token, deadline, signalled):
                deliver(run)

    def batches(self, make, lost, deadline):
        """A generator of iterators: for each run make(run, n), as Run.whole has it, after lost was called."""
        token = _token()
        for run in self._runs(token, deadline):
            run.tell(lost)
            yield run.whole(make)

    def values(self, read, lost, deadline):
        """A generator of what read(address) makes of each record."""
        token = _token()
        for run in self._runs(token, deadline):
            run.tell(lost)
            while run.left:
                self._claim(token)
                yield run.take(read)

    def _runs(self, token, deadline, signalled=lambda: False):
        """A generator of runs. One is the next until nothing is left in it."""
        begun = False
        try:
            while True:
                self._claim(token)
                self._collect()
                if self._pending:
                    yield self._pending[-1]
                    continue
                if begun and (signalled() if deadline is None else now() >= deadline):
                    return
                left = _SLICE_MS if deadline is None else min(_SLICE_MS, max(0, deadline - now()))
                self.call("lcc_events_read", self.base, _BUFFER, int(left), self._described, _RUNS, ct.byref(self._count))
                begun = True
        finally:
            if self._poller.get(0) is token:  # which a signal may prevent
                del self._poller[0]

    def _claim(self, token):
        """One at a time hands out records; who is suspended meanwhile does not."""
        other = self._poller.setdefault(0, token)
        if other is not token:
            if _polls(other):
                raise errors.InvalidArgsException(
                    "poll a perf buffer: it is being polled already (one thread a map; not from its own callback)")
            self._poller[0] = token

    def _collect(self):
        # A signal may come between any two lines: what was read is in _described, in _pending, or in both.
        if self._count.value:
            self._pending = [Run(run, self.base) for run in self._described[:self._count.value]][::-1]
            self._count.value = 0
        while self._pending and self._pending[-1].over:
            self._pending.pop()


def _token():
    return threading.current_thread().ident, object()


_HANDING = [function.__code__ for function in (Reader.poll, Reader.batches, Reader.values, Reader._runs)]


def _polls(token):
    """Whether a call that has this token is on its thread's stack."""
    frame = sys._current_frames().get(token[0])
    while frame is not None:
        if frame.f_code in _HANDING and frame.f_locals.get("token") is token:
            return True
        frame = frame.f_back
    return False
