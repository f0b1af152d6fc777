"""ClbcBase: a BPF program as a Python class."""

import os
import signal
import threading

import pylcc
from pylcc import _identity, _load, _servers, errors, perfEvent
from pylcc._attach import Attach
from pylcc._events import NOTHING
from pylcc._exec import CexecCmd, ON_POSIX
from pylcc._identity import VERSION as __version__  # noqa: F401
from pylcc._lib import ready
from pylcc._load import ClbcLoad
from pylcc._servers import LBC_COMPILE_PORT, SEG_UNIT, buffSize, segDecode
from pylcc._session import Session
from pylcc._signals import wait
from pylcc.errors import *  # noqa: F401,F403
from pylcc.lbcInclude import ClbcInclude
from pylcc.lbcMaps import CmapsEvent, Maps
from pylcc.perfEvent import *  # noqa: F401,F403

__all__ = ["ClbcBase", "CeventThread", "ClbcLoad", "ClbcApp", "CexecCmd", "ClbcInclude", "getCwd",
           "LBC_COMPILE_PORT", "SEG_UNIT", "buffSize", "segDecode", "ON_POSIX"] + errors.__all__ + perfEvent.__all__

_identity.check(pylcc, "pylcc.lbcBase")


class ClbcBase(Attach, ClbcLoad):
    """A BPF program, running in the kernel when the constructor returns.

        class EventOut(ClbcBase):
            def __init__(self):
                super(EventOut, self).__init__("eventOut", bpf_str=program)

            def _cb(self, cpu, data, size):
                e = self.getMap("e_out", data, size)
                print(e.c_pid, e.c_comm)

            def loop(self):
                self.maps["e_out"].open_perf_buffer(self._cb)
                self.maps["e_out"].perf_buffer_poll()

    The C text is compiled on this machine by the compiler in this package and kept as NAME.so in
    workPath. While the text (with its local includes), env and arch stay the same NAME.so is
    reused; else it is built again and "local compile success." is printed.

    self.maps has every map of the program by its name: see pylcc.lbcMaps.

    Give the script another name than the program: beside NAME.so, "import NAME" and "python -m NAME"
    take that for a module of Python's.

    Programs are detached by close(), at the end of a with block, when the object is garbage, or
    when the process ends. An object cannot be used in a child forked after it was created.

    Arguments:
        bpf       base name: NAME.so, and NAME.bpf.c where bpf_str is empty, lie in workPath; or a path
                  from there
        bpf_str   the C text, libbpf style, with #include "lbc.h"
        server    ignored, as is LBC_SERVER, which is said once: nothing is compiled elsewhere
        arch      machine to compile for, as uname -m says it; default this one
        ver       ignored: the kernel's own type information is used
        env       more compiler flags, such as "-DDEBUG -I/some/where"
        attach    0: attach nothing. Otherwise every program whose section names a target
                  (kprobe/f, kretprobe/f, tracepoint/category/name, raw_tracepoint/name,
                  uprobe/BINARY:f, uretprobe/BINARY:f, ksyscall/name, kretsyscall/name, fentry/f,
                  fexit/f, fmod_ret/f, tp_btf/name, lsm/hook, kprobe.multi/PATTERN) is
                  attached; if one cannot be, everything is undone and AttachException raised
        workPath  directory of the files; default the current one
        incPath   ";"-separated directories, from the current one, to search for #include "x.h" after
                  workPath; those of LBC_INCLUDE come next
        logLevel  1: print the verifier's log to stderr; 2: the long one. LBC_LOGLEVEL overrides it,
                  ValueError when that is no number
        btf       path of a file with this kernel's BTF, raw or a vmlinux, where the kernel has none;
                  True and False (of old) mean what the kernel provides
        opt       "so"

    Raises, all from pylcc.errors: CompileException (its text is the first error, .log the compiler's
    output), LoadException (.log: the verifier's), AttachException, RootRequiredException,
    FileNotExistException, InvalidArgsException, SystemException.

    Linux 5.10 with BTF is the oldest kernel that is tested. Needs root, or these capabilities:
        CAP_BPF, CAP_PERFMON   always
        CAP_SYS_RESOURCE       before Linux 5.11, where maps count as locked memory
        CAP_SYS_ADMIN          for uprobes; where kernel.perf_event_paranoid is 3, as on Debian,
                               also for kprobes, tracepoint/ and perf events
        CAP_DAC_READ_SEARCH    for tracepoint/: only root may read tracefs. raw_tracepoint/ and
                               tp_btf/ do not need it
        CAP_NET_ADMIN          for XDP, cgroups and network namespaces
        CAP_SYSLOG             for names of kernel functions, such as getStacks gives
        CAP_SYS_PTRACE         for stacks and functions of other users' processes, by pid
    """

    def __init__(self, bpf, bpf_str="", server="", arch="", ver="", env="", attach=1, workPath=None,
                 logLevel=-1, incPath=None, btf=True, opt="so"):
        if opt != "so":
            raise InvalidArgsException("create a ClbcBase: opt %r makes nothing to run (only \"so\" does)" % (opt,))
        _load.complain(_servers.note(server))
        level, types = _load.level(logLevel), _load.types(btf)
        artefact = _load.build(bpf, bpf_str, arch, env, workPath, incPath, level, types)
        self.__session = Session(artefact, attach=bool(attach), log_level=min(level, 2), btf=types)
        if level:
            _load.complain(self.__session.description["log"])
        Attach.__init__(self, self.__session)
        self.maps = Maps(self.__session)
        self.__current = self.__session.current

    def so(self):
        """The number by which liblcc.so knows the program (capi/lcc.h: a handle)."""
        ready()
        return self.__session.number

    def getMap(self, name, data, size):
        """The value of a record of map name: data and size as the callback got them.

        It has the members of the C struct as attributes and as items, text as str, and stays valid
        after the callback; size is not needed. What a record that is too short does not contain
        reads None. Raises UnknownMapException, and InvalidArgsException for a map that is no perf
        buffer and for an address outside of its callback."""
        try:
            at, row, make = self.__current[name]
        except KeyError:
            at, row, make = NOTHING
        if data is at:
            return make(row)
        event = getattr(self.maps[name], "event", None)
        if event is None:
            raise InvalidArgsException("decode a record of %s: the map is no perf buffer (LBC_PERF_OUTPUT)" % name)
        return event(data)

    def waitInterrupt(self, cb=None):
        """Wait for a signal, in the main thread. cb: called without arguments when it was Ctrl-C;
        without it Ctrl-C raises KeyboardInterrupt here."""
        if cb is None:
            return signal.pause()
        if not callable(cb):
            raise InvalidArgsException("wait for an interrupt: cb is not callable: %r" % (cb,))
        wait(cb)

    def close(self):
        """Detach the programs and free the maps; a perf_buffer_poll in another thread ends.

        A child that was forked meanwhile and has not called exec (multiprocessing, a daemon) keeps
        them in the kernel until it ends."""
        self.__session.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class ClbcApp(ClbcBase):
    """The sample of the first releases: prints the records of my_map, and the counts in pids."""

    def _callback(self, cpu, data, size):
        print("cpu %d: %s" % (cpu, self.getMap("my_map", data, size)))

    def loop(self):
        """Print until Ctrl-C."""
        self.maps["my_map"].open_perf_buffer(self._callback)
        try:
            self.maps["my_map"].perf_buffer_poll()
        except KeyboardInterrupt:
            print(self.maps["pids"].get())


class CeventThread(threading.Thread):
    """A thread that delivers the records of a perf buffer; a daemon, started by its constructor.

    Arguments:
        lbc    the ClbcBase
        event  name of the map
        cb     called with (cpu, value): the record as ClbcBase.getMap gives it
        lost   called with (cpu, count) for records that the kernel had to drop; default: print it

    The thread ends when the object is closed. Raises InvalidArgsException, UnknownMapException,
    ClosedException."""

    def __init__(self, lbc, event, cb, lost=None):
        maps = getattr(lbc, "maps", None)
        if maps is None or not isinstance(maps[event], CmapsEvent) or not callable(cb):
            raise InvalidArgsException(
                "start a CeventThread: lbc must be a ClbcBase, event the name of a perf buffer, cb callable: %r, %r, %r" % (lbc, event, cb))
        threading.Thread.__init__(self, name="CeventThread %s" % event)
        self.daemon = True
        self._event = maps[event]
        self._callback = cb
        self.lost = lost
        self._event.open_perf_buffer(self.cb, lost)
        self.start()

    def cb(self, cpu, data, size):
        """Pass the record at data, of size bytes, on: what the perf buffer calls."""
        self._callback(cpu, self._event.event(data))

    def run(self):
        try:
            self._event.perf_buffer_poll()
        except ClosedException:
            pass  # that is how it ends


def getCwd(pathStr):
    """The directory that the file pathStr is in, its links followed."""
    return os.path.dirname(os.path.realpath(pathStr))
