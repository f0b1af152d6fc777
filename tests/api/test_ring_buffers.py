"""Ring buffers: records as programs sent them, and LBC_RINGBUF's count of those that it had no room for."""

import os

import pytest

from programs import RING, load, on_getppid, poll_until
from pylcc import errors


def test_ring_buffers(tmpdir):
    got, plain = [], []
    with load(tmpdir, RING) as lbc:
        typed = lbc.maps["typed"]
        typed.open_perf_buffer(lambda cpu, data, size: got.append((cpu, size, lbc.getMap("typed", data, size))))
        lbc.maps["plain"].open_perf_buffer(lambda cpu, data, size: plain.append(lbc.getMap("plain", data, size)))
        for _ in range(50):
            os.getppid()
        poll_until(typed, lambda: len(got) == 50)
        poll_until(lbc.maps["plain"], lambda: len(plain) == 50)
    assert [e.number for _, _, e in got] == list(range(50)) and set((cpu, size, e.word) for cpu, size, e in got) == {(-1, 16, "word")}
    assert plain[3] == b"\3\0\0\0word\0\0\0\0\0\0\0\0"


def test_records_without_a_byte(tmpdir):
    """They are in order among others, and their members read None."""
    got = []
    sends = "u64 n = 5; bpf_ringbuf_output(&out, &n, 0, 0); bpf_ringbuf_output(&out, &n, sizeof(n), 0);"
    with load(tmpdir, on_getppid("struct one_t { u64 n; };\nLBC_RINGBUF(out, struct one_t, 4096);", sends)) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(lambda cpu, data, size: got.append((size, lbc.getMap("out", data, size).n)))
        os.getppid()
        os.getppid()
        poll_until(out, lambda: len(got) == 4)
    assert got == [(0, None), (8, 5)] * 2


COUNTED = on_getppid("""
struct record_t { u64 number; char fill[120]; };
LBC_RINGBUF(out, struct record_t, 8192);
LBC_RINGBUF(reserved, struct record_t, 4096);
u64 sent;
""", """
    struct record_t record = { sent++ }, *place;
    lbc_ringbuf_output(&out, &record, sizeof(record), 0);
    place = lbc_ringbuf_reserve(&reserved, sizeof(*place), 0);
    if (!place)
        return 0;
    place->number = record.number;
    lbc_ringbuf_submit(&reserved, place, 0);""")


def test_what_a_ring_buffer_had_no_room_for_is_counted(tmpdir, capsys):
    got, lost, printed = dict(out=[], reserved=[]), [], ""

    def callback(name):
        return lambda cpu, data, size: got[name].append((cpu, lbc.getMap(name, data, size).number))

    with load(tmpdir, COUNTED) as lbc:
        assert sorted(lbc.maps) == [".bss", "out", "reserved"]
        lbc.maps["out"].open_perf_buffer(callback("out"), lambda cpu, count: lost.append((cpu, count)))
        lbc.maps["reserved"].open_perf_buffer(callback("reserved"))
        sent = 0
        for count in (1, 2000, 5, 2000):
            for _ in range(count):
                os.getppid()
            sent += count
            for name in got:
                lbc.maps[name].perf_buffer_poll(timeout=150)
            printed += capsys.readouterr()[0]
            counted = [int(line.split()[1]) for line in printed.splitlines() if line.startswith("lost ")]
            assert len(got["out"]) + sum(count for _, count in lost) == sent
            assert len(got["reserved"]) + sum(counted) == sent
        assert lbc.maps[".bss"].get()[0].sent == sent
    assert lost and counted and set(cpu for cpu, _ in lost + got["out"]) == {-1}
    for records in got.values():
        assert records[0][1] == 0 and all(one[1] < next[1] for one, next in zip(records, records[1:]))


def test_a_ring_buffer_of_a_wrong_size_is_refused(tmpdir):
    with pytest.raises(errors.CompileException) as raised:
        load(tmpdir, COUNTED.replace("4096", "5000"))
    assert "the size of a ring buffer is a power of two, 4096 or more" in str(raised.value) + raised.value.log
