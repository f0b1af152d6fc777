"""getThenClear while a program keeps counting."""

import time

import pytest

from programs import Caller, cpus, load, on_cpu, on_getppid

SECONDS = 0.5
KINDS = ["LBC_HASH", "LBC_LRU_HASH", "LBC_PERCPU_HASH", "LBC_LRU_PERCPU_HASH"]
COUNT = """
    u64 *n, one = 1;
    u32 key = calls++ & 15;
    n = bpf_map_lookup_elem(&m, &key);
    if (n)
        __sync_fetch_and_add(n, 1);
    else if (bpf_map_update_elem(&m, &key, &one, BPF_NOEXIST))
        failed++;
"""


def taken(tmpdir, kind, cpu):
    """(calls, their sum in what was taken and what is left, entries taken)"""
    with Caller(cpu) as caller, load(tmpdir, on_getppid(kind + "(m, u32, u64, 4096);\nu64 calls, failed;", COUNT, caller.pid)) as lbc:
        m, total, entries, rounds = lbc.maps["m"], 0, 0, 0
        caller.start()
        deadline = time.time() + SECONDS
        while time.time() < deadline or rounds < 5 or total <= 1000:
            values = m.getThenClear().values()
            total, entries, rounds = total + sum(values), entries + len(values), rounds + 1
        caller.stop()
        counted = lbc.maps[".bss"][0]
        assert counted.calls > 1000 and counted.failed == 0
        return counted.calls, total + sum(m.get().values()), entries


@pytest.mark.parametrize("kind", KINDS)
def test_no_increment_on_the_same_cpu_is_lost(tmpdir, kind):
    cpu = cpus()[-1]
    calls, total, _ = on_cpu(cpu, lambda: taken(tmpdir, kind, cpu))
    assert total == calls


@pytest.mark.skipif(len(cpus()) < 2, reason="needs a machine with two CPUs")
@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_loses_at_most_what_is_under_way(tmpdir, kind):
    """The kernel removes an entry while a program on another CPU, which found it before, adds to it."""
    calls, total, entries = on_cpu(cpus()[0], lambda: taken(tmpdir, kind, cpus()[-1]))
    assert calls - entries <= total <= calls
