"""consume_bcc.py KIND [HOW...]: receives the same events as a script of BCC does: see consume.py."""

import sys
import time

from bcc import BPF

import shared


class Events(shared.Consumer):
    def __init__(self):
        shared.Consumer.__init__(self)
        self.b = BPF(text=shared.bcc(shared.RECORD))

    def _cb(self, cpu, data, size):
        e = self.b["e_out"].event(data)
        e.ts, e.pid, e.comm
        self.received += 1

    def _lone(self, cpu, data, size):
        e = self.b["e_out"].event(data)
        self.delays.append(time.monotonic_ns() - e.ts)
        self.received += 1

    def _lost(self, count):
        self.lost += count

    def open(self, cb, **options):
        self.b["e_out"].open_perf_buffer(cb, lost_cb=self._lost, **options)

    def loop(self):
        while True:
            self.b.perf_buffer_poll()

    def once(self):
        self.b.perf_buffer_poll(0)


if __name__ == "__main__":
    events = Events()
    # A ring that has room for as much as ours, where it is to be filled.
    events.open(events._lone if sys.argv[1] == "lone" else events._cb, **({"page_cnt": 64} if "fill" in sys.argv else {}))
    events.main(*sys.argv[2:])
