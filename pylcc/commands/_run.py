"""coolbpf run: a script, or a program of which everything is shown."""

from __future__ import print_function

import argparse
import ctypes as ct
import errno
import os
import runpy
import signal
import sys
import threading
import traceback

from pylcc import _hist, _lib, errors
from pylcc._session import Session, inspect, tracefs
from pylcc.commands import build, building, parse
from pylcc.commands._dump import plan_of
from pylcc.commands._trace import Trace, pause
from pylcc.lbcMaps import CmapsEvent, CmapsHist, CmapsStack, CtableBase, Maps

KINDS = (".py", ".bpf.c", ".so")
_SHOWN = 100  # entries of a map

DESCRIPTION = """\
Run SCRIPT.py as python would, or load NAME.bpf.c, compiled anew if need be, or NAME.so, attach its programs,
and print until Ctrl-C, or for SECONDS:

  - the records of its perf buffers, as they come
  - the lines that its bpf_printk prints
  - what is in its other maps, at the end

A program whose section names no target, such as SEC("perf_event"), waits for a script to attach it."""


class _Over(KeyboardInterrupt):
    """The SECONDS are over."""


def _seconds(word):
    seconds = float(word)
    if not 0 <= seconds < 1e9:
        raise ValueError(word)
    return seconds


def main(argv):
    parser = argparse.ArgumentParser(prog="coolbpf run", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-d", "--duration", type=_seconds, metavar="SECONDS", help="end after that time as if by Ctrl-C")
    building(parser)
    parser.add_argument("file", help="SCRIPT.py, NAME.bpf.c or NAME.so")
    parser.add_argument("args", nargs="*", help="arguments of the script")
    end = next((i + 1 for i, word in enumerate(argv) if word.endswith(KINDS)), len(argv))
    args = parse(parser, argv[:end])
    path = os.path.abspath(args.file)
    if not path.endswith(KINDS):
        raise errors.InvalidArgsException("run %s: unknown kind of file (known: *%s)" % (args.file, ", *".join(KINDS)))
    if not os.path.exists(path):
        raise errors.FileNotExistException("run %s: no such file" % args.file)
    if path.endswith(".py"):
        return script(path, argv[end:], args.duration)
    return program(path, args)


def _last(seconds):
    if seconds is not None:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))


def script(path, arguments, seconds):
    """The script as __main__; what it raises is shown as python shows it."""
    sys.argv = [path] + arguments
    sys.path.insert(0, os.path.dirname(path))
    signal.signal(signal.SIGALRM, _over)
    _last(seconds)
    try:
        runpy.run_path(path, run_name="__main__")
    except _Over:
        pass
    except Exception:
        traceback.print_exc()
        return 1


def _over(*_):
    raise _Over()


def program(path, args):
    directory, name = os.path.split(path)
    artefact, _ = build(name[:-len(".so")] if name.endswith(".so") else name, args, work=_lib.text(directory, "file"))
    show = Show(artefact, args.btf)
    try:
        for number in (signal.SIGINT, signal.SIGALRM):  # an exception could lose what was just read
            signal.signal(number, show.end)
        show.start()
        _last(args.duration)
        show.wait()
    finally:
        show.close()
    if show.failed:
        raise show.failed


class Show(object):
    """A loaded artefact, and the printing of what it says."""

    def __init__(self, artefact, btf):
        described = inspect(artefact)
        self.failed = None
        self._printing, self._trace, self._threads, self._over = threading.Lock(), None, [], False
        if described["prints"] is not None:
            self._trace = Trace(tracefs(), described["prints"])
        try:
            self._session = Session(artefact, attach=True, btf=btf)
            self._maps = Maps(self._session)
        except BaseException:
            self.close()
            raise

    def start(self):
        for p in self._session.description["programs"]:
            self._say("%s: %s" % (p["name"], plan_of(p)), sys.stderr)
        for m in self._buffers():
            m.open_perf_buffer(self._record(m), self._lost(m))
            thread = threading.Thread(target=self._poll, args=(m,))
            self._threads.append(thread)
            thread.start()
        self._say("running; Ctrl-C ends it", sys.stderr)

    def wait(self):
        while not self._over:
            for line in self._trace.read(0.1) if self._trace else pause(0.1):
                self._say(line)

    def end(self, *_):
        """Make wait return; a signal handler."""
        self._over = True

    def close(self):
        """Print what is left, and the maps; then let go of all."""
        self.end()
        for thread in self._threads:
            thread.join()
        if self._trace is not None:
            for line in self._trace.read(0):
                self._say(line)
            self._trace.close()
        session = getattr(self, "_session", None)
        if session is None:
            return
        for name in sorted(self._maps):
            if not name.startswith((".rodata", ".kconfig")):
                self._table(self._maps[name])
        session.close()

    def _poll(self, m):
        while not self._over:
            m.perf_buffer_poll(timeout=100)

    def _buffers(self):
        return [m for _, m in sorted(self._maps.items()) if isinstance(m, CmapsEvent)]

    def _record(self, m):
        def cb(cpu, data, size):
            try:
                text = repr(m.event(data))
            except errors.InvalidArgsException:  # of a type that the object does not tell
                text = " ".join("%02x" % byte for byte in bytearray(ct.string_at(data, size)))
            self._say("%s: %s" % (m.name, text))
        return cb

    def _lost(self, m):
        return lambda cpu, count: self._say("%s: CPU %d lost %d records" % (m.name, cpu, count), sys.stderr)

    def _table(self, m):
        if isinstance(m, CmapsEvent) or not isinstance(m, CtableBase):
            return  # what has no keys, such as a queue, is read only by taking it away
        try:
            entries = None if isinstance(m, CmapsHist) else entries_of(m)
        except errors.LccException as e:
            return self._say("%s: %s" % (m.name, e), sys.stderr)
        if entries is None:
            counts = m.get()
            return self._say("\n".join([m.name] + list(_hist.lines(counts, m.limit, m.base))) if any(counts) else "%s: nothing was counted" % m.name)
        self._say("%s: %d entries" % (m.name, len(entries)))
        for key, value in entries[:_SHOWN]:
            self._say("  %r: %s" % (key, value))
        if len(entries) > _SHOWN:
            self._say("  and %d more" % (len(entries) - _SHOWN))

    def _say(self, text, to=None):
        to = to or sys.stdout
        with self._printing:
            try:
                print(text, file=to)
                if to is not None:  # it was closed from the first
                    to.flush()
            except EnvironmentError as e:
                if e.errno != errno.EPIPE:
                    self.failed = errors.SystemException("write to %s: %s" % (to.name.strip("<>"), e.strerror), "", e.errno)
                _to_nobody(to)
                self.end()


def _to_nobody(stream):
    """Nobody reads it any more, as behind "| head": what is still to be written is dropped."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def entries_of(m):
    """[(key, text)] of a map."""
    if isinstance(m, CmapsStack):
        return [(key, ", ".join(m.getStacks(key))) for key in m.getKeys()]
    found = m.get(m._described["max_entries"]) if type(m).__name__ == "CmapsArray" else m.get()
    pairs = list(enumerate(found)) if isinstance(found, list) else list(found.items())
    return [(key, repr(value)) for key, value in pairs]
