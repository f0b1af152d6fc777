"""consume.py KIND [HOW...]: receives events as a script of coolbpf does, on each Python.

KIND: record, wide: getMap as the tutorial has it; old: ctypes.string_at and event(bytes);
lone: note the delay; kept: keep all events; busy: an other thread computes all the time.
HOW: see shared.Consumer."""

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
        self.maps["e_out"].perf_buffer_poll()

    def once(self):
        self.maps["e_out"].perf_buffer_poll(0)


def compute():
    while True:
        sum(range(1000))


if __name__ == "__main__":
    kind = sys.argv[1]
    if kind == "busy":
        other = threading.Thread(target=compute)
        other.daemon = True
        other.start()
    events = Events("wide" if kind == "wide" else "record", shared.WIDE if kind == "wide" else shared.RECORD)
    events.open({"old": events._old, "lone": events._lone, "kept": events._keep}.get(kind, events._cb))
    events.main(*sys.argv[2:])
