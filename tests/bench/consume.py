"""consume.py KIND [HOW...]: receives events as a script of coolbpf does, on each Python.

KIND: record, wide: getMap as the tutorial has it; count, get: less of it; old: ctypes.string_at and
event(bytes); lone: note the delay; kept: keep all events; busy: an other thread computes all the time; a number:
records of so many bytes; columns: batches, with numpy; lists: without. HOW: see shared.Consumer."""

import ctypes
import sys
import threading
import time

from pylcc.lbcBase import ClbcBase

import shared


class Events(ClbcBase, shared.Consumer):
    def __init__(self, name, body):
        shared.Consumer.__init__(self)
        ClbcBase.__init__(self, name, bpf_str=shared.ours(body))
        self.kept = []

    def _cb(self, cpu, data, size):
        e = self.getMap("e_out", data, size)
        e.ts, e.pid, e.comm
        self.received += 1

    def _old(self, cpu, data, size):
        stream = ctypes.string_at(data, size)
        e = self.maps["e_out"].event(stream)
        e.ts, e.pid, e.comm
        self.received += 1

    def _count(self, cpu, data, size):
        self.received += 1

    def _get(self, cpu, data, size):
        self.getMap("e_out", data, size)
        self.received += 1

    def _first(self, cpu, data, size):
        self.getMap("e_out", data, size).ts
        self.received += 1

    def _lone(self, cpu, data, size):
        e = self.getMap("e_out", data, size)
        self.delays.append(time.monotonic_ns() - e.ts)
        self.received += 1

    def _keep(self, cpu, data, size):
        self.kept.append(self.getMap("e_out", data, size))
        self.received += 1

    def _lost(self, cpu, count):
        self.lost += count

    def open(self, cb):
        self.maps["e_out"].open_perf_buffer(cb, self._lost)

    def loop(self):
        while True:  # it returns when a signal asked what came so far
            self.maps["e_out"].perf_buffer_poll()

    def once(self):
        self.maps["e_out"].perf_buffer_poll(0)


class Columns(Events):
    """Takes the columns of batches, and uses two."""

    def open(self, greatest):
        self.greatest = greatest
        self.once()

    def loop(self, timeout=-1):
        for batch in self.maps["e_out"].batches(timeout):
            if len(batch):
                self.greatest(batch["ts"]), self.greatest(batch["pid"]), batch["comm"]
            self.received += len(batch)
            self.lost += batch.lost

    def once(self):
        self.loop(0)


def compute():
    while True:
        sum(range(1000))


def events(kind):
    if kind.isdigit():
        found = Events("size" + kind, shared.sized(int(kind)))
        found.open(found._first)
    elif kind in ("columns", "lists"):
        numpy = sys.modules["numpy"] = __import__("numpy") if kind == "columns" else None
        found = Columns("record", shared.RECORD)
        found.open(numpy.max if numpy else max)
    else:
        found = Events("wide", shared.WIDE) if kind == "wide" else Events("record", shared.RECORD)
        found.open({"count": found._count, "get": found._get, "old": found._old, "lone": found._lone,
                    "kept": found._keep}.get(kind, found._cb))
    return found


if __name__ == "__main__":
    if sys.argv[1] == "busy":
        other = threading.Thread(target=compute)
        other.daemon = True
        other.start()
    events(sys.argv[1]).main(*sys.argv[2:])
