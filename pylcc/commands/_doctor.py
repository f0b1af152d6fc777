"""coolbpf doctor: what this machine can do."""

import argparse
import ctypes as ct
import json
import os
import shutil
import tempfile
import threading
import time

from pylcc import errors
from pylcc._session import findings, make
from pylcc.lbcBase import ClbcBase

_COUNT = r"""
#include "lbc.h"
LBC_ARRAY(hits, u32, u64, 1);
SEC("%s")
int probe(void *ctx)
{
    u32 key = 0;
    u64 *n = bpf_map_lookup_elem(&hits, &key);
    if (n && bpf_get_current_pid_tgid() >> 32 == %d)
        __sync_fetch_and_add(n, 1);
    return 0;
}
char _license[] SEC("license") = "GPL";
"""


def _calls():
    for _ in range(100):
        os.getppid()


def _new_task():
    thread = threading.Thread(target=_calls)
    thread.start()
    thread.join()


def _spin():
    end = time.time() + 0.1
    while time.time() < end:
        pass


def _attach_uprobe(lbc):
    path, offset = in_file(ct.cast(ct.pythonapi.getppid, ct.c_void_p).value)
    lbc.attachUprobe("probe", 0, path, offset)


def _attach_clock(lbc):
    lbc.attachPerfEvent("probe", {"type": 1, "config": 0, "sample_freq": 1000, "freq": 1})


# What, its section, the workload, how it is attached, and whether the tutorial needs it.
TRIALS = [
    ("kprobe", "kprobe/wake_up_new_task", _new_task, None, True),
    ("tracepoint", "tracepoint/raw_syscalls/sys_enter", _calls, None, False),
    ("raw_tracepoint", "raw_tracepoint/sys_enter", _calls, None, False),
    ("uprobe", "uprobe", _calls, _attach_uprobe, False),
    ("perf_event", "perf_event", _spin, _attach_clock, False),
    ("fentry", "fentry/wake_up_new_task", _new_task, None, False),
]


def main(argv):
    parser = argparse.ArgumentParser(prog="coolbpf doctor", description="Look at the kernel and at this process, then compile, load and run a "
                                     "small program of each kind. Exit code 1 when the tutorial's programs would not run.")
    parser.add_argument("--json", action="store_true", help="print [{name, state, found, fix}]; state: ok, less, fails")
    parser.add_argument("--btf", metavar="FILE", help="kernel types: raw BTF or a vmlinux")
    args = parser.parse_args(argv)
    found = findings(args.btf)
    found += list(trials(args.btf)) if all(f["state"] != "fails" for f in found) else [_finding("trials", "fails", "not made", "mend the above")]
    fails = [f["name"] for f in found if f["state"] == "fails"]
    if args.json:
        print(json.dumps(found, indent=1, sort_keys=True))
    else:
        for f in found:
            print("%-6s %-20s %s" % (f["state"], f["name"], f["found"]))
            if f["fix"]:
                print("%-27s %s" % ("", "-> " + f["fix"]))
        works = [name for name, _, _, _, _ in TRIALS if [f for f in found if f["name"] == name and f["state"] == "ok"]]
        print("\nThe tutorial's programs %s here." % ("do not run (%s)" % ", ".join(fails) if fails else "run"))
        print("Programs of these kinds work: %s." % (", ".join(works) or "none"))
    return 1 if fails else 0


def _finding(name, state, found, fix=""):
    return {"name": name, "state": state, "found": found, "fix": fix}


def _failing(name, state, error):
    """A finding out of "operation subject: cause (hint)"."""
    text, opened, hint = str(error).partition(" (")
    return _finding(name, state, text, hint[:-1] if opened and hint.endswith(")") else hint)


def trials(btf):
    """Compile, load and run a program of each kind; yields a finding for each."""
    place = tempfile.mkdtemp(prefix="coolbpf-doctor-")
    try:
        for name, section, work, attach, needed in TRIALS:
            source = _COUNT % (section, os.getpid())
            begin = time.time()
            try:
                _, report = make(name=name, source=source, work=place, btf=btf)
            except errors.LccException as e:
                yield _failing("compiler", "fails", e)
                return
            if name == TRIALS[0][0]:
                yield _finding("compiler", "ok", "%s, a program in %d ms" % (report["compiler"], (time.time() - begin) * 1000))
            yield tried(name, place, btf, work, attach, "fails" if needed else "less")
    finally:
        shutil.rmtree(place)


def tried(name, place, btf, work, attach, state):
    """What came of one program."""
    try:
        with ClbcBase(name, workPath=place, btf=btf or True) as lbc:
            if attach:
                attach(lbc)
            work()
            hits = lbc.maps["hits"].get(1)[0]
    except errors.LccException as e:
        return _failing(name, state, e)
    if not hits:
        return _finding(name, state, "it was loaded and attached, but did not run", "see /sys/kernel/debug/kprobes/enabled for kprobes; is the process confined?")
    return _finding(name, "ok", "ran %d times" % hits)


def in_file(address):
    """The path of the file that is mapped at an address of this process, and the place in it."""
    with open("/proc/self/maps") as f:
        for line in f:
            fields = line.split(None, 5)
            begin, end = (int(part, 16) for part in fields[0].split("-"))
            if begin <= address < end:
                return fields[5].strip(), address - begin + int(fields[2], 16)
    raise errors.SystemException("find %#x in /proc/self/maps: no file is mapped there" % address)
