"""surftrace on the kernel's own tracer: events here, functions where there are kprobes."""

import importlib
import os
import subprocess
import sys
import threading

import pytest

from programs import LICENSE, NR_GETPPID, load
from pylcc import errors
from surftrace import setupParser, surftrace
from surftrace.dbParser import CbtfParser, CdbParser
from surftrace.ftrace import ftrace, saveCmd
from surftrace.fxpr import Cfxpr
from surftrace.gdbParser import CgdbParser
from surftrace.regSplit import spiltInputLine
from surftrace.surfCommon import transProbeLine
from surftrace.surfGraph import surfGraph
from surftrace.surfThread import CsurfThread

TRACEFS = "/sys/kernel/tracing"
MINE = "e raw_syscalls/sys_enter f:id==%s&&common_pid==%d" % (NR_GETPPID, os.getpid())


INSTANCE = "surftrace-test-%d"  # of a process: other tests run beside these


def start(args, **options):
    """A surftrace that runs, in an instance of this process."""
    surf = surftrace(args, setupParser(), echo=options.pop("echo", False), instance=INSTANCE % os.getpid(), **options)
    surf.start()
    return surf


def left(pid=os.getpid()):
    """What traces of a process have left in the kernel."""
    with open(TRACEFS + "/uprobe_events") as f:
        return [name for name in os.listdir(TRACEFS + "/instances") if str(pid) in name.split("-")] + [
            line for line in f if ":surftrace_%d_" % pid in line]


def libc():
    with open("/proc/self/maps") as f:
        return [line.split()[-1] for line in f if "/libc.so" in line or "/libc-2" in line][0]


class Lines(list):
    """A callback that remembers, and waits."""

    def __init__(self):
        self.came = threading.Event()

    def __call__(self, line):
        self.append(line)
        self.came.set()

    def wait_for(self, count):
        for _ in range(300):
            if len(self) >= count:
                return
            self.came.wait(0.1)
            self.came.clear()
        raise AssertionError(self)


def test_an_event(capsys):
    lines, raw = Lines(), Lines()
    surf = start([MINE], cb=lines, echo=True)
    other = start([MINE], cbOrig=raw, stack=True)  # an instance of its own
    assert len(left()) == 2
    for _ in range(5):
        os.getppid()
    surf.stop()  # nothing that happened before is lost
    other.stop()
    surf.stop()
    assert len(lines) == 5 and left() == []
    for line in lines:
        read = transProbeLine(line)
        assert read["pid"] == os.getpid() and read["name"] == "sys_enter" and read["args"].startswith("NR %s (" % NR_GETPPID)
    assert len([line for line in raw if "sys_enter: NR" in line]) == 5 and ("=> do_syscall_64" in raw or "=> el0_svc" in raw)
    assert "echo '1' > %s/instances/%s/events/raw_syscalls/sys_enter/enable" % (TRACEFS, INSTANCE % os.getpid()) in capsys.readouterr()[0]
    with pytest.raises(errors.InvalidArgsException) as e:
        surf.start()
    assert "it was stopped" in str(e.value)


def test_a_callback_that_stops():
    lines, surf = Lines(), None

    def stop(line):
        lines(line)
        surf.stop()
    surf = start([MINE], cb=stop)
    with pytest.raises(errors.InvalidArgsException) as e:
        surf.start()
    assert "it runs already" in str(e.value) and len(left()) == 1
    os.getppid()
    surf.loop()
    assert len(lines) == 1 and left() == []


def test_names_translate_values():
    lines = Lines()
    surf = surftrace([MINE], setupParser(), cb=lines, echo=False)
    surf.procLine("a-1 [000] .... 1.0: p0: (f+0x0/0x1) ip_to=16777343 b16_port=20480 B16_x=0x3412 plain_x=7")
    assert lines == ["a-1 [000] .... 1.0: p0: (f+0x0/0x1) ip_to=127.0.0.1 b16_port=80 B16_x=1234 plain_x=7"]


def test_commands_are_kept(monkeypatch):
    """What -o writes: a shell script that does the same."""
    commands = importlib.import_module("surftrace.ftrace")
    monkeypatch.setattr(commands, "cmdStrings", "")
    saveCmd("not kept")
    monkeypatch.setattr(commands, "save2File", True)
    surf = start([MINE], cb=len)
    surf.stop()
    kept, place = commands.cmdStrings.splitlines(), "%s/instances/%s" % (TRACEFS, INSTANCE % os.getpid())
    assert "not kept" not in kept and "cat %s/trace_pipe" % place in kept
    assert kept.index("echo '1' > %s/tracing_on" % place) < kept.index("echo '0' > %s/tracing_on" % place)


def test_wrong_events():
    for args, kind, text in (
            (["e raw_syscalls/none"], errors.InvalidArgsException, "raw_syscalls/none is not an available event"),
            ([MINE, "e raw_syscalls/sys_exit f:nothing==1"], errors.InvalidArgsException, "nothing==1"),
            (["e"], errors.ExprException, "TYPE SYMBOL"), ([], errors.InvalidArgsException, "no args."),
            (["P /bin/sh"], errors.InvalidArgsException, "FILE:FUNCTION")):
        with pytest.raises(kind) as e:
            start(args)
        assert text in str(e.value) and left() == []
    with pytest.raises(errors.InvalidArgsException):
        surftrace("e x", setupParser())
    if not os.path.exists(TRACEFS + "/kprobe_events"):
        with pytest.raises(errors.InvalidArgsException) as e:
            start(["p wake_up_new_task"])
        assert "CONFIG_KPROBE_EVENTS is off" in str(e.value) and left() == []


def test_a_published_file():
    """What pubLoader has from its file: a dict, without a parser."""
    lines = Lines()
    surf = surftrace({"ver": "5.10", "arch": "x86_64", "fxpr": [{"type": "e", "fxpr": u"raw_syscalls/sys_enter", "filter": MINE.split("f:")[1]}]},
                     None, echo=False, cb=lines, instance=INSTANCE % os.getpid())
    surf.start()
    os.getppid()
    surf.stop()
    assert len(lines) == 1 and "sys_enter" in lines[0]


LOOP = """
import os, signal, sys, threading, time
from surftrace import surftrace, setupParser

def interrupt(main):
    names = []
    while "wait" not in names or "loop" not in names:
        frame, names = sys._current_frames()[main], []
        while frame:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

surf = surftrace(["e raw_syscalls/sys_enter f:id==NR&&common_pid==%d" % os.getpid()], setupParser("remote"), echo=False, instance="INSTANCE" % os.getpid())
surf.start()
os.getppid()
threading.Thread(target=interrupt, args=(threading.current_thread().ident,)).start()
surf.loop()
print("after")
"""


def test_loop_ends_with_ctrl_c(tmpdir):
    child = subprocess.Popen([sys.executable, "-B", "-c", LOOP.replace("NR", NR_GETPPID).replace("INSTANCE", INSTANCE)], stdout=subprocess.PIPE, universal_newlines=True, cwd=str(tmpdir))
    lines = child.communicate()[0].splitlines()
    assert child.returncode == 0 and len(lines) == 2 and "NR %s (" % NR_GETPPID in lines[0] and lines[1] == "after" and left(child.pid) == []


FORGETS = """
import os
from surftrace import surftrace, setupParser
surf = surftrace(["e raw_syscalls/sys_enter f:common_pid==1", "P LIBC:getppid"], setupParser(), echo=False, instance="INSTANCE" % os.getpid())
surf.start()
if os.fork() == 0:
    raise SystemExit
os.wait()
print(os.listdir("TRACEFS/instances"))
"""


def python(tmpdir, text):
    """(pid, stdout, stderr) of a script, which has ended."""
    text = text.replace("INSTANCE", INSTANCE).replace("TRACEFS", TRACEFS)
    child = subprocess.Popen([sys.executable, "-B", "-W", "ignore", "-c", text], cwd=str(tmpdir), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             universal_newlines=True)
    out, err = child.communicate()
    return child.pid, out, err


def test_a_script_that_forgets_to_stop(tmpdir):
    pid, said, _ = python(tmpdir, FORGETS.replace("LIBC", libc()))
    assert repr(INSTANCE % pid) in said and left(pid) == []  # the child left its parent's alone


class Stopping(surftrace):
    """Ctrl-C comes behind each of the writes that stop() makes, once."""
    comes = -1

    def _write(self, path, value, append=False):
        super(Stopping, self)._write(path, value, append)
        self.comes -= 1
        if self.comes == 0:
            raise KeyboardInterrupt


PROBED = [MINE, "P %s:getppid" % libc()]


@pytest.mark.parametrize("write", [1, 2, 3])
def test_ctrl_c_while_it_stops(capsys, write):
    """Behind events/enable, tracing_on, and the removal of the probe."""
    surf = Stopping(PROBED, setupParser(), echo=False, cb=len, instance=INSTANCE % os.getpid())
    surf.start()
    assert len(left()) == 2
    surf.comes = write
    with pytest.raises(KeyboardInterrupt):
        surf.stop()
    assert bool(left()) == (write < 3)
    surf.stop()
    assert left() == [] and capsys.readouterr()[1] == ""


AT_EXIT = """
import os, sys
from surftrace import surftrace, setupParser

class Stopping(surftrace):
    stopping = False

    def _write(self, path, value, append=False):
        super(Stopping, self)._write(path, value, append)
        if self.stopping:
            self.stopping = False
            raise self.kind

for number, kind in enumerate((KeyboardInterrupt, SystemExit, RuntimeError)):
    surf = Stopping(["P LIBC:getppid"], setupParser(), echo=False, cb=len, instance="INSTANCE" % os.getpid())
    surf.start()
    surf.stopping, surf.kind = True, kind
print("PROBES".replace("PID", str(os.getpid())) in open("TRACEFS/uprobe_events").read())
"""


def test_ctrl_c_while_the_process_ends(tmpdir):
    pid, out, err = python(tmpdir, AT_EXIT.replace("LIBC", libc()).replace("PROBES", ":surftrace_PID_"))
    assert out == "True\n" and "KeyboardInterrupt" in err and "RuntimeError" in err and left(pid) == []


def test_what_cannot_be_undone_keeps_nothing_else(capsys):
    surf = start(PROBED, cb=len)
    place = os.path.join(TRACEFS, "instances", INSTANCE % os.getpid())
    with open(place + "/tracing_on"):
        surf.stop()
        assert left() == [os.path.basename(place)]
    assert "busy" in capsys.readouterr()[1]
    os.rmdir(place)


def test_in_a_thread():
    lines = Lines()
    thread = CsurfThread([MINE.replace("&&common_pid==%d" % os.getpid(), "")], cb=lines)
    thread.start()
    lines.wait_for(1)
    assert lines[0] == "surftrace worked." and thread.surfAlive()
    place = thread._surf._place
    os.getppid()
    assert os.path.isdir(place)
    thread.stop()
    assert not thread.surfAlive() and any("NR %s" % NR_GETPPID in line for line in lines[1:]) and not os.path.exists(place)
    lines = Lines()
    thread = CsurfThread(["e no/event"], cb=lines)
    thread.start()
    thread.join()
    assert len(lines) == 1 and lines[0].startswith("input failed: event no/event")
    thread = CsurfThread([MINE], cb=lines)
    thread.stop()  # before it has started
    thread.start()
    thread.join()
    assert "it was stopped" in lines[-1]


def test_a_trace_alone(capsys):
    class Mine(ftrace):
        def start(self):
            super(Mine, self).start()
            self.tracePre(512)
            with open(self.baseDir + "/instances/%s/trace_marker" % instance, "w") as f:
                f.write("written by hand")

        def procLine(self, line):
            lines.append(line)
    lines, instance = Lines(), INSTANCE % os.getpid()
    mine = Mine(echo=False, instance=instance)
    mine.start()
    with open(TRACEFS + "/instances/%s/buffer_size_kb" % instance) as f:
        assert int(f.read()) >= 512
    mine.stop()
    assert len(lines) == 1 and lines[0].endswith(": written by hand") and left() == []


def shown(*args, **options):
    got = []
    surftrace(list(args), setupParser(options.pop("mode", "local")), show=True, cbShow=got.append, **options).start()
    return got


def offset(tmpdir, text):
    """What the compiler makes of a constant expression on the kernel's types."""
    source = '#include "lbc.h"\n#include "vmlinux.h"\nLBC_ARRAY(m, u32, u32, %s + 1);\nSEC("raw_tracepoint/sched_process_fork") int f(void *ctx) { return 0; }\n' % text
    with load(tmpdir, source + LICENSE) as lbc:
        return lbc.maps["m"]._described["max_entries"] - 1


def test_expressions_have_the_compilers_offsets(tmpdir):
    def at(member, of="struct task_struct"):
        return "+0x%x" % offset(tmpdir, "__builtin_offsetof(%s, %s)" % (of, member))
    ctx = dict(mm=at("mm"), users=at("mm_users", "struct mm_struct"), comm=at("comm"), left=at("se.run_node.rb_left"), data=at("data", "struct sk_buff"),
               ack=at("ack_seq", "struct tcphdr"), port=at("__sk_common.skc_dport", "struct sock"), addr=at("__sk_common.skc_daddr", "struct sock"))
    assert shown("p wake_up_new_task comm=%0->comm users=S%di->mm->mm_users left=X%0->se.run_node.rb_left all=%0 who=$comm", "r wake_up_new_task ret=$retval",
                 "p tcp_connect ip_to=%0->__sk_common.skc_daddr b16_port=%0->__sk_common.skc_dport f:(b16_port==80)||ip_to!=127.0.0.1",
                 "p tcp_rcv_established ack=@(struct tcphdr*)l4%1->ack_seq len=@(struct iphdr *)l2%1->ihl first=X@(struct iphdr *)%1->sdata[1]",
                 "p wake_up_new_task+4 any=%si t=!(struct task_struct *)%di->comm b=@jiffies one=%di->comm[2]".replace("one=%di->comm[2]", "one=!(struct task_struct *)%di->comm[2]"),
                 arch="x86_64") == [
        {"type": "p", "filter": "", "fxpr": "p:p0 wake_up_new_task comm=%(comm)s(%%di):string users=%(users)s(%(mm)s(%%di)):s32 left=%(left)s(%%di):x64 "
                                            "all=%%di:u64 who=$comm" % ctx},
        {"type": "r", "filter": "", "fxpr": "r:r1 wake_up_new_task ret=$retval:u64"},
        {"type": "p", "filter": "(b16_port==20480)||ip_to!=0x100007f",
         "fxpr": "p:p2 tcp_connect ip_to=%(addr)s(%%di):u32 b16_port=%(port)s(%%di):u16" % ctx},
        {"type": "p", "filter": "", "fxpr": "p:p3 tcp_rcv_established ack=%(ack)s(%(data)s(%%si)):u32 len=+0xe(%(data)s(%%si)):b4@0/8 "
                                            "first=+0x16(%(data)s(%%si)):x16" % ctx},
        {"type": "p", "filter": "", "fxpr": "p:p4 wake_up_new_task+4 any=%%si:u64 t=%(comm)s(%%di):string b=@jiffies one=+0x%(two)x(%%di):u8" % dict(
            ctx, two=int(ctx["comm"], 16) + 2)},
    ]
    assert shown("p wake_up_new_task comm=%0->comm", arch="aarch64")[0]["fxpr"] == "p:p0 wake_up_new_task comm=%s(%%x0):string" % ctx["comm"]
    assert shown("e sched/sched_switch f:prev_pid>1", mode="gdb") == [{"type": "e", "fxpr": "sched/sched_switch", "filter": "prev_pid>1"}]
    fxpr = Cfxpr(CdbParser(), "x86_64")
    line = "p wake_up_new_task comm=%0->comm f:comm==1"
    assert fxpr.expr("wake_up_new_task", False, "wake_up_new_task", spiltInputLine(line)) == " comm=%s(%%di):string" % ctx["comm"]
    assert "+0x%x" % fxpr.showMemberOffset("comm", "struct task_struct *") == ctx["comm"]
    assert fxpr.showTypeSize("struct iphdr") == 20 and fxpr.showTypeSize("unsigned long[3]") == 24
    assert "+0x%x" % CgdbParser().showMemberOffset("comm", "struct task_struct") == ctx["comm"]


@pytest.mark.parametrize("args, text", [
    ("a=%0->com", "find com in struct task_struct *: it has no such member (closest: comm)"), ("a=%0->se", "name a member of it"),
    ("a=%0.comm", "its members are reached by ->"), ("a=%1", "wake_up_new_task has 1 arguments"), ("a=%0 a=%0", "the name a is taken"),
    ("common_pid=%0", "the name common_pid is taken"), ("a=%zz", "register zz"), ("a=!(struct nix *)%0->m", "no struct of that name"),
    ("a=%0->comm[16]", "it is char[16]"), ("a=%0->pid[0]", "no array"), ("a=@(struct iphdr *)l4%0->saddr", "layer 4 has no such header"),
    ("a=%0->mm->", "members are ->NAME"), ("a", "NAME=VALUE"), ("a=%0->comm)", "a ) has no ("), ("a=!(nix)%0", "find the type nix")])
def test_wrong_expressions(args, text):
    with pytest.raises(errors.ExprException) as e:
        shown("p wake_up_new_task " + args)
    assert text in str(e.value) and "\n" not in str(e.value)


def test_what_btf_knows(tmpdir):
    btf = CbtfParser()
    function = btf.getFunc("wake_up_new_task")
    assert function == {"log": "ok.", "res": [{"func": "wake_up_new_task", "args": ["struct task_struct *"], "ret": "void", "line": 0, "file": ""}]}
    found = btf.getFunc("tcp_%", arg="struct sock *")["res"]
    assert 1 < len(found) <= 20 and all(f["func"].startswith("tcp_") and "struct sock *" in f["args"] for f in found)
    struct = btf.getStruct("struct list_head")["res"]
    assert struct == {"name": "struct list_head", "members": 2, "size": 16, "cell": [
        {"type": "struct list_head *", "offset": 0, "size": 8, "bits": "", "name": "next"},
        {"type": "struct list_head *", "offset": 8, "size": 8, "bits": "", "name": "prev"}]}
    assert {"name": "struct list_head", "members": 2, "size": 16} in btf.getStruct("struct list_h%")["res"]
    assert btf.getType("pid_t")["res"] == {"name": "pid_t", "type": "int", "size": 4} and btf.getType("u8 *")["res"]["size"] == 8
    assert btf.getType("nix")["res"] is None and btf.getStruct("struct nix")["res"] is None and btf.getFunc("nix")["res"] == []
    assert CgdbParser("/sys/kernel/btf/vmlinux").getStruct("struct list_head")["res"] == struct == CdbParser().getStruct("struct list_head")["res"]
    tmpdir.join("damaged").write("garbage")
    for path, kind in (("/nonexistent/vmlinux", errors.FileNotExistException), (str(tmpdir.join("damaged")), errors.InvalidArgsException)):
        with pytest.raises(kind) as e:
            CgdbParser(path).getType("int")
        assert path in str(e.value)
    for call in (CgdbParser().disasFun, CgdbParser().parserLine):
        with pytest.raises(errors.InvalidArgsException) as e:
            call("f")
        assert "gdb -batch" in str(e.value)


def test_who_knows_types(monkeypatch):
    monkeypatch.delenv("LBC_SERVER", raising=False)
    assert type(setupParser()) is type(setupParser("local")) is CdbParser and type(setupParser("gdb")) is CgdbParser
    assert type(setupParser(remote_ip="127.0.0.1")).__name__ == "ClbcClient"
    with pytest.raises(errors.InvalidArgsException):
        setupParser("guess")
    with pytest.raises(errors.DbException):
        setupParser("local", db="/nonexistent/info.db")


def test_a_graph_without_its_tracer():
    with open(TRACEFS + "/available_tracers") as f:
        if "function_graph" in f.read():
            return  # tested where there are kprobes
    with pytest.raises(errors.InvalidArgsException) as e:
        surfGraph("wake_up_new_task").start()
    assert "CONFIG_FUNCTION_GRAPH_TRACER" in str(e.value)


@pytest.mark.parametrize("args, status, text", [
    (["-S", "p wake_up_new_task all=%0"], 0, "p:p0 wake_up_new_task all=%"), (["-S", "p wake_up_new_task a=%0->nix"], 1, "surftrace: find nix"),
    (["-F", "f"], 1, "gdb -batch"), (["-f", "/nonexistent/file"], 1, "surftrace: read /nonexistent/file: No such file"),
    (["--help"], 0, "surftrace 'e syscalls/sys_enter_openat")])
def test_the_command(args, status, text):
    child = subprocess.Popen([os.path.join(os.path.dirname(sys.executable), "surftrace")] + args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             universal_newlines=True)
    said = child.communicate()[0]
    assert text in said and child.returncode == status and "Traceback" not in said


def test_a_function_of_a_library():
    """Called in this process, by its name in the C library; found, counted, and its text argument read."""
    import ctypes
    libc = ctypes.CDLL(None)
    lines = Lines()
    surf = surftrace(["P libc:getenv name=!(char *)%%0 raw=X%%0 f:common_pid==%d" % os.getpid(), "R libc:getenv got=!(char *)$retval f:common_pid==%d" % os.getpid()],
                     setupParser(), cb=lines, echo=False)
    surf.start()
    os.environ["SURFTRACE_TEST"] = "value of it"
    libc.setenv(b"SURFTRACE_TEST", b"value of it", 1)
    for _ in range(3):
        libc.getenv(b"SURFTRACE_TEST")
    surf.stop()
    entered = [line for line in lines if ' p0: ' in line and 'name="SURFTRACE_TEST"' in line]
    returned = [line for line in lines if ' r1: ' in line and 'got="value of it"' in line]
    assert len(entered) == len(returned) == 3 and all("raw=0x" in line for line in entered) and left() == []
    for args, text in (("P libc:no_such_function_at_all", "no_such_function_at_all"), ("P /nonexistent/file:f", "/nonexistent/file")):
        with pytest.raises(errors.InvalidArgsException) as e:
            surftrace([args], setupParser(), echo=False).start()
        assert text in str(e.value)


def test_a_function_that_btf_does_not_know():
    assert shown("p no_such_function a=%0 c=!(struct task_struct *)%0->pid", arch="x86_64")[0]["fxpr"].startswith("p:p0 no_such_function a=%di:u64 c=+0x")
    with pytest.raises(errors.ExprException) as e:
        shown("p no_such_function a=%0->pid")
    assert "BTF has no such function" in str(e.value)
