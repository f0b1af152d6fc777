"""surftrace: probes of the kernel's own tracer from expressions, each line of the trace given to a
callback.

    surf = surftrace(["p wake_up_new_task comm=%0->comm", "e sched/sched_switch f:prev_pid>1"],
                     setupParser("local"), cb=print)
    surf.start()
    surf.loop()

An expression is TYPE SYMBOL [NAME=VALUE...] [f:FILTER]: p function, r function (its return),
P file:function, R file:function (in programs), e category/name (a tracepoint); VALUE: see
surftrace.fxpr, FILTER: names in it as surftrace.headTrans has them. A kernel without kprobes still
has P, R and e."""

import argparse
import os
import re
import sys
import traceback  # noqa: F401  with the others it comes to scripts that import *

from pylcc._lib import native
from pylcc.errors import LccException
from . import ftrace as _ftrace
from .dbParser import CdbParser
from .ftrace import cmdStrings, ftrace, save2File
from .fxpr import Cfxpr
from .gdbParser import CgdbParser
from .headTrans import headTrans, invHeadTrans
from .lbcClient import ClbcClient
from .regSplit import spiltInputLine
from .surfException import *  # noqa: F401,F403
from .surfException import FileNotExistException, InvalidArgsException
from .uprobeParser import CuprobeParser

_COMPARED = re.compile(r"([A-Za-z_]\w*)\s*(==|!=|>=|<=|~|>|<|&(?!&))\s*(\"[^\"]*\"|[^\s()|&]+)")
_NAMED = re.compile(r"(?<=[\s(])((?:ip|[bB](?:16|32|64))_\w+)=(\S+)")


class surftrace(ftrace):
    """Traces what args say.

    Arguments:
        args      a list of expressions; or {"fxpr": [{"type", "fxpr", "filter"}]}: such as cbShow gets
        parser    knows functions and types: setupParser(); not needed for a dict
        show      True: give each expression to cbShow, in the kernel's words, and trace nothing
        echo      True: print what is written to tracefs, as shell commands
        arch      machine that show is for, default this one
        stack     True: the kernel's stack after each line
        cb        called with each line, default print
        cbOrig    called with each line as the kernel has it, instead of cb
        cbShow    called with {"type", "fxpr", "filter"}, default print
        instance  name of the instance in tracefs

    start() raises ExprException or InvalidArgsException for what is wrong, RootRequiredException;
    nothing is left in the kernel then. loop() returns after Ctrl-C; stop() may be called again."""

    def __init__(self, args, parser, show=False, echo=True, arch="", stack=False, cb=None, cbOrig=None, cbShow=None,
                 instance="surftrace"):
        super(surftrace, self).__init__(show=show, echo=echo, instance=instance)
        if not isinstance(args, (list, tuple, dict)):
            raise InvalidArgsException("input type: %s, is not support." % type(args))
        self._args, self._parser, self._arch, self._stack = args, parser or CdbParser(), arch or os.uname()[4], stack
        self._callback, self._shown = (_print if given is None else given for given in (cb, cbShow))
        self._original = self.procLine if cbOrig is None else cbOrig
        self._probes = []  # (file that defines it, name)
        self._group = "surftrace_%d_%x" % (os.getpid(), id(self))

    def start(self):
        probes = self._args["fxpr"] if isinstance(self._args, dict) else self._translated()
        if not probes:
            raise InvalidArgsException("no args.")
        if self._show:
            for probe in probes:
                self._shown(probe)
            return
        with self._lock:
            self._open()
        try:
            with self._lock:
                self._trace(probes)
        except:  # whatever it is, nothing stays in the kernel
            self.stop()
            raise

    def _trace(self, probes):
        if self._owner is None:
            return  # stopped meanwhile
        self._listen(self._original)  # first: the thread that listens is not traced then
        for probe in probes:
            self._add(_text(probe["type"]), _text(probe["fxpr"]), _text(probe.get("filter", "")))
        if self._stack:
            self._write("options/stacktrace", "1")
        self._write("tracing_on", "1")

    def procLine(self, line):
        self._callback(_NAMED.sub(lambda match: headTrans(*match.groups()), line))

    def _translated(self):
        """The expressions in the kernel's words."""
        read = [spiltInputLine(line) for line in (_text(arg).strip() for arg in self._args) if line]
        return [self._translate(number, res) for number, res in enumerate(read)]

    def _translate(self, number, res):
        condition = _COMPARED.sub(lambda match: "%s%s%s" % ((match.group(1), match.group(2)) + invHeadTrans(match.group(1), match.group(3))[1:]),
                                  res["filter"])
        kind, symbol = res["type"], res["symbol"]
        if kind == "e":
            return {"type": kind, "fxpr": symbol, "filter": condition}
        if kind in "PR":
            file, _, function = symbol.partition(":")
            if not function:
                raise InvalidArgsException("read %r: it must be FILE:FUNCTION" % symbol)
            found = CuprobeParser(file)
            target, unknown = "%s:%s" % (found.fullObj(), found.funAddr(function)), True
        else:
            target, function, unknown = symbol, symbol.split("+")[0], "+" in symbol
        name = "%s%d" % (kind.lower(), number)
        text = Cfxpr(self._parser, self._arch).expr(function, unknown, symbol, res)
        return {"type": kind, "fxpr": "%s:%s %s%s" % (kind.lower(), name, target, text), "filter": condition}

    def _add(self, kind, text, condition):
        """Define a probe, filter and enable it."""
        if kind == "e":
            events = os.path.join("events", text)
            if not os.path.isdir(os.path.join(self._place, events)):
                raise InvalidArgsException("event %s is not an available event, see %s" % (text, os.path.join(self.baseDir, "events")))
        else:
            head, _, rest = text.partition(" ")
            letter, _, name = head.partition(":")
            self._define(kind, "%s:%s/%s %s" % (letter, self._group, name, rest), name)
            events = os.path.join("events", self._group, name)
        if condition:
            self._write(os.path.join(events, "filter"), condition)
        self._write(os.path.join(events, "enable"), "1")

    def _define(self, kind, text, name):
        what = "uprobe" if kind in "PR" else "kprobe"
        file, target = os.path.join(self.baseDir, what + "_events"), text.split()[1]
        if not os.path.exists(file):
            raise InvalidArgsException("probe %s: this kernel has no %ss (CONFIG_%s_EVENTS is off; \"e CATEGORY/NAME\" needs neither)" % (
                target, what, what.upper()))
        self._probes.append((file, name))  # first, since Ctrl-C may come behind it
        for symbol in [target] + (_twins(target) if what == "kprobe" else []):
            try:
                return self._write(file, text.replace(" " + target, " " + symbol, 1), append=True)
            except InvalidArgsException as e:
                refused = InvalidArgsException("probe %s: %s" % (target, e), self._why(), e.errno)
        raise refused

    def _why(self):
        """What the kernel says of the definition that it refused last (5.2)."""
        try:
            with open(os.path.join(self.baseDir, "error_log")) as f:
                return "\n".join(f.read().splitlines()[-4:])
        except (IOError, OSError):
            return ""

    def _undoing(self):
        def undefine(file, name):
            return lambda: self._write(file, "-:%s/%s" % (self._group, name), append=True)
        return ([lambda: self._write("events/enable", "0")] + super(surftrace, self)._undoing() +
                [undefine(*probe) for probe in self._probes])


def _twins(symbol):
    """What the compiler may have made of a function: f.isra.0, f.part.1, f.constprop.0."""
    function, plus, offset = symbol.partition("+")
    with open("/proc/kallsyms") as f:
        return sorted(set(word + plus + offset for word in (line.split()[2] for line in f)
                          if word.startswith((function + ".isra.", function + ".part.", function + ".constprop."))))


def _text(value):
    return native(value) if isinstance(value, bytes) else str(value)


def _print(line):
    print(line)


def setupParser(mode="remote", db="", remote_ip="", gdb="./gdb", vmlinux="", arch="", ver=""):
    """Who knows the functions and types of the kernel.

    mode: "local": the database db, without one this kernel's BTF; "gdb": the BTF of the file
    vmlinux; "remote": the server remote_ip, or the one that LBC_SERVER names; where none is
    named, as "local". gdb is ignored."""
    if mode not in ("remote", "local", "gdb"):
        raise InvalidArgsException("bad parser mode: %s" % mode)
    if mode == "gdb":
        return CgdbParser(vmlinux)
    if mode == "remote" and (remote_ip or os.environ.get("LBC_SERVER")):
        return ClbcClient(server=remote_ip, ver=ver, arch=arch)
    return CdbParser(db)


examples = """examples:
  surftrace 'p wake_up_new_task comm=%0->comm'     a function, and a member of its argument
  surftrace 'r do_sys_openat2 fd=S$retval'         its result
  surftrace 'p tcp_connect ip_to=%0->__sk_common.skc_daddr b16_port=%0->__sk_common.skc_dport f:b16_port==80'
  surftrace 'P bash:readline' 'R bash:readline line=!(char *)$retval'
  surftrace 'e syscalls/sys_enter_openat f:flags==0'
  surftrace -S 'p wake_up_new_task node=%0->se.run_node.rb_left'    only show the kernel's words
"""


def main():
    """The command surftrace."""
    parser = argparse.ArgumentParser(prog="surftrace", description="Trace functions and events of the kernel and of programs.",
                                     formatter_class=argparse.RawDescriptionHelpFormatter, epilog=examples)
    parser.add_argument("-v", "--vmlinux", default="", help="file with the types of the kernel, mode gdb")
    parser.add_argument("-m", "--mode", default="remote", help="where types come from: local, remote, gdb; default a server that is named, or this kernel")
    parser.add_argument("-d", "--db", default="", help="file with a database of types, mode local")
    parser.add_argument("-r", "--rip", default="", help="server, mode remote")
    parser.add_argument("-f", "--file", help="file with more expressions, one a line")
    parser.add_argument("-g", "--gdb", default="./gdb", help="ignored")
    parser.add_argument("-F", "--func", help="not any more: says how gdb disassembles a function")
    parser.add_argument("-l", "--line", help="not any more: says how gdb finds a line")
    parser.add_argument("-o", "--output", help="file for the shell commands that do the same")
    parser.add_argument("-a", "--arch", default="", help="machine, with -S: x86_64, aarch64")
    parser.add_argument("-s", "--stack", action="store_true", help="show the kernel's stack, too")
    parser.add_argument("-S", "--show", action="store_true", help="only show the expressions in the kernel's words")
    parser.add_argument("traces", nargs="*", metavar="EXPRESSION", help="TYPE SYMBOL [NAME=VALUE...] [f:FILTER]")
    args = parser.parse_args()
    try:
        _run(args)
    except LccException as e:
        sys.exit("surftrace: %s" % "\n".join(text for text in (str(e), e.log) if text))


def _run(args):
    if args.func or args.line:
        gdb = CgdbParser(args.vmlinux)
        return gdb.disasFun(args.func) if args.func else gdb.parserLine(args.line)
    traces = list(args.traces)
    if args.file:
        try:
            with open(args.file) as f:
                traces += f.readlines()
        except (IOError, OSError) as e:
            raise FileNotExistException("read %s: %s" % (args.file, e.strerror), "", e.errno)
    _ftrace.save2File = bool(args.output)
    surf = surftrace(traces, setupParser(args.mode, args.db, args.rip, args.gdb, args.vmlinux, args.arch), show=args.show,
                     arch=args.arch, stack=args.stack)
    surf.start()
    if not args.show:
        surf.loop()
    if args.output:
        with open(args.output, "w") as f:
            f.write(_ftrace.cmdStrings)
