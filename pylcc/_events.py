"""The reader of one perf buffer: batches from liblcc, handed out record by record."""

import ctypes as ct
import threading

from pylcc import _lib, errors
from pylcc._session import Handle

_BUFFER = 1 << 20
_RUNS = 1024
_SLICE_MS = 100  # Python handles signals between two waits


class Reader(Handle):
    """Perf rings of one map, on every possible CPU."""

    def __init__(self, session, index):
        Handle.__init__(self, "lcc_events_open", session.number, index, 0)
        self._session = session  # a session that goes away closes its readers
        self.buffer = bytearray(_BUFFER)
        self._memory = (ct.c_char * _BUFFER).from_buffer(self.buffer)
        self.base = ct.addressof(self._memory)
        self._runs = (_lib.Run * _RUNS)()
        self._count = ct.c_uint32(0)
        self._batch = iter(())
        self._polling = threading.Lock()
        self.record = (0, 0)  # address and size of the record being delivered

    def poll(self, deliver, lost, deadline, now):
        """Hand records to deliver(cpu, address, size) and losses to lost(cpu, count).

        Returns when deadline (None: never) has passed by the clock now. An exception from a
        callback goes through; what was read already is delivered by the next call."""
        if not self._polling.acquire(False):
            raise errors.InvalidArgsException(
                "poll a perf buffer: it is being polled already (one thread a map; not from its own callback)")
        try:
            while True:
                for cpu, address, size, missed in self._batch:
                    if missed:
                        lost(cpu, missed)
                    else:
                        self.record = (address, size)
                        deliver(cpu, address, size)
                left = _SLICE_MS if deadline is None else min(_SLICE_MS, max(0, deadline - now()))
                if not self._read(left) and deadline is not None and now() >= deadline:
                    return
        finally:
            self.record = (0, 0)
            self._polling.release()

    def _read(self, timeout_ms):
        self.call("lcc_events_read", self.base, _BUFFER, int(timeout_ms), self._runs, _RUNS,
                  ct.byref(self._count))
        runs = self._runs[:self._count.value]
        self._batch = self._records(runs)
        return runs

    def _records(self, runs):
        for run in runs:
            cpu, size, stride = run.cpu, run.size, run.stride
            if run.lost:
                yield cpu, 0, 0, run.lost
            first = self.base + run.offset
            for address in range(first, first + run.count * stride, stride or 1):
                yield cpu, address, size, 0
