"""The attach calls of ClbcBase."""

import ctypes
import errno
import os

from pylcc import errors
from pylcc._lib import native, number, text, utf8
from pylcc._symbols import Symbols, find
from pylcc._values import texts
from pylcc.perfEvent import PerfBreakPointType, PerfType

_PROLOGUE = 0x20  # a JVM's functions begin with a check of the stack


class Attach(object):
    """Programs attached by a call, in addition to those whose section names a target.

    function is the name of the program in C, whose section must be of that kind. A program may be
    attached several times; close() undoes it all. Every call raises InvalidArgsException for a name
    that the object lacks, AttachException when the kernel refuses, RootRequiredException and
    ClosedException. What they need beside CAP_BPF and CAP_PERFMON: see ClbcBase."""

    def __init__(self, session):
        self.__session = session

    def __attach(self, function, **target):
        if "name" in target:
            target["name"] = text(target["name"], "target")
        self.__session.attach(text(function, "function"), **target)

    def attachKprobe(self, function, symbol):
        """Run it when the kernel's function symbol (or symbol+offset, in bytes) is entered. Needs a
        kernel with kprobes (CONFIG_KPROBE_EVENTS)."""
        self.__attach(function, hook="kprobe", name=symbol)

    def attachKretprobe(self, function, symbol):
        """Run it when the kernel's function symbol returns. Needs a kernel with kprobes."""
        self.__attach(function, hook="kretprobe", name=symbol)

    def attachUprobe(self, function, pid, binaryPath, offset=0):
        """Run it at an offset, in bytes, in the file binaryPath, a program or a shared library.

        pid: of a process, in all of its threads; 0: this one; -1: in every process. The path is the
        process's own where that lives in another mount namespace (a container); if it has no such
        file, that of this one is meant. Instead of a path a name may be given, such as "bash" or
        "libc". The offset of an instruction, so never 0, is a number or its text, such as
        CuprobeParser.funAddr returns. A function is attached to by traceUprobes."""
        self.__attach(function, hook="uprobe", name=binaryPath, pid=number(pid, "pid"), offset=_number(offset, "offset"))

    def attachUretprobe(self, function, pid, binaryPath, offset=0):
        """The same when the function at the offset returns; arguments as in attachUprobe."""
        self.__attach(function, hook="uretprobe", name=binaryPath, pid=number(pid, "pid"), offset=_number(offset, "offset"))

    # The kernel's uprobes are those of a process, whichever of its threads is named: one for each
    # thread would run the program as many times.
    attachUprobes = attachUprobe
    attachUretprobes = attachUretprobe

    def traceUprobes(self, function, pid, fxpr):
        """Run it when a function of a program or library is entered; prints "PATH OFFSET".

        fxpr: "binary:function" or "binary:function+offset". binary: a path; a program on PATH; a
        library such as "libc"; a file in the current directory, last; of pid "" its program. Functions of
        C++ and Rust are written as there, with or without parameters, or mangled. pid as in
        attachUprobe."""
        binary, name = _split(fxpr)
        pid = number(pid, "pid")
        found = find(self.__session, name, of="file", binary=binary, pid=pid)
        print("%s 0x%x" % (found["path"], found["offset"]))
        self.__attach(function, hook="uprobe", name=binary, symbol=name, pid=pid)

    def traceUretprobes(self, function, pid, fxpr):
        """Run it when a function of a program or library returns; arguments as in traceUprobes."""
        binary, name = _split(fxpr)
        self.__attach(function, hook="uretprobe", name=binary, symbol=name, pid=number(pid, "pid"))

    def attachJavaSym(self, function, pid, symbol):
        """Run it in a function that the runtime of process pid compiled, in each thread it has now.

        symbol: the function as /tmp/perf-PID.map names it. The program, of section perf_event, runs
        by a hardware breakpoint behind the function's first instructions, of which a machine has
        few (x86: 4). Raises InvalidArgsException when the runtime has told no such function."""
        found = Symbols().find(text(symbol, "symbol"), of="jit", pid=number(pid, "pid"))
        inside = found["address"] + (_PROLOGUE if found["size"] > _PROLOGUE else 0)
        self.attachPerfEvents(function, {"type": PerfType.BREAKPOINT, "bp_type": PerfBreakPointType.X, "bp_addr": inside,
                                         "bp_len": ctypes.sizeof(ctypes.c_long), "sample_period": 1}, pid)

    def attachTracepoint(self, function, category, name):
        """Run it at a tracepoint: events/category/name in tracefs, which only root may read
        (CAP_DAC_READ_SEARCH)."""
        self.__attach(function, hook="tracepoint", name=u"%s/%s" % (text(category, "category"), text(name, "name")))

    def attachRawTracepoint(self, function, name):
        """Run it at the tracepoint name, with the arguments as the kernel has them. Needs no tracefs."""
        self.__attach(function, hook="raw_tracepoint", name=name)

    def attachPerfEvent(self, function, attrD, pid=0, cpu=-1, group_fd=-1, flags=0):
        """Run it whenever a perf event counts or samples; returns 0.

        attrD: members of struct perf_event_attr by name, numbers or their text (see
        pylcc.perfEvent); sample_freq is in samples a second, sample_period in events; size is
        ignored. pid: 0 this thread, -1 all, which needs a cpu; cpu: -1 all, which needs a pid.
        group_fd, flags: those of perf_event_open(2)."""
        self.__attach(function, hook="perf_event", pid=number(pid, "pid"), cpu=number(cpu, "cpu"), fd=_descriptor(group_fd, "group_fd"),
                      flags=number(flags, "flags"), event=_numbers(attrD))
        return 0

    def attachAllCpuPerf(self, function, attrD, pid=-1, group_fd=-1, flags=0):
        """attachPerfEvent on every CPU that is online; attrD, pid, group_fd, flags as there."""
        for cpu in _online():
            self.attachPerfEvent(function, attrD, pid, cpu, group_fd, flags)

    def attachPerfEvents(self, function, attrD, pid, group_fd=-1, flags=0):
        """attachPerfEvent for every thread that the process pid has now; one that ends meanwhile is
        left out. attrD, group_fd, flags as there."""
        listed, gone = _threads(pid), []
        for thread in listed:
            try:
                self.attachPerfEvent(function, attrD, thread, -1, group_fd, flags)
            except errors.AttachException as e:
                gone.append(e)
                if e.errno != errno.ESRCH or len(gone) == len(listed):
                    raise

    def attachCgroup(self, function, fd):
        """Run it for the cgroup (v2) whose directory is open as fd, a number or a file object, as the
        program's section says: "cgroup_skb/egress", "cgroup/connect4" ... Needs CAP_NET_ADMIN."""
        self.__attach(function, hook="cgroup", fd=_descriptor(fd, "fd"))

    def attachNetns(self, function, fd):
        """Run it for the network namespace whose file, such as /proc/PID/ns/net, is open as fd, a
        number or a file object: sections "flow_dissector" and "sk_lookup". Needs CAP_NET_ADMIN."""
        self.__attach(function, hook="netns", fd=_descriptor(fd, "fd"))

    def attachXdp(self, function, ifindex):
        """Run it for what the network interface of index ifindex receives. Needs CAP_NET_ADMIN."""
        self.__attach(function, hook="xdp", index=number(ifindex, "ifindex"))


def _split(fxpr):
    binary, _, name = text(fxpr, "fxpr").partition(u":")
    if not name:
        raise errors.InvalidArgsException("trace %s: it names no function (\"binary:function\" is needed)" % native(utf8(binary)))
    return binary, name


def threads(pid):
    """The numbers of the threads of a process."""
    return [int(name) for name in os.listdir("/proc/%d/task" % pid)]


def _threads(pid):
    if number(pid, "pid") <= 0:
        return [pid]
    try:
        return threads(pid)
    except OSError as e:
        raise errors.AttachException("attach to process %d: %s (is it running?)" % (pid, e.strerror), "", e.errno)


def _online():
    with open("/sys/devices/system/cpu/online") as f:
        ranges = [part.split("-") for part in f.read().strip().split(",")]
    return [cpu for part in ranges for cpu in range(int(part[0]), int(part[-1]) + 1)]


def _descriptor(value, name):
    return number(value.fileno() if hasattr(value, "fileno") else value, name)


def _number(value, name):
    """A number, also as text: decimal, or as C writes it."""
    if not isinstance(value, texts + (bytes,)):
        return number(value, name)
    for base in (10, 0):
        try:
            return int(value, base)
        except ValueError:
            continue
    raise errors.InvalidArgsException("use %r as %s: it must be an integer" % (value, name))


def _numbers(attr):
    """The members that are numbers; of others it is said that they are not."""
    if not hasattr(attr, "items"):
        raise errors.InvalidArgsException("attach to a perf event: attrD is no dict: %r" % (attr,))
    numbers = {}
    for name, value in attr.items():
        name = native(utf8(text(name, "a member of attrD")))
        try:
            numbers[name] = _number(value, name) & 0xffffffffffffffff
        except errors.InvalidArgsException:
            print("key %s type is %s, not support, skip." % (name, type(value)))
    return numbers
