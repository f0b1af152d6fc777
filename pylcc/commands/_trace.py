"""What programs print with bpf_printk."""

import errno
import os
import re
import select
import tempfile

_ITEM = re.compile(r"%%|%[-+ #0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z)?[a-zA-Z](?:[a-zA-Z0-9]*)")


class Trace(object):
    """The lines that match one of the texts of an object, from an instance of the trace of our own: what
    others read from trace_pipe stays there.

    tracefs: where it is mounted. texts: what bpf_printk is called with; none: every line is taken."""

    def __init__(self, tracefs, texts):
        self._texts = [re.compile(pattern(text), re.DOTALL) for text in texts]
        instances = os.path.join(tracefs, "instances")
        _sweep(instances)
        # Processes of other namespaces may have our number.
        self._path = tempfile.mkdtemp("", "coolbpf-%d-" % os.getpid(), instances)
        self._pipe, self._rest = None, b""
        try:
            self._pipe = os.open(os.path.join(self._path, "trace_pipe"), os.O_RDONLY | os.O_NONBLOCK)
            with open(os.path.join(self._path, "events", "bpf_trace", "bpf_trace_printk", "enable"), "w") as f:
                f.write("1")
        except EnvironmentError:
            self.close()
            raise

    def read(self, seconds):
        """The lines that there are, after waiting for one for so long."""
        pause(seconds, self._pipe)
        data = self._rest + b"".join(iter(self._some, b""))
        whole, _, self._rest = data.rpartition(b"\n")
        lines = [line.decode("utf-8", "replace") if str is not bytes else line for line in whole.split(b"\n")]
        return [line for line in lines if self._ours(line)]

    def _some(self):
        """What one read gives, which may be less than is there; b"": nothing is."""
        try:
            return os.read(self._pipe, 65536)
        except EnvironmentError as e:
            if e.errno != errno.EAGAIN:
                raise
            return b""

    def _ours(self, line):
        _, said, text = line.partition("bpf_trace_printk: ")
        return said and (not self._texts or any(known.match(text) for known in self._texts))

    def close(self):
        if self._pipe is not None:
            os.close(self._pipe)
        self._pipe = None
        os.rmdir(self._path)


def pause(seconds, *readable):
    """Wait for something to read, a signal, or that long; an empty list."""
    try:
        select.select(readable, [], [], seconds)
    except select.error as e:
        if e.args[0] != errno.EINTR:
            raise
    return []


def pattern(text):
    """What a text of printk looks like when it is printed, as a regular expression."""
    parts, at = [], 0
    for item in _ITEM.finditer(text):
        parts += [re.escape(text[at:item.start()]), "%" if item.group() == "%%" else ".*"]
        at = item.end()
    return "".join(parts + [re.escape(text[at:]), r"\s*$"])


def _sweep(instances):
    """Take away what processes left behind that were killed. One that is open, and so kept by the kernel,
    belongs to a process that is not seen from here."""
    for name in os.listdir(instances):
        owner = re.match(r"coolbpf-(\d+)(?:-\w+)?$", name)
        if owner and not os.path.exists("/proc/" + owner.group(1)):
            try:
                os.rmdir(os.path.join(instances, name))
            except EnvironmentError as e:
                if e.errno not in (errno.EBUSY, errno.ENOENT):
                    raise
