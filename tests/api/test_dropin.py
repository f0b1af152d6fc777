"""The interface of later releases: threads, histograms, addresses of stacks, every argument of old."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from programs import FORKS, fork_once, load, mine, on_getppid, poll_until
from pylcc import errors, lbcMaps
from pylcc.lbcBase import CeventThread, ClbcBase


def test_event_thread(tmpdir):
    got, arrived = [], threading.Event()

    def cb(cpu, e):
        got.append((e.parent, e.child))
        if children and got[-1][1] == children[0]:
            arrived.set()
    children = []
    lbc = load(tmpdir, mine(FORKS))
    thread = CeventThread(lbc, "e_out", cb)
    assert thread.daemon
    for _ in range(300):
        if arrived.wait(0.1):
            break
        children[:] = [fork_once()]  # its record may come before its number is known here
    assert (os.getpid(), children[0]) in got
    lbc.close()
    thread.join(30)
    assert not thread.is_alive()


HISTOGRAMS = """
LBC_HIST2(two);
LBC_HIST10(ten);
LBC_ARRAY(plain, int, long, 64);
LBC_ARRAY(turn, u32, u32, 1);
"""
PUSH = """
    u32 zero = 0, *n = bpf_map_lookup_elem(&turn, &zero);
    long value;
    if (!n)
        return 0;
    value = *n == 0 ? 0 : *n == 1 ? 1 : *n == 2 ? 2 : *n == 3 ? 3 : *n == 4 ? 4 : *n == 5 ? 1023 : *n == 6 ? 1024 : *n == 7 ? 999999 : 1000000;
    *n += 1;
    hist2_push(&two, value);
    hist10_push(&ten, value);"""


def test_histograms(tmpdir, capsys):
    with load(tmpdir, on_getppid(HISTOGRAMS, PUSH)) as lbc:
        two, ten = lbc.maps["two"], lbc.maps["ten"]
        assert type(two) is lbcMaps.CmapsHist2 and type(ten) is lbcMaps.CmapsHist10 and type(lbc.maps["plain"]) is lbcMaps.CmapsArray
        capsys.readouterr()
        with pytest.raises(ValueError):
            two.showHist("nothing")
        assert capsys.readouterr()[0] == "nothing\n"
        for _ in range(9):
            os.getppid()
        expected = dict((k, 0) for k in range(64))
        for value in (0, 1, 2, 3, 4, 1023, 1024, 999999, 1000000):
            expected[max(value, 1).bit_length() - 1] += 1
        assert two.get() == [expected[k] for k in range(64)]
        assert ten.get() == [5, 0, 0, 2, 0, 1, 1] + [0] * 13
        capsys.readouterr()
        two.showHist("two")
        lines = capsys.readouterr()[0].splitlines()
        assert lines[0] == "two" and lines[1].startswith("[0,2)       2   |@") and lines[2].startswith("[2,4)       2   |@")
        assert lines[11].startswith("[1K,2K)     1   |@") and lines[-1].startswith("[512K,1M)   2   |@")
        assert len(set(len(line) for line in lines[1:])) == 1 and lines[5].split("|")[1].strip() == ""
        ten.showHist("ten")
        assert [line.split()[0] for line in capsys.readouterr()[0].splitlines()[1:]] == [
            "[0,10)", "[10,100)", "[100,1K)", "[1K,10K)", "[10K,100K)", "[100K,1M)", "[1M,10M)"]
        ten.showHist("given", [0, 3])
        assert capsys.readouterr()[0].splitlines()[1].startswith("[10,100)    3   |@")


def test_addresses_of_a_stack(tmpdir):
    source = on_getppid("LBC_STACK(stacks, 64);\nLBC_PERF_OUTPUT(out, u32, 16);", """
    u32 id = bpf_get_stackid(ctx, &stacks, KERN_STACKID_FLAGS);
    bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, &id, sizeof(id));""")
    with load(tmpdir, source) as lbc:
        ids = []
        lbc.maps["out"].open_perf_buffer(lambda cpu, data, size: ids.append(lbc.getMap("out", data, size)))
        os.getppid()
        poll_until(lbc.maps["out"], lambda: ids)
        stacks = lbc.maps["stacks"]
        frames, names = stacks.getArr(ids[0]), stacks.getStacks(ids[0])
        assert len(frames) == 127 and frames[len(names):] == [0] * (127 - len(names)) and all(frames[:len(names)])
        assert stacks.getStacks(ids[0], 1) == names[:1]
        assert stacks.getArr(-14) is None and stacks.getStacks(-14) == [] and stacks.getStacks(4294967282) == []


def test_every_argument_of_old(tmpdir):
    tmpdir.mkdir("inc").join("number.h").write("#define NUMBER 4\n")
    source = on_getppid('#include "number.h"\nLBC_ARRAY(m, u32, u32, NUMBER);', "    u32 key = 0;\n    return bpf_map_lookup_elem(&m, &key) != 0;")
    with ClbcBase(bpf="t", bpf_str=source, server="pylcc.openanolis.cn", arch="", ver="", env="-DLBC_DEBUG", attach=1, workPath=str(tmpdir),
                  incPath=str(tmpdir.join("inc")), logLevel=-1, btf=True, opt="so") as lbc:
        assert len(lbc.maps["m"].get(4)) == 4
    with ClbcBase("t", bpf_str=source, workPath=str(tmpdir), incPath=str(tmpdir.join("inc")), btf="/sys/kernel/btf/vmlinux") as lbc:
        assert lbc.maps["m"].get(4) == [0] * 4
    with pytest.raises(errors.FileNotExistException) as e:
        ClbcBase("t", bpf_str=source + " ", workPath=str(tmpdir), incPath=str(tmpdir.join("inc")), btf="/nonexistent/btf")
    assert "/nonexistent/btf" in str(e.value)
    with pytest.raises(errors.InvalidArgsException):
        ClbcBase("t", bpf_str=source, workPath=str(tmpdir), opt="combine")


def test_lbc_include(tmpdir, monkeypatch):
    tmpdir.mkdir("inc").join("number.h").write("#define NUMBER 4\n")
    monkeypatch.setenv("LBC_INCLUDE", "/nonexistent;%s" % tmpdir.join("inc"))
    source = on_getppid('#include "number.h"\nLBC_ARRAY(m, u32, u32, NUMBER);', "")
    load(tmpdir, source).close()
    monkeypatch.chdir(tmpdir)  # relative ones are those of where the script runs, not of workPath
    monkeypatch.setenv("LBC_INCLUDE", "inc")
    load(tmpdir.mkdir("work"), source).close()
    monkeypatch.delenv("LBC_INCLUDE")
    load(tmpdir.join("work"), source + "\n", incPath="inc").close()


def test_text_and_lists_of_old(tmpdir):
    with load(tmpdir, mine(FORKS)) as lbc:
        e = lbc.maps["e_out"].event(b"\1\0\0\0\2\0\0\0" + b"name".ljust(16, b"\0"))
        assert lbc.c2str(e.comm) == "name" == lbc.c2str(b"name\0\0") == lbc.c2str("name\0x") == lbc.c2str(bytearray(b"name\0")) and lbc.c2list((1, 2)) == [1, 2]


@pytest.mark.parametrize("cb, said", [("None", "interrupt"), ("lambda: print_('called')", "called returned")])
def test_wait_for_an_interrupt(tmpdir, cb, said):
    script = tmpdir.join("script.py")
    script.write(textwrap.dedent("""
        import signal, sys
        sys.path.insert(0, %r)
        from programs import *
        def print_(text):
            sys.stdout.write(text + " ")
        lbc = load(".", mine(FORKS))
        if IGNORE:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            sys.stdout.write("ready\\n")
            sys.stdout.flush()
            lbc.waitInterrupt(%s)
            print_("returned")
        except KeyboardInterrupt:
            print_("interrupt")
    """ % (os.path.dirname(os.path.abspath(__file__)), cb)).replace("IGNORE", str(cb != "None")))
    child = subprocess.Popen([sys.executable, "-B", str(script)], cwd=str(tmpdir), stdout=subprocess.PIPE, universal_newlines=True)
    while "ready" not in child.stdout.readline():
        assert child.poll() is None
    # It may not be waiting yet: again until it has ended.
    while child.poll() is None:
        child.send_signal(signal.SIGINT)
        threading.Event().wait(0.2)
    assert child.stdout.read().split()[-len(said.split()):] == said.split()
