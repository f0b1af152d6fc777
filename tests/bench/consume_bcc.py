"""consume_bcc.py [HOW...]: receives the same events as a script of BCC does."""

import sys

from bcc import BPF

import shared


class Events(shared.Consumer):
    def __init__(self, **options):
        self.b = BPF(text=shared.bcc(shared.RECORD))
        self.b["e_out"].open_perf_buffer(self._cb, lost_cb=self._lost, **options)

    def _cb(self, cpu, data, size):
        e = self.b["e_out"].event(data)
        e.ts, e.pid, e.comm
        self.received += 1

    def _lost(self, count):
        self.lost += count

    def loop(self):
        while True:
            self.b.perf_buffer_poll()

    def once(self):
        self.b.perf_buffer_poll(0)


if __name__ == "__main__":
    # A ring that has room for as much as ours, where it is to be filled.
    Events(**({"page_cnt": 64} if sys.argv[1:] else {})).main(*sys.argv[1:])
