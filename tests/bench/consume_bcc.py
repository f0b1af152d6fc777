"""consume_bcc.py: receives the same events as a script of BCC does."""

from bcc import BPF

import shared


class Events(shared.Consumer):
    def __init__(self):
        self.b = BPF(text=shared.bcc(shared.RECORD))
        self.b["e_out"].open_perf_buffer(self._cb, lost_cb=self._lost)

    def _cb(self, cpu, data, size):
        e = self.b["e_out"].event(data)
        e.ts, e.pid, e.comm
        self.received += 1

    def _lost(self, count):
        self.lost += count

    def loop(self):
        while True:
            self.b.perf_buffer_poll()


if __name__ == "__main__":
    Events().measure()
