"""The coolbpf command, and clcc."""

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from programs import LICENSE, load, on_getppid
from pylcc import clcc, errors
from pylcc._session import inspect
from shell import COOLBPF, SOURCE, coolbpf, root, run, value


@pytest.fixture
def place(tmpdir):
    tmpdir.join("x.bpf.c").write(SOURCE)
    return tmpdir


# Without capabilities: compiling needs none.
POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []


@pytest.mark.parametrize("command", [[COOLBPF], [sys.executable, "-m", "pylcc.clcc"], [sys.executable, "-m", "coolbpf.coolbpf"]])
def test_compile(place, command):
    assert run(place, *(POWERLESS + command + ["-f", "x.bpf.c"])) == (0, "local compile success.\n", "")
    assert run(place, *(command + ["-f", "x.bpf.c"])) == (0, "", "")
    assert sorted(path.basename for path in place.listdir()) == ["x.bpf.c", "x.so"]
    assert run(place, *(command + ["--obj", "--file=x.bpf.c", "--env", "-DSTEP=8"])) == (0, "local compile success.\n", "")
    described = inspect(place.join("x.bpf.o").read_binary())
    assert (described["origin"], described["license"], described["made"]["key"]) == ("object", "GPL", "")


@root
def test_what_was_compiled_runs(place):
    place.mkdir("dir").join("x.h").write("#define STEP 9\n")
    place.mkdir("other").join("y.h").write('#include "x.h"\n')
    place.join("x.bpf.c").write('#include "y.h"\n' + SOURCE)
    code, _, err = coolbpf(place, "-f", "x.bpf.c", "-i", "dir", env=dict(os.environ, LBC_INCLUDE="other"))
    assert (code, err) == (0, "")
    place.join("x.bpf.c").remove()
    got = value(place)
    assert (got.a, got.b) == (9, "text")
    code, _, err = coolbpf(place, "-f", "x.bpf.c")
    assert code == 1 and "no such file" in err and "x.so is there" in err


def test_other_machines_and_kernels(place):
    place.join("x.bpf.c").write('#include "lbc.h"\n#ifndef __TARGET_ARCH_arm64\n#error other\n#endif\n'
                                'SEC("kprobe/do_exit") int BPF_KPROBE(f, long code) { return code; }' + LICENSE)
    assert coolbpf(place, "-o", "-f", "x.bpf.c", "-a", "aarch64") == (0, "local compile success.\n", "")
    code, _, err = coolbpf(place, "-f", "x.bpf.c", "-a", "aarch64", "-v", "4.19.0-none")
    assert code == 0 and "no BTF of kernel 4.19.0-none" in err
    made = inspect(place.join("x.so").read_binary())["made"]
    assert (made["arch"], made["release"]) == ("aarch64", os.uname()[2])
    code, _, err = coolbpf(place, "-f", "x.bpf.c", "--btf", "x.bpf.c")
    assert code == 1 and err.startswith("coolbpf: read BTF ") and "x.bpf.c" in err


@pytest.mark.parametrize("arguments, code, words", [
    ([], 2, "need to set **.bpf.c file to compile."),
    (["-f", "./x.bpf.c"], 2, "The file name cannot contain a directory(/)."),
    (["-f", "y.bpf.c"], 1, "y.bpf.c"),
    (["-o", "-f", "y.bpf.c"], 1, "y.bpf.c"),
    (["-f", "x.bpf.c", "-a", "sparc"], 1, "unknown machine"),
    (["-f", "x.bpf.c", "-e", "-DSTEP=none"], 1, "none"),
    (["-f", "x.bpf.c", "-e", "'"], 1, "a quote is not closed"),
    (["-f"], 2, "expected one argument"),
    (["rnu"], 2, "closest: run"),
    (["run"], 2, "file"),
    (["run", "y"], 1, "unknown kind of file (known: *.py, *.bpf.c, *.so)"),
    (["run", "y.py"], 1, "y.py: no such file"),
    (["dump", "y.so"], 1, "y.so"),
    (["dump", "/dev/zero"], 1, "read /dev/zero: larger than 64 MiB"),
    (["dump", "x.bpf.c"], 1, "x.bpf.c: read BPF object: not a BPF object of coolbpf: not an ELF file"),
])
def test_errors(place, arguments, code, words):
    ended, out, err = coolbpf(place, *arguments)
    assert ended == code and words in err
    assert out == "" or not arguments and out.startswith("usage: coolbpf ") and "coolbpf doctor" in out
    if code == 1 and "STEP" not in str(arguments):
        assert err.count("\n") == 1


def test_clcc_raises(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    for arguments, words in (([], "need to set **.bpf.c file to compile."), (["-f", "a/x.bpf.c"], "The file name cannot contain a directory(/).")):
        with pytest.raises(ValueError) as e:
            clcc.main(arguments)
        assert str(e.value) == words
    assert "usage" in capsys.readouterr()[0]
    with pytest.raises(errors.FileNotExistException):
        clcc.main(["-f", "y.bpf.c"])


def test_help():
    for verb in ([], ["run"], ["doctor"], ["dump"]):
        code, out, err = coolbpf(".", *(verb + ["-h"]))
        assert code == 0 and err == "" and out.startswith("usage: coolbpf" + "".join(" " + v for v in verb)) and len(out) > 300


SHOWN = r"""
struct call { u32 number; char text[8]; };
LBC_PERF_OUTPUT(calls, struct call, 128);
LBC_HASH(counts, u32, u64, 8);
LBC_HIST2(sizes);
LBC_STACK(stacks, 64);
""", r"""
    struct call c = { 5, "hello" };
    u32 key = 3;
    u64 one = 1;
    bpf_perf_event_output(ctx, &calls, BPF_F_CURRENT_CPU, &c, sizeof(c));
    bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
    hist2_push(&sizes, 1000);
    bpf_get_stackid(ctx, &stacks, KERN_STACKID_FLAGS);
    bpf_printk("call %d of %s, 100%%\n", c.number, "PID");
"""


@root
def test_run_program(place):
    place.join("shown.bpf.c").write(on_getppid(*SHOWN))
    child = subprocess.Popen([COOLBPF, "run", "shown.bpf.c"], cwd=str(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert child.stderr.readline() == "on_enter: attaches to tracepoint raw_syscalls/sys_enter\n"
    assert child.stderr.readline() == "running; Ctrl-C ends it\n"
    instances = [name for name in os.listdir(tracefs()) if name.startswith("coolbpf-%d-" % child.pid)]
    assert len(instances) == 1
    os.getppid()
    with load(place, on_getppid("", 'bpf_printk("call of others");')):
        os.getppid()
        lines = []
        while not ("bpf_trace_printk" in "".join(lines) and "calls" in "".join(lines)):
            lines.append(child.stdout.readline())
    child.send_signal(signal.SIGINT)
    # Not communicate(), which knows nothing of what readline() has read ahead.
    out, err = "".join(lines) + child.stdout.read(), child.stderr.read()
    assert (child.wait(), err) == (0, "")
    assert out.count("calls: {'number': 5, 'text': 'hello'}\n") == 2
    assert len(re.findall(r"bpf_trace_printk: call 5 of %d, 100%%\n" % os.getpid(), out)) == 2
    assert "others" not in out
    assert "counts: 1 entries\n  3: 1\n" in out and re.search(r"sizes\n\[512,1K\) +2 +\|@+\|\n", out)
    assert re.search(r"stacks: 1 entries\n  \d+: \w+", out)
    assert instances[0] not in os.listdir(tracefs())


def tracefs():
    return [path for path in ("/sys/kernel/tracing/instances", "/sys/kernel/debug/tracing/instances") if os.path.isdir(path)][0]


@root
def test_run_ends_by_itself(place):
    for wrong in "inf", "nan", "-1", "1e300":
        code, out, err = coolbpf(place, "run", "-d", wrong, "x.bpf.c")
        assert (code, out) == (2, "") and "invalid" in err and "Traceback" not in err
    code, out, _ = coolbpf(place, "run", "-d", "0.1", "-e", "-DSTEP=3", "x.bpf.c")
    assert place.join("x.bpf.c").remove() is None
    assert code == 0 and out.startswith("local compile success.\n") and "m: 1 entries\n  0: {'a': " in out
    code, out, _ = coolbpf(place, "run", "-d", "0.1", "x.so")
    assert code == 0 and out.startswith("m: 1 entries\n")


FULL = "coolbpf: write to stdout: No space left on device\n"


@root
@pytest.mark.parametrize("kind, full, ends", [("records", False, (0, [])), ("printk", False, (0, [])), ("records", True, (1, [FULL]))])
def test_run_ends_when_nobody_reads(place, kind, full, ends):
    """As behind "| head -1": nothing tells but that it cannot write. A full disk is told of, once."""
    sends = {"records": ("LBC_PERF_OUTPUT(out, u32, 128);", "u32 n = 5; bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, &n, sizeof(n));"),
             "printk": ("LBC_HIST2(sizes);", 'hist2_push(&sizes, 5); bpf_printk("call");')}
    place.join("x.bpf.c").write(on_getppid(*sends[kind]))
    coolbpf(place, "-f", "x.bpf.c")
    child = subprocess.Popen(["sh", "-c", 'exec "$0" run x.bpf.c' + " > /dev/full" * full, COOLBPF], cwd=str(place), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, universal_newlines=True)
    said = iter(child.stderr.readline, "")
    while next(said) != "running; Ctrl-C ends it\n":
        continue
    child.stdout.close()
    for _ in range(3000):
        os.getppid()
        if child.poll() is not None:
            break
        time.sleep(0.01)
    ended = child.poll()
    if ended is None:
        child.kill()
    assert (ended, list(said)) == ends


@root
def test_run_without_a_stdout(place):
    coolbpf(place, "-f", "x.bpf.c")
    assert "Error" not in run(place, "sh", "-c", 'exec "$0" run -d 0.1 x.so >&-', COOLBPF)[2]


@contextlib.contextmanager
def kept(instance):
    """An instance that is open. Before and after, the same test beside this one may take it away."""
    while True:
        try:
            os.mkdir(instance)
            pipe = open(os.path.join(instance, "trace_pipe"))
            break
        except EnvironmentError as e:
            if e.errno == errno.EEXIST:
                os.rmdir(instance)  # of a process of that number that was killed
            elif e.errno != errno.ENOENT:
                raise
    with pipe:
        yield
    try:
        os.rmdir(instance)
    except EnvironmentError as e:
        if e.errno != errno.ENOENT:
            raise


@root
def test_run_takes_away_what_is_left(place):
    """Instances of processes that are gone; one that is open belongs to a process that is not seen from here."""
    beyond = 1 << 23  # larger than any number of a process
    dead, alive = ("coolbpf-%d-%s" % (beyond + os.getpid(), name) for name in ("dead", "alive"))
    place.join("x.bpf.c").write(on_getppid("LBC_ARRAY(m, u32, u32, 1);", 'bpf_printk("call");'))
    with kept(os.path.join(tracefs(), alive)):
        os.mkdir(os.path.join(tracefs(), dead))
        code, out, err = coolbpf(place, "run", "-d", "0.1", "x.bpf.c")
        assert code == 0 and "m: 1 entries\n" in out and "busy" not in err
        assert alive in os.listdir(tracefs()) and dead not in os.listdir(tracefs())


def test_run_script(place):
    place.mkdir("scripts").join("s.py").write(
        "import sys, beside\nprint('%s %s %s' % (__name__, sys.argv[1:], beside.x))\nsys.exit(int(sys.argv[1]))\n")
    place.join("scripts", "beside.py").write("x = 1\n")
    assert coolbpf(place, "run", "scripts/s.py", "4", "-d", "x") == (4, "__main__ ['4', '-d', 'x'] 1\n", "")
    place.join("wrong.py").write("raise ValueError('of the script')\n")
    child = subprocess.Popen([COOLBPF, "run", "wrong.py"], cwd=str(place), stderr=subprocess.PIPE, universal_newlines=True)
    shown = child.communicate()[1]
    assert child.returncode == 1 and 'wrong.py", line 1' in shown and shown.endswith("ValueError: of the script\n")
    place.join("wait.py").write("import time\nprint('begun')\ntime.sleep(60)\n")
    assert coolbpf(place, "run", "-d", "1", "wait.py") == (0, "begun\n", "")


@root
def test_doctor(place):
    code, out, err = coolbpf(place, "doctor")
    said = dict((m.group(2), m.groups()) for m in re.finditer(r"^(ok|less|fails) +(\S+) +(.+)(?:\n +-> (.+))?", out, re.M))
    assert err == "" and set(said) >= set(["kernel", "BTF", "privilege", "lockdown", "tracefs", "memlock", "kptr_restrict", "perf_event_paranoid",
                                           "unprivileged_bpf", "compiler", "kprobe", "tracepoint", "raw_tracepoint", "uprobe", "perf_event", "fentry"])
    assert os.uname()[2] in said["kernel"][2] and "bpf-clang" in said["compiler"][2]
    for kind in ("tracepoint", "raw_tracepoint", "uprobe", "perf_event"):
        assert said[kind][0] == "ok" and int(re.match(r"ran (\d+) times", said[kind][2]).group(1)) >= (50 if kind != "perf_event" else 1)
    for state, _, _, remedy in said.values():
        assert state == "ok" or remedy
    if os.path.exists("/sys/bus/event_source/devices/kprobe"):
        assert code == 0 and said["kprobe"][0] == "ok" and "The tutorial's programs run here." in out
    else:
        assert code == 1 and said["kprobe"][0] == "fails" and "no kprobes" in said["kprobe"][2] and "tracepoint" in said["kprobe"][3]
        assert "do not run" in out and "kinds work: tracepoint, raw_tracepoint, uprobe, perf_event" in out


def test_doctor_without_privilege(place):
    code, out, err = run(place, *(POWERLESS + [COOLBPF, "doctor", "--json"]))
    said = dict((f["name"], f) for f in json.loads(out))
    assert code == 1 and err == "" and said["privilege"]["state"] == "fails" and "CAP_BPF" in said["privilege"]["found"]
    assert said["trials"]["found"] == "not made"


TYPES = r"""
#include "lbc.h"
enum color { RED, GREEN = 5 };
struct inner { u64 wide; };
typedef struct { char c; } boxed;
struct value {
    u32 bits : 3, more : 5;
    enum color color;
    struct inner nested[2];
    union { int one; float other; };
    struct task_struct *task;
    boxed box;
};
LBC_HASH(m, struct inner, struct value, 64);
LBC_PERCPU_ARRAY(n, u32, u64, 2);
LBC_PERF_OUTPUT(e, u32, 128);
SEC("raw_tracepoint/sys_enter") int a(void *ctx) { bpf_map_lookup_elem(&m, ctx); bpf_map_lookup_elem(&n, ctx); return bpf_perf_event_output(ctx, &e, 0, ctx, 4); }
SEC("perf_event") int b(void *ctx) { return 0; }
"""


def test_dump(place):
    place.join("x.bpf.c").write(TYPES)
    assert coolbpf(place, "-f", "x.bpf.c")[0] == 0
    code, out, err = coolbpf(place, "dump", "x.so")
    assert (code, err) == (0, "")
    squeezed = re.sub(r"[ \t]+", " ", out)
    assert out.startswith("x.so: made by coolbpf, ")
    for line in ('SEC("raw_tracepoint/sys_enter") a raw_tracepoint attaches to raw_tracepoint sys_enter\n',
                 'SEC("perf_event") b perf_event waits for an attach call\n', "e perf_event_array one a CPU records: u32\n",
                 "m hash 64 struct inner -> struct value\n", "n percpu_array 2 u32 -> u64, one for each CPU\n"):
        assert line in squeezed
    # The definitions are C: compiled again they are the same.
    definitions = out[out.index("\ntypes\n") + len("\ntypes\n"):]
    place.join("y.bpf.c").write('#include "lbc.h"\n' + definitions + TYPES[TYPES.index("LBC_HASH"):])
    assert coolbpf(place, "-f", "y.bpf.c")[0] == 0
    assert coolbpf(place, "dump", "y.so")[1].endswith("\ntypes\n" + definitions)
    first, again = (json.loads(coolbpf(place, "dump", "--json", name)[1]) for name in ("x.so", "y.so"))
    assert first["types"] == again["types"] and first["maps"] == again["maps"] and first["prints"] is None
