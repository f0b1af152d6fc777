"""Records many at a time, without numpy: tests/long/test_numpy.py has the same with it."""

import os
import select
import signal
import sys

import pytest

from programs import BURST, KINDS, NUMBERS, RING, cpus, handling_alarms, load, mine, on_cpu, on_getppid, poll_until
from pylcc import errors


@pytest.fixture(autouse=True)
def without_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.setattr("pylcc._numpy._module", [])


def call(times):
    for _ in range(times):
        os.getppid()


def gather(buffer, count):
    """Batches with that many records."""
    found = []
    for batch in buffer.batches(30000):
        found.append(batch)
        if sum(map(len, found)) >= count:
            return found
    raise AssertionError("%d of %d records came" % (sum(map(len, found)), count))


def on_one(function):
    """Records of one CPU keep their order."""
    on_cpu(cpus()[0], function)


def test_columns_have_what_the_values_have(tmpdir):
    with load(tmpdir, KINDS) as lbc:
        out = lbc.maps["out"]
        out.batches(0)  # opens it
        on_one(lambda: call(300))
        batches = gather(out, 300)
        assert [number for batch in batches for number in batch["number"]] == list(range(300))
        for batch in batches:
            values = list(batch)
            assert [batch[i] for i in range(len(batch))] == values == batch[:] and batch[-1] == values[-1]
            assert values == [out.event(batch.data[i * batch.stride:][:batch.size].tobytes()) for i in range(len(batch))]
            for name in ("number", "minus", "octets", "color", "where", "inner", "pair", "low", "high", "yes", "x", "f", "wide"):
                assert batch[name] == [e[name] for e in values]
            assert batch["minus"] == [-number for number in batch["number"]] and batch["high"] == [-(number % 16) for number in batch["number"]]
            assert batch["word"] == [b"n%d" % (number % 10) if str is not bytes else "n%d" % (number % 10) for number in batch["number"]]
            assert batch["letter"] == [b"" if number % 3 == 0 else b"a" for number in batch["number"]]
            assert batch.cpu == cpus()[0] and batch.lost == 0 and batch.data.readonly


def test_what_a_batch_does_not_have(tmpdir):
    with load(tmpdir, KINDS) as lbc:
        out = lbc.maps["out"]
        out.batches(0)
        call(3)
        batch = gather(out, 1)[0]
        for wrong, raised in (("nope", KeyError), (u"nope", KeyError), (len(batch), IndexError), (-len(batch) - 1, IndexError),
                              (None, errors.InvalidArgsException), (1.5, errors.InvalidArgsException)):
            with pytest.raises(raised):
                batch[wrong]
        for make in (lambda: batch.array, lambda: out.dtype):
            with pytest.raises(errors.InvalidArgsException) as raised:
                make()
            assert "pip install numpy" in str(raised.value)


def test_a_batch_that_is_kept_stays_as_it_is(tmpdir):
    with load(tmpdir, NUMBERS) as lbc:
        out, kept = lbc.maps["out"], []
        out.batches(0)

        def work():
            for _ in range(20):
                call(500)
                kept.extend((batch, batch.data.tobytes(), [int(e) for e in batch]) for batch in gather(out, 500))
        on_one(work)
    assert [number for _, _, numbers in kept for number in numbers] == list(range(10000))
    for batch, data, numbers in kept:
        assert batch.data.tobytes() == data and list(batch) == numbers


def test_what_others_left_comes_next(tmpdir):
    """Callbacks, batches and poll in turn: each record once, and in order."""
    numbers = []

    def callback(cpu, data, size):
        numbers.append(int(lbc.getMap("out", data, size)))
        if len(numbers) % 100 == 50:
            raise KeyboardInterrupt

    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(callback)

        def work():
            for turn in range(6):
                call(1000)
                with pytest.raises(KeyboardInterrupt):
                    poll_until(out, lambda: False)
                for batch in out.batches(0):
                    numbers.extend(int(e) for e in batch)
                    break
                suspended = iter(out.batches(0))
                call(10)
                numbers.extend(int(e) for batch in [next(suspended)] for e in batch)
                numbers.extend(int(e) for batch in out.batches(0) for e in batch)
                assert list(suspended) == []

        on_one(work)
        sent = lbc.maps["sent"].get(1)[0]
        numbers.extend(int(e) for batch in out.batches(0) for e in batch)
    assert numbers == list(range(sent)) and sent == 6060


@pytest.mark.parametrize("callback", [True, False])
def test_lost_is_told_and_stands_in_the_batch(tmpdir, capsys, callback):
    told = []
    with load(tmpdir, BURST) as lbc:
        out = lbc.maps["out"]
        if callback:
            out.open_perf_buffer(None, lambda cpu, count: told.append(count))
        out.batches(0)
        call(3000)
        found = list(out.batches(0))
        for cpu in cpus():  # a loss is told with what comes next, where the kernel is old
            on_cpu(cpu, os.getppid)
        sent = lbc.maps["sent"].get(1)[0]
        for batch in out.batches(30000):
            found.append(batch)
            if sum(len(batch) + batch.lost for batch in found) == sent:
                break
    printed = [int(line.split()[2]) for line in capsys.readouterr()[0].splitlines() if "lost" in line]
    lost = [batch.lost for batch in found if batch.lost]
    numbers = [number for batch in found for number in batch["number"]]
    assert len(numbers) + sum(lost) == sent >= 3000 and len(set(numbers)) == len(numbers)
    assert lost and lost == (told if callback else printed)


def test_signals_between_batches_lose_nothing(tmpdir):
    numbers, interrupts = [], []

    def alarm(_, frame):
        while frame is not None:
            if "pylcc" in frame.f_code.co_filename and frame.f_code.co_name in ("batches", "_runs", "_collect", "_claim", "whole", "tell"):
                interrupts.append(1)
                raise KeyboardInterrupt
            frame = frame.f_back

    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.batches(0)
        with handling_alarms(alarm):
            for sent in range(500, 60 * 500, 500):
                call(500)
                signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0002)
                while len(numbers) < sent and len(interrupts) < 100000:
                    try:
                        for batch in out.batches(20):
                            numbers += batch
                    except KeyboardInterrupt:
                        pass
        assert len(interrupts) > 10
        assert sorted(numbers) == list(range(lbc.maps["sent"].get(1)[0]))


def test_ring_buffers(tmpdir):
    with load(tmpdir, RING) as lbc:
        typed, plain = lbc.maps["typed"], lbc.maps["plain"]
        typed.batches(0), plain.batches(0)
        call(50)
        found = gather(typed, 50)
        assert [number for batch in found for number in batch["number"]] == list(range(50)) and set(batch.cpu for batch in found) == set([-1])
        found = gather(plain, 50)
        assert [e for batch in found for e in batch][3] == b"\3\0\0\0word\0\0\0\0\0\0\0\0"
        with pytest.raises(KeyError):
            found[0]["number"]


# Records of three sizes: too short for their type, with a flexible array, and with more of it.
SHORT = on_getppid("""
struct text_t { u32 number; u32 size; char text[]; };
struct long_t { u32 number; u32 size; u64 more; char word[8]; };
LBC_PERF_OUTPUT(texts, struct text_t, 128);
LBC_PERF_OUTPUT(longs, struct long_t, 128);
u32 sent;
""", """
    struct { u32 number; u32 size; char text[12]; } r = { sent++, 12, "eleven char" };
    bpf_perf_event_output(ctx, &texts, BPF_F_CURRENT_CPU, &r, 12 + 8);
    bpf_perf_event_output(ctx, &longs, BPF_F_CURRENT_CPU, &r, 12);""")


def test_records_of_other_sizes_than_their_type(tmpdir):
    with load(tmpdir, SHORT) as lbc:
        texts, longs = lbc.maps["texts"], lbc.maps["longs"]
        texts.batches(0), longs.batches(0)
        on_one(lambda: call(20))
        for buffer in (texts, longs):
            assert [number for batch in gather(buffer, 20) for number in batch["number"]] == list(range(20))
        on_one(lambda: call(1))
        assert gather(texts, 1)[0]["text"] == ["eleven char"]
        short = gather(longs, 1)[0]
        assert short["word"] == short["more"] == [None] and short[0].number == 20 and short[0].word is None


def test_only_one_hands_out_at_a_time(tmpdir):
    seen, raised = [], []

    def callback(cpu, data, size):
        try:
            next(out.batches(0))
        except errors.InvalidArgsException as e:
            seen.append(str(e))

    def lost(cpu, count):
        try:
            out.perf_buffer_poll(0)
        except errors.InvalidArgsException as e:
            raised.append(str(e))

    with load(tmpdir, BURST) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(callback)
        os.getppid()
        poll_until(out, lambda: seen)
        out.open_perf_buffer(callback, lost)
        call(3000)
        for cpu in cpus():
            on_cpu(cpu, os.getppid)
        for _ in out.batches(30000):
            if raised:
                break
    assert "being polled already" in seen[0] and "being polled already" in raised[0]


def test_closing_ends_it(tmpdir):
    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.batches(0)
        call(3)
        batches = out.batches()
        batch = next(batches)
    with pytest.raises(errors.ClosedException):
        while True:
            next(batches)
    assert 0 in list(batch)


def test_waiting_for_the_descriptor(tmpdir):
    """What poll(2) tells of is there, after silence as after bursts."""
    with load(tmpdir, NUMBERS) as lbc:
        out, numbers = lbc.maps["out"], []
        poller = select.poll()
        poller.register(out.fileno(), select.POLLIN)
        for burst in [1, 1, 3000, 1, 20]:
            on_one(lambda: call(burst))
            expected = len(numbers) + burst
            while len(numbers) < expected:
                assert poller.poll(30000)
                numbers.extend(int(e) for batch in out.batches(0) for e in batch)
        assert numbers == list(range(len(numbers)))
        call(1)
        assert select.select([out], [], [], 30) == ([out], [], [])


def test_a_map_of_buffers_holds_the_buffer(tmpdir):
    """And not the descriptor to wait for."""
    with load(tmpdir, mine("""
#include "lbc.h"
struct ring_t { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __type(value, u32); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __type(key, u32); __array(values, struct ring_t); } rings SEC(".maps");
SEC("raw_tracepoint/sys_enter")
int enter(struct bpf_raw_tracepoint_args *ctx)
{
    u32 zero = 0, number = 7;
    void *ring = bpf_map_lookup_elem(&rings, &zero);
    if (ring && bpf_get_current_pid_tgid() >> 32 == PID && ctx->args[1] == NR_GETPPID)
        bpf_ringbuf_output(ring, &number, sizeof(number), 0);
    return 0;
}
char _license[] SEC("license") = "GPL";
""")) as lbc:
        lbc.maps["ring"].batches(0)
        lbc.maps["rings"][0] = lbc.maps["ring"]
        os.getppid()
        assert gather(lbc.maps["ring"], 1)[0][0] == 7
