"""NAME.so as the compile servers of old made it."""

import json
import os
import subprocess

import pytest

from programs import LICENSE, load, mine
from pylcc import errors
from pylcc._session import inspect
from shell import SOURCE, coolbpf, root, value


# As the compile servers took it: maps in SEC("maps"), whose types are only in the JSON beside the object.
OLD = r"""
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
struct bpf_map_def { unsigned int type, key_size, value_size, max_entries, map_flags; };
#define MAP(NAME, KIND, KEY, VALUE, N) struct bpf_map_def SEC("maps") NAME = { KIND, sizeof(KEY), sizeof(VALUE), N }
struct event { u32 pid; char comm[16]; };
MAP(e_out, BPF_MAP_TYPE_PERF_EVENT_ARRAY, int, int, 128);
MAP(counts, BPF_MAP_TYPE_HASH, u8, u64, 16);
SEC("raw_tracepoint/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
    struct event e = {};
    u8 key = 9;
    u64 one = 1, *n;
    if (ctx->args[1] != NR_GETPPID || bpf_get_current_pid_tgid() >> 32 != PID)
        return 0;
    e.pid = PID;
    bpf_get_current_comm(e.comm, 16);
    bpf_perf_event_output(ctx, &e_out, 0xffffffffULL, &e, sizeof(e));
    n = bpf_map_lookup_elem(&counts, &key);
    if (n)
        __sync_fetch_and_add(n, 1);
    else
        bpf_map_update_elem(&counts, &key, &one, 0);
    return 0;
}
""" + LICENSE


def cell(kind, name, size, offset=0, array=0):
    return {"type": kind, "member": name, "array": array, "format": "x", "size": size, "offset": offset}


DESCRIPTION = json.dumps({"hash": "00", "kern_version": "4.19.91", "arch": "x86_64", "maps": {
    "e_out": {"type": "event", "ktype": None, "vtype": {"type": "struct event", "array": 0, "offset": 0, "size": 20, "cells": [
        cell("u32", "pid", 4), cell("char", "comm", 1, 4, 16)]}},
    "counts": {"type": "hash", "ktype": cell("u8", "value", 2), "vtype": cell("u64", "value", 8)}}})


@pytest.fixture(scope="module")
def old_so(tmpdir_factory):
    """A NAME.so as a compile server made it, as bytes: a shared object with a BPF object and a JSON text in its data."""
    place = tmpdir_factory.mktemp("old")
    if subprocess.call("command -v cc >/dev/null", shell=True):
        pytest.skip("needs a C compiler to make such a file (apt-get install gcc)")
    place.join("old.bpf.c").write(mine(OLD))
    assert coolbpf(place, "-o", "-f", "old.bpf.c")[0] == 0
    place.join("so.c").write('const char *lbc_get_map_types(void) { return %s; }\n'
                             '__attribute__((constructor)) void executed(void) { __builtin_trap(); }\n'
                             '__asm__(".section .rodata\\n.globl data\\n.balign 8\\ndata: .incbin \\"old.bpf.o\\"\\n.previous");\n' % json.dumps(DESCRIPTION))
    subprocess.check_call(["cc", "-shared", "-fPIC", "-o", "old.so", "so.c"], cwd=str(place))
    return place.join("old.so").read_binary()


@root
def test_old_so_without_source(tmpdir, old_so, capsys):
    tmpdir.join("old.so").write_binary(old_so)
    with load(tmpdir, "", name="old") as lbc:
        events = []
        lbc.maps["e_out"].open_perf_buffer(lambda cpu, data, size: events.append(lbc.getMap("e_out", data, size)))
        for _ in range(3):
            os.getppid()
        lbc.maps["e_out"].perf_buffer_poll(timeout=50)
        assert lbc.maps["counts"].get() == {9: 3}
    with open("/proc/self/comm") as f:
        assert [(e.pid, e.comm) for e in events] == [(os.getpid(), f.read().strip())] * 3
    assert capsys.readouterr()[0] == "" and tmpdir.join("old.so").read_binary() == old_so
    code, out, _ = coolbpf(tmpdir, "dump", "old.so")
    assert code == 0 and "made by a compile server of old" in out and "struct event {\n\tu32 pid;\n\tchar comm[16];\n};" in out
    tmpdir.join("old.so").remove()


@root
def test_old_so_with_source_is_built_again(tmpdir, old_so, capsys):
    tmpdir.join("x.so").write_binary(old_so)
    tmpdir.join("x.bpf.c").write(SOURCE)
    assert value(tmpdir).a == 7
    assert capsys.readouterr() == ("local compile success.\n", "")
    assert value(tmpdir).a == 7 and capsys.readouterr() == ("", "")
    tmpdir.join("x.bpf.c").remove()
    tmpdir.join("x.so").write_binary(old_so)
    os.chmod(str(tmpdir.join("x.so")), 0o666)
    with pytest.raises(errors.InvalidArgsException) as e:
        value(tmpdir)
    assert "everybody" in str(e.value)


def test_a_damaged_old_so_is_a_sentence(old_so):
    begin = old_so.index(b"\x7fELF", 4)
    whole = inspect(old_so)
    assert whole["origin"] == "server" and [m["name"] for m in whole["maps"]] == ["counts", "e_out"]
    for data in [old_so[:begin + n] for n in (0, 10, 64, 1000)] + [old_so[:begin] + old_so[begin + 1:]]:
        with pytest.raises(errors.InvalidArgsException) as e:
            inspect(data)
        assert "BPF object" in str(e.value) and "\n" not in str(e.value)
    seed = 1
    for _ in range(300):  # a generator of our own: the same bytes on every Python
        seed = seed * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        at = begin + (seed >> 33) % (whole["size"] if seed & 1 << 20 else 64)
        damaged = old_so[:at] + bytes(bytearray([seed >> 24 & 0xff])) + old_so[at + 1:]
        try:
            assert inspect(damaged)["programs"]
        except errors.InvalidArgsException as e:
            assert "\n" not in str(e) and len(str(e)) > 20
