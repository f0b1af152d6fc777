"""eventOut.py with its C in a file of its own, independ.bpf.c beside this script."""

import os

from pylcc.lbcBase import ClbcBase


class CodeSeparate(ClbcBase):
    def __init__(self):
        super(CodeSeparate, self).__init__("independ", workPath=os.path.dirname(os.path.abspath(__file__)))

    def _cb(self, cpu, data, size):
        e = self.getMap("e_out", data, size)
        print("current pid: %d, comm: %s. new task pid: %d, comm: %s" % (e.c_pid, e.c_comm, e.p_pid, e.p_comm))

    def loop(self):
        self.maps["e_out"].open_perf_buffer(self._cb)
        try:
            self.maps["e_out"].perf_buffer_poll()
        except KeyboardInterrupt:
            print("bye")


if __name__ == "__main__":
    CodeSeparate().loop()
