"""consume_maps.py AMOUNT: receives the events of so many maps, each in a thread of its own."""

import signal
import sys

from pylcc.lbcBase import CeventThread, ClbcBase

import shared


class Counter(object):
    received = lost = 0

    def event(self, cpu, e):
        e.ts, e.pid, e.comm
        self.received += 1

    def drop(self, cpu, count):
        self.lost += count


class Events(shared.Consumer):
    def __init__(self, amount):
        shared.Consumer.__init__(self)
        self.lbc = ClbcBase("maps%d" % amount, bpf_str=shared.ours(shared.of_maps(amount)))
        self.counters = [Counter() for _ in range(amount)]
        for i, counter in enumerate(self.counters):
            CeventThread(self.lbc, "e_out%d" % i, counter.event, counter.drop)

    def loop(self):
        while True:
            signal.pause()

    def _report(self, *_):
        self.received = sum(counter.received for counter in self.counters)
        self.lost = sum(counter.lost for counter in self.counters)
        shared.Consumer._report(self)


if __name__ == "__main__":
    Events(int(sys.argv[1])).main()
