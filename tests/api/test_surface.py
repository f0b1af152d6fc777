"""Every public call with every kind of wrong argument; a new public name without an entry here fails."""

import ast
import importlib
import inspect
import json
import os
import pkgutil
import re
import threading

import pytest

import coolbpf
import surftrace
from programs import load, on_getppid
from pylcc import errors, lbcMaps, lbcStack
from pylcc.lbcBase import CeventThread, ClbcApp, ClbcBase, ClbcInclude, ClbcLoad, getCwd
from pylcc.lbcMaps import CffiTrans, CffiValue
from pylcc.errors import InvalidArgsException

LONG = "x" * 100000
SOURCE = on_getppid("""
struct pair_t { u32 a; char name[8]; };
LBC_HASH(hash, u32, u64, 8);
LBC_HASH(pairs, struct pair_t, struct pair_t, 8);
LBC_ARRAY(array, u32, u64, 8);
LBC_HIST2(two);
LBC_HIST10(ten);
LBC_STACK(stacks, 8);
LBC_PERF_OUTPUT(out, struct pair_t, 8);
LBC_PERF_OUTPUT(other, struct pair_t, 8);
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __type(value, u32); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 4); __type(value, u32); } bloom SEC(".maps");
SEC("perf_event") int perf(struct bpf_perf_event_data *ctx) { return 0; }
SEC("uprobe/*") int probe(struct pt_regs *ctx) { return 0; }
SEC("raw_tracepoint/*") int raw(struct bpf_raw_tracepoint_args *ctx) { return 0; }
SEC("tracepoint/*") int point(void *ctx) { return 0; }
SEC("cgroup/sock_create") int cgroup(struct bpf_sock *ctx) { return 1; }
SEC("flow_dissector") int dissect(struct __sk_buff *ctx) { return 0; }
SEC("xdp") int packet(struct xdp_md *ctx) { return XDP_PASS; }
""", "return 0;")

JIT = "/tmp/perf-%d.map" % os.getpid()
CLOCK = {"type": 1, "config": 0, "sample_period": 1000000000}


class Surroundings(object):
    """What the calls below use."""

    def __init__(self, place):
        self.place = place
        self.lbc = load(place, SOURCE, "surface")
        with open(JIT, "w") as f:
            f.write("10000 100 compiled\n")

    def __getattr__(self, name):
        return self.lbc.maps[name]

    def libc(self):
        with open("/proc/self/maps") as f:
            return [line.split()[-1] for line in f if "libc.so" in line or "libc-2" in line][0]


class Entry(object):
    """good: a call that works; also with bytes for text, where it takes text. bad: (exception, call). free: it
    needs no loaded object, so that it works when that is closed, and after a fork."""

    def __init__(self, good, *bad, **options):
        self.good, self.bad, self.free = good, bad, options.get("free", False)


def wrong(*calls):
    return [(InvalidArgsException, call) for call in calls]


def unbound(good, *bad):
    return Entry(good, *bad, free=True)


def table(method, *bad):
    """One of the methods of a table: other kinds of maps are tested where they are."""
    return Entry(lambda o: getattr(o.hash, method)(), *bad)


def attaching(program, good, call, *targets):
    """The attach calls: call(o, function, target...). The first target would do, the others are wrong."""
    def target(bad):
        def tried(o):
            try:
                return call(o, program, *bad)
            except errors.AttachException as e:  # of the target, and not of a program that does not fit the call
                if re.search("program type|is not a|section must be", str(e)):
                    pytest.fail("%s" % e)
                raise
        return tried

    def function(bad):
        def tried(o):
            try:
                return call(o, bad, *targets[0])
            except errors.AttachException as e:  # of the target, which would do
                pytest.fail("%s" % e)
        return tried
    return Entry(good, *wrong(*([function(f) for f in (3, None, "", "nope", LONG, "perf\0", b"\xff")] + [target(t) for t in targets[1:]])))


SURFACE = {
    "ClbcBase": unbound(
        lambda o: load(o.place, SOURCE, b"surface").close(),
        (errors.FileNotExistException, lambda o: ClbcBase("nope", workPath=o.place)),
        (ValueError, lambda o: ClbcBase("surface", SOURCE, workPath=o.place, logLevel="high")),
        *wrong(*[lambda o, a=a: ClbcBase(**dict({"bpf": "surface", "bpf_str": SOURCE, "workPath": o.place}, **a)) for a in (
            {"bpf": 3}, {"bpf": None}, {"bpf": ""}, {"bpf": "a/.."}, {"bpf": LONG}, {"bpf": "t\0"}, {"bpf_str": 3},
            {"env": 3}, {"env": "-o x"}, {"arch": "pdp11"}, {"arch": 3}, {"workPath": 3},
            {"incPath": 3}, {"btf": []}, {"opt": "nope"}, {"opt": 3})])),
    "ClbcBase.so": Entry(lambda o: o.lbc.so()),
    "ClbcBase.getMap": unbound(
        lambda o: o.lbc.getMap("out", b"\1\0\0\0name", 8),
        *wrong(lambda o: o.lbc.getMap("nope", b"", 0), lambda o: o.lbc.getMap(3, b"", 0), lambda o: o.lbc.getMap("hash", b"", 0),
               lambda o: o.lbc.getMap("out", -1, 0), lambda o: o.lbc.getMap("out", 4096, 8), lambda o: o.lbc.getMap("out", None, 0),
               lambda o: o.lbc.getMap("out", u"text", 4))),
    "ClbcBase.waitInterrupt": unbound(lambda o: None, *wrong(lambda o: o.lbc.waitInterrupt(3), lambda o: o.lbc.waitInterrupt("cb"))),
    "ClbcBase.close": unbound(lambda o: load(o.place, SOURCE, "surface").close()),
    "Attach.attachKprobe": attaching("probe", None, lambda o, f, s: o.lbc.attachKprobe(f, s), ("getpid",), (3,), ("",), (LONG,), (None,)),
    "Attach.attachKretprobe": attaching("probe", None, lambda o, f, s: o.lbc.attachKretprobe(f, s), ("getpid",), (3,), ("",), (LONG,), (None,)),
    "Attach.attachUprobe": attaching(
        "probe", lambda o: o.lbc.attachUprobe("probe", -1, o.libc(), 0x30000), lambda o, f, *t: o.lbc.attachUprobe(f, *t),
        (-1, "/bin/sh", 0x4000), (-1, "/nonexistent", 0), (-1, 3, 0), (-1, "", 0), (-1, LONG, 0), ("1", "/bin/sh", 0x4000), (None, "/bin/sh", 0),
        (1 << 40, "/bin/sh", 0x4000), (-1, "/bin/sh", -1), (-1, "/bin/sh", "main"), (-1, "/bin/sh", 1 << 70), (-1, "/etc/hostname", 0)),
    "Attach.attachUretprobe": attaching(
        "probe", lambda o: o.lbc.attachUretprobe("probe", 0, o.libc(), 0x30000), lambda o, f, *t: o.lbc.attachUretprobe(f, *t),
        (-1, "/bin/sh", 0x4000), (-1, "/nonexistent", 0), (-1, 3, 0), ("1", "/bin/sh", 0x4000), (-1, "/bin/sh", -1), (-1, "/bin/sh", "main")),
    "Attach.traceUprobes": attaching(
        "probe", lambda o: o.lbc.traceUprobes("probe", -1, "libc:getppid"), lambda o, f, *t: o.lbc.traceUprobes(f, *t),
        (-1, "libc:getppid"), (-1, "libc:getpppid"), (-1, "nope-at-all:f"), (-1, "libc"), (-1, "libc:"), (-1, ""), (-1, 3), (-1, None),
        (-1, "libc:" + LONG), ("1", "libc:getppid"), (1 << 40, "libc:getppid")),
    "Attach.traceUretprobes": attaching(
        "probe", lambda o: o.lbc.traceUretprobes("probe", -1, "libc:getppid"), lambda o, f, *t: o.lbc.traceUretprobes(f, *t),
        (-1, "libc:getppid"), (-1, "libc:getpppid"), (-1, 3), (-1, "libc:"), ("1", "libc:getppid")),
    "Attach.attachJavaSym": attaching(
        "perf", None, lambda o, f, *t: o.lbc.attachJavaSym(f, *t), (os.getpid(), "compiled"), (1, "f"), (os.getpid(), "f"), (-1, "f"), ("1", "f"), (None, "f"), (1 << 40, "f"), (1, 3)),
    "Attach.attachTracepoint": attaching(
        "point", lambda o: o.lbc.attachTracepoint("point", "sched", "sched_process_fork"), lambda o, f, *t: o.lbc.attachTracepoint(f, *t),
        ("sched", "sched_process_fork"), ("sched", "sched_process_frok"), ("", ""), (3, "x"), ("sched", 3), ("sched", LONG), ("../sched", "sched_process_fork")),
    "Attach.attachRawTracepoint": attaching(
        "raw", lambda o: o.lbc.attachRawTracepoint("raw", "sched_process_fork"), lambda o, f, *t: o.lbc.attachRawTracepoint(f, *t),
        ("sched_process_fork",), ("sched_process_frok",), ("",), (3,), (None,), (LONG,)),
    "Attach.attachPerfEvent": attaching(
        "perf", lambda o: o.lbc.attachPerfEvent("perf", CLOCK), lambda o, f, *t: o.lbc.attachPerfEvent(f, *t),
        (CLOCK,), (3,), (None,), ({"nope": 1},), ({3: 1},), ({"type": 99},), (CLOCK, "0"), (CLOCK, -1, -1), (CLOCK, 1 << 40), (CLOCK, -1, 1 << 20),
        (CLOCK, 0, -1, "x"), (CLOCK, 0, -1, -1, -1), (CLOCK, 0, -1, -1, "x")),
    "Attach.attachAllCpuPerf": attaching(
        "perf", lambda o: o.lbc.attachAllCpuPerf("perf", CLOCK), lambda o, f, *t: o.lbc.attachAllCpuPerf(f, *t), (CLOCK,), (3,), ({"nope": 1},), (CLOCK, "x")),
    "Attach.attachPerfEvents": attaching(
        "perf", lambda o: o.lbc.attachPerfEvents("perf", CLOCK, os.getpid()), lambda o, f, *t: o.lbc.attachPerfEvents(f, *t),
        (CLOCK, 0), (3, 0), (CLOCK, 1 << 22), (CLOCK, "1"), (CLOCK, None)),
    "Attach.attachCgroup": attaching(
        "cgroup", None, lambda o, f, *t: o.lbc.attachCgroup(f, *t), (0,), (-1,), ("x",), (None,), (1 << 40,)),
    "Attach.attachNetns": attaching(
        "dissect", None, lambda o, f, *t: o.lbc.attachNetns(f, *t), (0,), (-1,), ("x",), (None,), (1 << 40,)),
    "Attach.attachXdp": attaching(
        "packet", None, lambda o, f, *t: o.lbc.attachXdp(f, *t), (1,), (-1,), (0,), ("lo",), (None,), (1 << 40,)),
    "ClbcLoad": unbound(
        lambda o: ClbcLoad(b"surface", SOURCE, workPath=o.place),
        *wrong(*[lambda o, a=a: ClbcLoad(**dict({"bpf": "surface", "bpf_str": SOURCE, "workPath": o.place}, **a)) for a in (
            {"bpf": 3}, {"bpf": ""}, {"bpf": LONG}, {"bpf_str": 3}, {"env": "-o x"}, {"arch": "pdp11"}, {"opt": 3}, {"ver": 3})])),
    "ClbcLoad.c2str": unbound(lambda o: ClbcLoad.c2str(b"a\0"), *wrong(lambda o: ClbcLoad.c2str(3), lambda o: ClbcLoad.c2str(None))),
    "ClbcLoad.c2list": unbound(lambda o: ClbcLoad.c2list((1, 2)), (TypeError, lambda o: ClbcLoad.c2list(3)), (TypeError, lambda o: ClbcLoad.c2list(None))),
    "ClbcApp": unbound(lambda o: ClbcApp("surface", SOURCE, workPath=o.place).close(), *wrong(lambda o: ClbcApp(3))),
    "ClbcApp.loop": unbound(lambda o: None, *wrong(lambda o: ClbcApp("surface", SOURCE, workPath=o.place).loop())),
    "CeventThread": Entry(
        lambda o: CeventThread(o.lbc, "other", lambda cpu, e: None),
        *wrong(lambda o: CeventThread(o.lbc, "nope", lambda *_: 0), lambda o: CeventThread(o.lbc, "hash", lambda *_: 0),
               lambda o: CeventThread(o.lbc, 3, lambda *_: 0), lambda o: CeventThread(o.lbc, "out", 3), lambda o: CeventThread(o.lbc, "out", lambda *_: 0, 3),
               lambda o: CeventThread(3, "out", lambda *_: 0))),
    "CeventThread.cb": unbound(lambda o: None),
    "CeventThread.run": unbound(lambda o: None),
    "ClbcInclude": unbound(lambda o: ClbcInclude(o.place), *wrong(lambda o: ClbcInclude(3), lambda o: ClbcInclude(o.place, 3))),
    "ClbcInclude.parse": unbound(
        lambda o: ClbcInclude(o.place).parse("int x;\n"), (ValueError, lambda o: ClbcInclude(o.place).parse('#include "nope.h"\n')),
        *wrong(lambda o: ClbcInclude(o.place).parse(3), lambda o: ClbcInclude(o.place).parse(None))),
    "getCwd": unbound(lambda o: getCwd(__file__), ((TypeError, AttributeError), lambda o: getCwd(3)), ((TypeError, AttributeError), lambda o: getCwd(None))),
    "CmapsBase.fileno": Entry(lambda o: o.hash.fileno()),
    "CmapsEvent.event": unbound(
        lambda o: o.out.event(b"\1\0\0\0name"), *wrong(lambda o: o.out.event(0), lambda o: o.out.event(-1), lambda o: o.out.event(1 << 70), lambda o: o.out.event(None),
                                                      lambda o: o.out.event(3.5), lambda o: o.out.event(u"text"))),
    "CmapsEvent.open_perf_buffer": Entry(
        lambda o: o.out.open_perf_buffer(lambda *_: None), *wrong(lambda o: o.out.open_perf_buffer(3),
                                         lambda o: o.out.open_perf_buffer(len, "x"))),
    "CmapsEvent.perf_buffer_poll": Entry(
        lambda o: (o.out.open_perf_buffer(lambda *_: None), o.out.perf_buffer_poll(timeout=0)),
        (ValueError, lambda o: o.out.perf_buffer_poll(0, object())), *wrong(*[lambda o, t=t: (o.out.open_perf_buffer(lambda *_: None), o.out.perf_buffer_poll(t)) for t in ("x", None)])),
    "CmapsEvent.batches": Entry(
        lambda o: list(o.out.batches(0)), *wrong(*[lambda o, t=t: o.out.batches(t) for t in ("x", None, [])])),
    "CmapsEvent.fileno": Entry(lambda o: o.out.fileno()),
    "CtableBase.get": table("get"),
    "CtableBase.getThenClear": table("getThenClear", *wrong(lambda o: o.array.getThenClear())),
    "CtableBase.getKeys": table("getKeys"),
    "CtableBase.items": table("items"),
    "CtableBase.clear": table("clear"),
    "CtableBase.getKeyValue": Entry(
        lambda o: (o.hash.getKeyValue(-14), o.pairs.getKeyValue((1, b"a")), o.pairs.getKeyValue({"a": 1, "name": "a"})),
        *wrong(*[lambda o, k=k: o.hash.getKeyValue(k) for k in ("x", None, 1.5, {}, (1, 2), b"12")] +
                [lambda o, k=k: o.pairs.getKeyValue(k) for k in (3, "x", None, {"b": 1}, (1, 2, 3), (1, LONG), ("x", "y"))])),
    "CtableBase.update": Entry(
        lambda o: (o.hash.update({1: 2}), o.pairs.update([((1, "a"), (2, b"b"))])),
        *wrong(*[lambda o, e=e: o.hash.update(e) for e in ({1: "x"}, {"x": 1}, {1: -1}, {1: 1 << 64}, {-1: 1}, {1 << 32: 1}, {1: None}, 3, [3], "xy", None)] +
                [lambda o, v=v: o.pairs.update({(1, "a"): v}) for v in (3, (1, LONG), (1, 2), {"nope": 1}, None)] + [lambda o: o.array.update({8: 1})])),
    "CmapsArray.get": Entry(lambda o: o.array.get(3), *wrong(lambda o: o.array.get("x"), lambda o: o.array.get(None), lambda o: o.array.get(1.5))),
    "CmapsHist.get": Entry(lambda o: o.two.get(), *wrong(lambda o: o.two.get("x"), lambda o: o.ten.get(1.5))),
    "CmapsHist.showHist": unbound(
        lambda o: o.two.showHist("x", [1]), (ValueError, lambda o: o.two.showHist("x", [])),
        (TypeError, lambda o: o.two.showHist("x", 3)), *wrong(lambda o: o.two.showHist("x", ["a"]), lambda o: o.two.showHist("x", [1.5]))),
    "CmapsHist.limit": unbound(None),
    "CmapsHist2.limit": unbound(lambda o: o.two.limit(3), (TypeError, lambda o: o.two.limit("x")), (TypeError, lambda o: o.two.limit(1.5))),
    "CmapsHist10.limit": unbound(lambda o: o.ten.limit(3), (TypeError, lambda o: o.ten.limit("x"))),
    "CmapsStack.getArr": Entry(lambda o: o.stacks.getArr(-14), *wrong(lambda o: o.stacks.getArr("x"), lambda o: o.stacks.getArr(None), lambda o: o.stacks.getArr(1.5))),
    "CmapsStack.getStacks": Entry(lambda o: o.stacks.getStacks(-14), *wrong(lambda o: o.stacks.getStacks("x"), lambda o: o.stacks.getStacks(None),
                                  lambda o: o.stacks.getStacks(-14, "x"))),
    "CmapsQueue.pop": Entry(lambda o: o.queue.pop()),
    "CmapsQueue.peek": Entry(lambda o: o.queue.peek()),
    "CmapsKeyless.push": Entry(lambda o: (o.queue.pop(), o.queue.push(3), o.queue.pop()), *wrong(*[lambda o, v=v: o.queue.push(v) for v in ("x", None, -1, 1 << 32, (1, 2))] +
                               [lambda o: [o.queue.push(n) for n in range(9)]])),
    "CtypeData.load": unbound(lambda o: o.hash.values.load(b"\1"), *wrong(lambda o: o.hash.values.load(u"x"), lambda o: o.hash.values.load(None), lambda o: o.hash.values.load(-1))),
    "CtypeData.pack": unbound(lambda o: o.hash.values.pack(1), *wrong(lambda o: o.hash.values.pack("x"), lambda o: o.hash.values.pack(-1), lambda o: o.hash.values.pack(1 << 64))),
    "Value.get": unbound(lambda o: o.pair.get("nope", 3)),
    "Value.keys": unbound(lambda o: list(o.pair.keys())),
    "Value.values": unbound(lambda o: list(o.pair.values())),
    "Value.items": unbound(lambda o: list(o.pair.items())),
    "paserMaps": unbound(None, *wrong(lambda o: lbcMaps.paserMaps(None, "m", {}))),
    "CffiTrans": unbound(lambda o: CffiTrans(None)),
    "CffiTrans.value": unbound(lambda o: None),  # of cffi, which raises
    "getKStacks": Entry(
        lambda o: lbcStack.getKStacks(o.stacks, -14, surftrace_elf().CelfKsym()),
        *wrong(lambda o: lbcStack.getKStacks(3, 1, None), lambda o: lbcStack.getKStacks(o.stacks, "x", None), lambda o: lbcStack.getKStacks(o.hash, 1, None),
               lambda o: lbcStack.getKStacks(o.stacks, 1, None, "x"))),
    "ClbcUstack": unbound(
        lambda o: lbcStack.ClbcUstack(os.getpid(), [0]),
        *wrong(lambda o: lbcStack.ClbcUstack(1 << 22, [1]), lambda o: lbcStack.ClbcUstack("x", [1]), lambda o: lbcStack.ClbcUstack(-1, [1]),
               lambda o: lbcStack.ClbcUstack(os.getpid(), 3), lambda o: lbcStack.ClbcUstack(os.getpid(), ["x"]))),
    "ClbcUstack.dumpStacks": unbound(lambda o: lbcStack.ClbcUstack(os.getpid(), []).dumpStacks()),
}

INTERNAL = ("CmapsBase", "CmapsEvent", "CtypeData", "CtypeTable")  # made by the package alone

# Modules for what is not BPF have tests of their own, with bad input, in the files named.
ELSEWHERE = {"test_compat_common.py": ["CsurfList", "transProbeLine", "taskList", "surftrace.headTrans", "surftrace.regSplit"],
             "test_compat_exec.py": ["CexecCmd", "CasyncPipe", "CasyncCmdQue"],
             "test_compat_client.py": ["segDecode", "surftrace.lbcClient", "surftrace.baseDbParser", "surftrace.prevPareser", "surftrace.kobuild"],
             "test_compat_trace.py": ["surftrace.dbParser", "surftrace.ftrace", "surftrace.fxpr", "surftrace.gdbParser",
                                      "surftrace.surfThread", "surftrace.surftrace", "surfGraph"],
             "test_commands.py": ["main"],
             "test_symbols.py": ["surftrace.surfElf", "surftrace.uprobeParser"]}


def surftrace_elf():
    return importlib.import_module("surftrace.surfElf")


def modules():
    found = ["pylcc." + name for name in ("lbcBase", "lbcMaps", "lbcStack", "lbcInclude", "perfEvent", "clcc", "errors", "localExceptions")]
    for package in (surftrace, coolbpf):
        found += ["%s.%s" % (package.__name__, module[1]) for module in pkgutil.iter_modules(package.__path__)]
    return found


def public():
    """{Class.method, Class or function: module} of what is callable; a method belongs to the class that defines it."""
    found = {}
    for name in modules():
        module = importlib.import_module(name)
        for attribute in getattr(module, "__all__", ()) or vars(module):
            what = getattr(module, attribute)
            if not hasattr(module, "__all__") and getattr(what, "__module__", "").partition(".")[0] != name.partition(".")[0]:
                continue
            if inspect.isclass(what) and not issubclass(what, BaseException):
                ours = [cls for cls in what.__mro__ if cls.__module__.partition(".")[0] in ("pylcc", "surftrace", "coolbpf")]
                if "__init__" in vars(what) and what.__name__ not in INTERNAL:
                    found[what.__name__] = what.__module__
                for cls in ours:
                    for method, value in vars(cls).items():
                        if not method.startswith("_") and (inspect.isfunction(value) or isinstance(value, (staticmethod, classmethod))):
                            if method not in [m for c in ours[:ours.index(cls)] for m in vars(c)]:
                                found["%s.%s" % (cls.__name__, getattr(value, "__name__", method))] = cls.__module__
            elif inspect.isfunction(what):
                found[attribute] = what.__module__
    return found


@pytest.fixture(scope="module")
def around(request):
    import tempfile
    import shutil
    place = tempfile.mkdtemp()
    surroundings = Surroundings(place)
    surroundings.pair = surroundings.lbc.maps["out"].event(b"\1\0\0\0name")
    assert isinstance(surroundings.pair, CffiValue)
    yield surroundings
    surroundings.lbc.close()
    shutil.rmtree(place)
    os.remove(JIT)


def test_every_public_name_has_an_entry():
    names = public()
    listed = set(SURFACE) | set(name for names in ELSEWHERE.values() for name in names)
    missing = [name for name, module in sorted(names.items())
               if name not in listed and name.partition(".")[0] not in listed - set(SURFACE) and module not in listed]
    assert not missing, missing
    assert not [name for name in sorted(SURFACE) if name not in names and name not in ("ClbcApp", "CmapsHist.limit")]
    unused = [(file, name) for file, listed in ELSEWHERE.items() for name in covered(names, listed) if name.rpartition(".")[2] not in used(file)]
    assert not unused, unused


def covered(names, listed):
    """The public names that entries of ELSEWHERE stand for: those of a module, of a class, or one."""
    for entry in listed:
        found = [name for name, module in names.items() if module == entry or name.partition(".")[0] == entry]
        assert found, entry
        for name in found:
            if not name.startswith("_") and not name.endswith(".run"):  # of a thread
                yield name


def used(file):
    """The names that the code of a test reads or calls; to import one does not count."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), file)) as f:
        tree = ast.parse(f.read())
    return set(getattr(node, "id", getattr(node, "attr", None)) for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.Attribute)))


@pytest.mark.parametrize("name", sorted(SURFACE))
def test_bad_input(around, name):
    said = {}
    for number, (expected, call) in enumerate(SURFACE[name].bad):
        try:
            said[number] = "returns %r" % (call(around),)
        except expected as e:
            if isinstance(e, errors.LccException):
                assert str(e) and "\n" not in str(e) and len(str(e)) < 5 * len(LONG)
        except Exception as e:
            said[number] = "%s: %s" % (type(e).__name__, e)
    assert not said


@pytest.mark.parametrize("name", sorted(name for name in SURFACE if SURFACE[name].good))
def test_good_input_in_another_thread(around, name):
    raised = []

    def work():
        try:
            SURFACE[name].good(around)
        except BaseException as e:
            raised.append(e)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert not thread.is_alive() and not raised, raised


def outcomes(o):
    """{name: class of what the good call raises, or ""}"""
    found = {}
    for name, entry in SURFACE.items():
        if entry.good:
            try:
                entry.good(o)
                found[name] = ""
            except Exception as e:
                found[name] = type(e).__name__
    return found


def test_after_a_fork(around):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, json.dumps(outcomes(around)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as f:
        found = json.loads(f.read())
    os.waitpid(child, 0)
    # What makes an object of its own cannot be used either once the parent has one.
    wrong = [(name, got) for name, got in found.items() if got not in (("", "ForkException") if SURFACE[name].free else ("ForkException",))]
    assert len(found) > 40 and not wrong


def test_closed(around, tmpdir):
    closed = Surroundings(str(tmpdir))
    closed.pair = around.pair
    closed.lbc.close()
    found = outcomes(closed)
    wrong = [(name, got) for name, got in found.items() if got != ("" if SURFACE[name].free else "ClosedException")]
    assert len(found) > 40 and not wrong
