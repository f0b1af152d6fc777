"""surfGraph: what a function of the kernel calls, and how long each call takes."""

import argparse
import re
import sys

from pylcc.errors import InvalidArgsException, LccException
from .ftrace import ftrace

__all__ = ["surfGraph", "main"]

_LINE = re.compile(r"\s*(?P<cpu>\d+)\)\s*(?:[^\d|\s]\s+)?(?:(?P<us>[\d.]+) us)?\s*\|  (?P<indent>\s*)(?P<text>\S.*)$")
_CALL = re.compile(r"(?P<name>[^\s(]+)(?: \[\w+\])?\(\)(?P<end>;| \{)")


class surfGraph(ftrace):
    """Traces the function symbol: start(), loop(), stop().

    mode   "raw": prints the kernel's lines
           "tree": prints each call with what it called, indented, and the microseconds
           "walk": prints (level, {"name", "us"}) for each
    output and step, once for files of drawings, are ignored: mode "svg" is not there any more.

    It uses the kernel's main trace, which is one for all: two cannot run at a time, and a
    function_graph tracer that is set already is an error. Needs CONFIG_FUNCTION_GRAPH_TRACER."""

    def __init__(self, symbol, mode="raw", output=True, step=True):
        shows = {"raw": self._raw, "tree": self._tree, "walk": self._walk}
        if mode == "svg":
            raise InvalidArgsException("draw a call graph: mode svg is not there any more (\"tree\" prints it; perf record -g and FlameGraph draw)")
        if mode not in shows:
            raise ValueError("mode only support %s" % ", ".join(sorted(shows)))
        super(surfGraph, self).__init__(echo=False, instance=None)
        self._symbol, self._show_line, self._calls = symbol, shows[mode], {}

    def start(self):
        with self._lock:
            with open(self.baseDir + "/available_tracers") as f:
                if "function_graph" not in f.read().split():
                    raise InvalidArgsException("trace what %s calls: this kernel has no function_graph tracer (CONFIG_FUNCTION_GRAPH_TRACER)" % self._symbol)
            with open(self.baseDir + "/current_tracer") as f:
                tracer = f.read().strip()
            if tracer != "nop":
                raise InvalidArgsException("trace what %s calls: the tracer %s is in use (echo nop > %s/current_tracer)" % (self._symbol, tracer, self.baseDir))
            with open(self.baseDir + "/tracing_on") as f:
                self._was_on = f.read().strip()
            self._open()
        try:
            with self._lock:
                self._trace()
        except:  # whatever it is, nothing stays in the kernel
            self.stop()
            raise

    def _trace(self):
        if self._owner is None:
            return  # stopped meanwhile
        self._write("set_graph_function", self._symbol)
        self._write("current_tracer", "function_graph")  # not while somebody reads trace_pipe
        self._listen(self.procLine)
        self._write("tracing_on", "1")

    def _undoing(self):
        def write(file, value):
            return lambda: self._write(file, value)
        return [write("tracing_on", "0")] + super(surfGraph, self)._undoing() + [
            write("current_tracer", "nop"), write("set_graph_function", ""), write("tracing_on", self._was_on)]

    def procLine(self, line):
        """Show a line as the mode says."""
        self._show_line(line)

    def _raw(self, line):
        print(line)

    def _tree(self, line):
        for level, call in self._whole(line):
            print("%s%s %s" % ("    " * level, call["name"], "" if call["us"] is None else "%g us" % call["us"]))

    def _walk(self, line):
        for entry in self._whole(line):
            print(entry)

    def _whole(self, line):
        """The calls [(level, {"name", "us"})] of symbol, when line ends it."""
        match = _LINE.match(line)
        if not match:
            return []
        calls, us, level = self._calls.setdefault(match.group("cpu"), []), match.group("us"), len(match.group("indent")) // 2
        call = _CALL.match(match.group("text"))
        if call and (calls or call.group("name") == self._symbol):
            calls.append((level, {"name": call.group("name"), "us": us and float(us)}))
        elif match.group("text").startswith("}"):
            for open_level, begun in reversed(calls):
                if open_level == level and begun["us"] is None:
                    begun["us"] = us and float(us)
                    break
        if calls and level <= calls[0][0] and (match.group("text").startswith("}") or call and call.group("end") == ";"):
            del self._calls[match.group("cpu")]
            return [(at - calls[0][0], done) for at, done in calls]
        return []


def main():
    """The command surfGraph."""
    parser = argparse.ArgumentParser(prog="surfGraph", description="Show what a function of the kernel calls, and how long it takes.")
    parser.add_argument("-f", "--function", required=True, help="the function")
    parser.add_argument("-m", "--mode", default="tree", help="tree (default), walk, or raw")
    parser.add_argument("-s", "--step", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        graph = surfGraph(args.function, args.mode)
        graph.start()
    except (LccException, ValueError) as e:
        sys.exit("surfGraph: %s" % e)
    graph.loop()
