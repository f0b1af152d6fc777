"""CsurfThread: surftrace in a thread."""

import threading

from pylcc.errors import LccException
from .surftrace import setupParser, surftrace

__all__ = ["CsurfThread"]


class CsurfThread(threading.Thread):
    """Traces the expressions cmds from start() to stop() and calls cb, default print, with each line.

    The first line is "surftrace worked.", or "input failed: " and why. log, once for what a process
    of its own printed, is ignored: there is none."""

    def __init__(self, cmds, log="/dev/null", cb=None):
        super(CsurfThread, self).__init__(name="CsurfThread")
        self.daemon = True
        self._callback = _print if cb is None else cb
        self._surf = surftrace(cmds, setupParser(), echo=False, cb=self._callback)

    def surfAlive(self):
        """Whether it still traces."""
        return self.is_alive()

    def run(self):
        try:
            self._surf.start()
        except LccException as e:
            return self._callback("input failed: %s" % e)
        self._callback("surftrace worked.")
        self._surf.loop()

    def stop(self):
        """Undo all that was done in the kernel, and end the thread."""
        self._surf.stop()
        if self.ident is not None and threading.current_thread() is not self:
            self.join()


def _print(line):
    print(line)
