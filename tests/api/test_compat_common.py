"""surftrace's helpers: histograms, lines of a trace, threads, names that say how a value is read."""

import os
import threading

import pytest

from pylcc import errors
from surftrace import getValueFromStr, headTrans, invHeadTrans
from surftrace.regSplit import archRegd, isStruct, maxNameString, probeReserveVars, regIndex, spiltInputLine, splitExpr, stripPoint, transReg, unpackRes
from surftrace.surfCommon import CsurfList, HIST2_MAX, HIST10_MAX, HIST_UNIT, taskList, transProbeLine


def bars(capsys):
    return [(line.split()[0], line[12:16].strip()) for line in capsys.readouterr()[0].splitlines()]


def test_histograms_of_numbers(capsys):
    numbers = CsurfList(8)
    numbers.extend([77] * 100 + [-5, 0, 1, 2, 3, 1023, 1024, 999999])
    assert len(numbers) == 8 and CsurfList().maxlen == 1024
    numbers.hist2()
    shown = bars(capsys)
    assert (shown[0], shown[1], shown[9], shown[10], shown[-1]) == (
        ("[0,2)", "3"), ("[2,4)", "2"), ("[512,1K)", "1"), ("[1K,2K)", "1"), ("[512K,1M)", "1")) and len(shown) == 20
    numbers.hist10()
    assert bars(capsys) == [("[0,10)", "5"), ("[10,100)", "0"), ("[100,1K)", "0"), ("[1K,10K)", "2"), ("[10K,100K)", "0"), ("[100K,1M)", "1")]
    numbers.append(1 << 70)
    numbers.hist2()
    numbers.hist10()
    assert len(bars(capsys)) == HIST2_MAX + HIST10_MAX  # all that is larger is in the last ones


def test_histograms_of_counts(capsys):
    CsurfList().hist2Show([0, 1500, 3] + [0] * 61)
    assert bars(capsys) == [("[2,4)", "1K"), ("[4,8)", "3")]
    CsurfList().hist10Show([0, 0, 4] + [0] * 17)
    assert bars(capsys) == [("[100,1K)", "4")]
    CsurfList().hist2Show([0, None, 5])
    assert bars(capsys) == [("[4,8)", "5")]
    with pytest.raises(errors.InvalidArgsException):
        CsurfList().hist2Show([0, "5"])
    for show in (CsurfList().hist2, CsurfList().hist10, lambda: CsurfList().hist2Show([0, 0])):
        with pytest.raises(ValueError):
            show()
    assert HIST_UNIT[:3] == "KMG"


LINES = {
    # Old kernels write four flags, new ones five.
    ' jbd2/vda1-8-313   [000] .... 234372.103866: f0: (blk_account_io_start+0x0/0x180) request=18446617219543870720 disk="vda 1" comm="jbd2/vda1-8"': {
        "task": "jbd2/vda1-8", "pid": 313, "cpu": 0, "flag": "....", "time": "234372.103866", "name": "f0", "func": "blk_account_io_start", "pos": 0,
        "size": 0x180, "args": {"request": "18446617219543870720", "disk": "vda 1", "comm": "jbd2/vda1-8"}},
    'Web Content-12-77  [012] d..2. 1.5: r3: (kernel_clone.isra.0+0x1c/0x20 <- copy_process) ret=0x0': {
        "task": "Web Content-12", "pid": 77, "cpu": 12, "flag": "d..2.", "time": "1.5", "name": "r3", "func": "kernel_clone.isra.0", "pos": 0x1c,
        "size": 0x20, "args": {"ret": "0x0"}},
    'kworker/u4:0-103806  (103806) [000] d... 445702.516774: sched_stat_wait: comm=bash pid=103869 delay=1843 [ns]': {
        "task": "kworker/u4:0", "pid": 103806, "cpu": 0, "flag": "d...", "time": "445702.516774", "name": "sched_stat_wait",
        "args": "comm=bash pid=103869 delay=1843 [ns]"},
    'sem-1  [001] .... 448036.804764: sys_futex(uaddr: 7f1a90bc9910, op: 0, val: 19989)': {
        "task": "sem", "pid": 1, "cpu": 1, "flag": "....", "time": "448036.804764", "name": "sys_futex",
        "args": {"uaddr": "7f1a90bc9910", "op": "0", "val": "19989"}},
    'sem-1  [001] .... 448036.804764: sys_sync()': {
        "task": "sem", "pid": 1, "cpu": 1, "flag": "....", "time": "448036.804764", "name": "sys_sync", "args": {}},
    'sem-1  [001] .... 448036.804808: sys_futex -> 0xfffffffffffffff5\n': {
        "task": "sem", "pid": 1, "cpu": 1, "flag": "....", "time": "448036.804808", "name": "sys_futex", "return": 0xfffffffffffffff5},
    'sem-1  [001] .... 448036.804808: sys_close': {
        "task": "sem", "pid": 1, "cpu": 1, "flag": "....", "time": "448036.804808", "name": "sys_close"},
}


@pytest.mark.parametrize("line", sorted(LINES))
def test_lines_of_a_trace(line):
    assert transProbeLine(line) == LINES[line]


@pytest.mark.parametrize("line", ["", "CPU:0 [LOST 12 EVENTS]", "sem-1 [001] .... 1.0: ???", "sem-1 [001] ...."])
def test_what_is_no_line(line):
    with pytest.raises(ValueError) as e:
        transProbeLine(line)
    assert str(e.value) == "surftrace cannot fit %s now." % line


def test_threads_of_a_process():
    stay = threading.Event()
    thread = threading.Thread(target=stay.wait)
    thread.start()
    try:
        tasks = taskList(os.getpid())
        assert str(os.getpid()) in tasks and len(tasks) >= 2 and all(isinstance(task, str) for task in tasks)
        assert sorted(task.id for task in tasks.threads()) == sorted(int(task) for task in tasks)
    finally:
        stay.set()
        thread.join()
    assert taskList(4194304) == [] and taskList(4194304).threads() == []


@pytest.mark.parametrize("head, kernel, people", [
    ("ip_src", "16777343", "127.0.0.1"), ("b16_port", "20480", "80"), ("b32_x", "16777216", "1"), ("b64_x", "72057594037927936", "1"), ("plain", "7", "7"),
    ("_x", "7", "7")])
def test_values_by_their_name(head, kernel, people):
    assert headTrans(head, kernel) == "%s=%s" % (head, people)
    name, value = invHeadTrans(head, people)
    assert name == head and getValueFromStr(value) == int(kernel)


def test_values_in_hexadecimal():
    assert headTrans("B16_x", "0x3412") == "B16_x=1234" and invHeadTrans("B16_x", "1234") == ("B16_x", "3412")
    assert (getValueFromStr("0x10"), getValueFromStr("10", True), getValueFromStr("10")) == (16, 16, 10)
    for wrong in (lambda: getValueFromStr("ten"), lambda: headTrans("b16_x", "65536"), lambda: headTrans("ip_x", "-1"), lambda: invHeadTrans("ip_x", "1.2.3.999")):
        with pytest.raises(errors.ExprException):
            wrong()


def test_words_of_an_expression():
    line = "p  tcp_connect a=%0->x b=@(struct iphdr *)l3%0->saddr f:pid > 1&&b==127.0.0.1"
    assert splitExpr(line) == ["p", "tcp_connect", "a=%0->x", "b=@(struct iphdr *)l3%0->saddr", "f:pid", ">", "1&&b==127.0.0.1"]
    assert splitExpr("a) b") is None
    read = spiltInputLine(line)
    assert read == {"type": "p", "symbol": "tcp_connect", "args": "a=%0->x b=@(struct iphdr *)l3%0->saddr", "filter": "pid > 1&&b==127.0.0.1"}
    assert spiltInputLine(unpackRes(read)) == read
    assert unpackRes(spiltInputLine("e syscalls/sys_enter_dup")) == "e syscalls/sys_enter_dup"
    for wrong in ("", "p", "x f", "p f a=)"):
        with pytest.raises(errors.ExprException):
            spiltInputLine(wrong)


def test_registers_and_types():
    assert (transReg(0, "x86_64"), transReg(3, "aarch64"), regIndex("r9", "x86_64"), regIndex("si")) == ("di", "x3", 5, 1)
    assert archRegd["x86"] == ("di", "si", "dx", "cx") and "common_pid" in probeReserveVars
    for wrong in (lambda: transReg(99, "x86"), lambda: regIndex("no", "x86_64"), lambda: transReg(0, "vax")):
        with pytest.raises(errors.ExprException):
            wrong()
    assert (isStruct("const struct file *"), isStruct("unsigned int"), stripPoint("struct file **")) == ("struct file *", None, "struct file")
    assert maxNameString([{"f": "tcp_v4_a"}, {"f": "tcp_v4_b"}, {"f": "tcp_v6"}], "f") == "tcp_v"
