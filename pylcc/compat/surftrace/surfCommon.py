"""What tracing scripts share: histograms of numbers, lines of a trace, threads of a process."""

import collections
import re

from pylcc import _hist
from pylcc._attach import threads
from pylcc.lbcMaps import CmapsHist2, CmapsHist10

__all__ = ["CsurfList", "transProbeLine", "taskList", "HIST2_MAX", "HIST10_MAX", "HIST_UNIT"]

HIST2_MAX = 65
HIST10_MAX = 20
HIST_UNIT = "KMGPTE"  # as it always was; what is printed has them in their order


class CsurfList(collections.deque):
    """The last maxLen numbers, and histograms of them, or of counts that are given.

    Each raises ValueError when there is nothing to show."""

    def __init__(self, maxLen=1024):
        super(CsurfList, self).__init__(maxlen=maxLen)

    def hist2(self):
        """Print the numbers by powers of two; [0,2) has those below, too."""
        counts = [0] * HIST2_MAX
        for number in self:
            counts[min(max(int(number), 1).bit_length() - 1, HIST2_MAX - 1)] += 1
        self.hist2Show(counts)

    def hist10(self):
        """Print the numbers by powers of ten; [0,10) has those below, too."""
        counts = [0] * HIST10_MAX
        for number in self:
            counts[min(len(str(max(int(number), 1))) - 1, HIST10_MAX - 1)] += 1
        self.hist10Show(counts)

    def hist2Show(self, lShow):
        """Print counts: lShow[k] is of the numbers from 2**k on, as a map made by LBC_HIST2 has them."""
        self._show(lShow, CmapsHist2)

    def hist10Show(self, lShow):
        """Print counts: lShow[k] is of the numbers from 10**k on, as a map made by LBC_HIST10 has them."""
        self._show(lShow, CmapsHist10)

    @staticmethod
    def _show(counts, kind):
        for line in _hist.lines(counts, kind.limit, kind.base):
            print(line)


_LINE = re.compile(r"\s*(?P<task>.*)-(?P<pid>\d+)\s+(?:\(\s*[\d-]+\)\s+)?\[(?P<cpu>\d+)\]\s+(?P<flag>\S+)\s+(?P<time>[\d.]+): (?P<rest>.*)")
_PROBE = re.compile(r"(?P<name>\w+): \((?P<func>[^\s()]+)\+(?P<pos>0x[\da-f]+)(?:/(?P<size>0x[\da-f]+))?[^()]*\)(?P<args>.*)$")
_ENTRY = re.compile(r"(?P<name>\w+)\((?P<args>.*)\)\s*$")
_EXIT = re.compile(r"(?P<name>\w+) -> (?P<value>-?\w+)\s*$")
_EVENT = re.compile(r"(?P<name>\w+):\s*(?P<args>.*)$")
_PAIR = re.compile(r'(\S+?)=("(?:[^"\\]|\\.)*"|\S*)')


def transProbeLine(line):
    """A line of a trace as a dict: task, pid and cpu (int), flag, time (text), name, and
        of a kprobe    func, pos and size (int; size 0: not said), args (a dict of texts)
        of a syscall   args (a dict of texts), or at its end return (int)
        of any other   args, the text
    ValueError when it is none."""
    head = _LINE.match(line)
    if not head:
        raise ValueError("surftrace cannot fit %s now." % line)
    res = {"task": head.group("task").strip(), "pid": int(head.group("pid")), "cpu": int(head.group("cpu")),
           "flag": head.group("flag"), "time": head.group("time")}
    rest = head.group("rest").rstrip("\r\n")
    for pattern, read in ((_PROBE, _probe), (_ENTRY, _entry), (_EXIT, _exit), (_EVENT, _event)):
        match = pattern.match(rest)
        if match:
            res["name"] = match.group("name")
            read(match, res)
            return res
    if not re.match(r"\w+$", rest):
        raise ValueError("surftrace cannot fit %s now." % line)
    res["name"] = rest
    return res


def _probe(match, res):
    res["func"] = match.group("func")
    res["pos"], res["size"] = int(match.group("pos"), 16), int(match.group("size") or "0", 16)
    pairs = _PAIR.findall(match.group("args"))
    res["args"] = dict((name, value[1:-1] if value[:1] == '"' else value) for name, value in pairs)


def _entry(match, res):
    pairs = (arg.partition(":") for arg in re.split(r",\s*(?=\w+:)", match.group("args")) if arg)
    res["args"] = dict((name.strip(), value.strip()) for name, _, value in pairs)


def _exit(match, res):
    res["return"] = int(match.group("value"), 16)


def _event(match, res):
    res["args"] = match.group("args").strip()


class _Threads(list):
    """Numbers of threads, as texts."""

    def threads(self):
        """The same as objects with .id, an int."""
        return [_Thread(int(number)) for number in self]


_Thread = collections.namedtuple("Thread", "id")


def taskList(pid):
    """The threads of the process pid as a list of texts, [] when it is gone; .threads() has them as
    objects with .id."""
    try:
        return _Threads(str(number) for number in threads(int(pid)))
    except OSError:
        return _Threads()
