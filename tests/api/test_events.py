"""Perf buffers: records as programs sent them, losses counted."""

import ctypes
import gc
import os
import signal
import sys
import threading
import time

import pytest

from programs import BURST, FORKS, NR_GETPPID, NUMBERS, cpus, fork_once, handling_alarms, load, mine, on_cpu, on_getppid, poll_until
from pylcc import errors


@pytest.fixture
def forks(tmpdir):
    with load(tmpdir, mine(FORKS)) as lbc:
        yield lbc


def test_every_fork_arrives_with_its_content(forks):
    got = []

    def cb(cpu, data, size):
        got.append(forks.getMap("e_out", data, size))
        assert isinstance(data, int) and size >= 24

    forks.maps["e_out"].open_perf_buffer(cb)
    children = [fork_once() for _ in range(50)]
    poll_until(forks.maps["e_out"], lambda: len(got) == 50)
    assert sorted(e.child for e in got) == sorted(children)
    assert set(e.parent for e in got) == {os.getpid()}
    with open("/proc/self/comm") as f:
        comm = f.read().strip()
    assert all(e.comm == comm and type(e.comm.upper()) is str for e in got)
    assert got[0]["child"] == got[0].child and list(got[0]) == ["parent", "child", "comm"]


def test_bytes_of_a_record_decode_too(forks):
    got = []
    buffer = forks.maps["e_out"]

    def cb(cpu, data, size):
        stream = ctypes.string_at(data, size)
        assert buffer.event(stream) == buffer.event(data)
        got.append(buffer.event(stream).child)

    buffer.open_perf_buffer(cb)
    child = fork_once()
    poll_until(buffer, lambda: got)
    assert got == [child]


@pytest.fixture
def delivered(forks):
    """delivered(look): what look(data) returns in the callback of one record, or the exception."""
    def deliver(look):
        got = []

        def cb(cpu, data, size):
            try:
                got.append(look(data))
            except errors.InvalidArgsException as e:
                got.append(e)
        forks.maps["e_out"].open_perf_buffer(cb)
        child = fork_once()
        poll_until(forks.maps["e_out"], lambda: got)
        return child, got[0]
    return deliver


def test_pointers_to_a_record(forks, delivered):
    """What a script makes of data by ctypes is where the record lies, not the bytes of its own."""
    class Fork(ctypes.Structure):
        _fields_ = [("parent", ctypes.c_uint32), ("child", ctypes.c_uint32), ("comm", ctypes.c_char * 16)]

    event = forks.maps["e_out"].event
    as_pointers = [ctypes.c_void_p, ctypes.c_char_p, lambda data: ctypes.cast(data, ctypes.POINTER(Fork)),
                   lambda data: ctypes.cast(data, ctypes.POINTER(ctypes.c_ubyte)), Fork.from_address, (ctypes.c_char * 24).from_address]
    child, got = delivered(lambda data: [(event(make(data)).child, forks.getMap("e_out", make(data), 24).parent) for make in as_pointers])
    assert got == [(child, os.getpid())] * len(as_pointers)


def test_pointers_of_cffi_to_a_record(forks, delivered):
    cffi = pytest.importorskip("cffi", reason="needs cffi (pip install -r tests/requirements.txt)")
    ffi = cffi.FFI()
    ffi.cdef("struct fork { uint32_t parent, child; char comm[16]; };")
    event = forks.maps["e_out"].event
    child, got = delivered(lambda data: [event(ffi.cast(kind, data)).child for kind in ("void *", "struct fork *")])
    assert got == [child] * 2
    assert event(ffi.new("char [24]", b"\1\0\0\0\2\0\0\0three")) == (1, 2, "three")
    for wrong in (ffi.NULL, ffi.new("struct fork *"), ffi.new("struct fork *")[0], ffi.cast("double", 1)):
        with pytest.raises(errors.InvalidArgsException):
            event(wrong)


def test_what_holds_bytes_is_a_record_and_nothing_else(forks):
    class Index(object):
        def __index__(self):
            return 3

    event, record = forks.maps["e_out"].event, b"\1\0\0\0\2\0\0\0three" + b"\0" * 11
    array = (ctypes.c_ubyte * 24)(*bytearray(record))
    for data in (record, bytearray(record), memoryview(record), array, list(bytearray(record)), tuple(bytearray(record)), ctypes.create_string_buffer(record, 24)):
        assert event(data) == (1, 2, "three")
    pointers = [ctypes.cast(array, kind) for kind in (ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint64))]
    for data in pointers + [ctypes.c_void_p(), ctypes.byref(array), Index(), {1: 2}, set([1]), iter([1]), ["xx"], [256], [-1], 1.5, u"text", None, object()]:
        with pytest.raises(errors.InvalidArgsException) as e:
            event(data)
        assert str(e.value).startswith("decode a record of e_out: ")


def test_a_short_record_reads_none_where_it_ends(forks):
    e = forks.maps["e_out"].event(b"\1\0\0\0\2\0")
    assert (e.parent, e.child, e.comm) == (1, None, None)


def test_data_outside_the_record_is_refused(forks):
    kept = []
    forks.maps["e_out"].open_perf_buffer(lambda cpu, data, size: kept.append((data, size)))
    fork_once()
    poll_until(forks.maps["e_out"], lambda: kept)
    for data in (kept[0][0], 0, 1 << 70):
        with pytest.raises(errors.InvalidArgsException) as e:
            forks.getMap("e_out", data, 24)
        assert "not in the record being delivered" in str(e.value)
    for data in (0, forks):
        with pytest.raises(errors.UnknownMapException):
            forks.getMap("e_uot", data, 24)


def test_an_integer_event_has_value(tmpdir):
    source = on_getppid("LBC_PERF_OUTPUT(out, u64, 128);", """
    u64 word = 0x1122334455667788;
    bpf_perf_event_output(ctx, &out, BPF_F_CURRENT_CPU, &word, sizeof(word));""")
    got = []
    with load(tmpdir, source) as lbc:
        lbc.maps["out"].open_perf_buffer(lambda cpu, data, size: got.append(lbc.getMap("out", data, size)))
        os.getppid()
        poll_until(lbc.maps["out"], lambda: got)
    assert got == [0x1122334455667788] and got[0].value == 0x1122334455667788


@pytest.mark.parametrize("raised", [RuntimeError, StopIteration])
def test_an_exception_in_a_callback_is_printed_and_polling_goes_on(forks, capsys, raised):
    got = []

    def cb(cpu, data, size):
        got.append(forks.getMap("e_out", data, size).child)
        raise raised("from the callback")

    forks.maps["e_out"].open_perf_buffer(cb)
    children = [fork_once() for _ in range(3)]
    poll_until(forks.maps["e_out"], lambda: len(got) == 3)
    assert sorted(got) == sorted(children)
    assert capsys.readouterr()[1].count(raised.__name__ + ": from the callback") == 3


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_ends_the_poll_and_nothing_is_lost(forks, raised):
    got = []

    def cb(cpu, data, size):
        got.append(forks.getMap("e_out", data, size).child)
        if len(got) == 1:
            raise raised()

    forks.maps["e_out"].open_perf_buffer(cb)
    children = [fork_once() for _ in range(5)]
    with pytest.raises(raised):
        poll_until(forks.maps["e_out"], lambda: len(got) == 5)
    poll_until(forks.maps["e_out"], lambda: len(got) == 5)
    assert sorted(got) == sorted(children)


def test_an_exception_that_is_part_of_a_cycle_is_collected(forks):
    """It holds the frames of the poll, and these what unpacks the records."""
    got = []

    def cb(cpu, data, size):
        got.append(forks.getMap("e_out", data, size).child)
        if len(got) > 1:
            raise KeyboardInterrupt

    forks.maps["e_out"].open_perf_buffer(cb)
    children = [fork_once() for _ in range(10)]
    while len(got) < 10:
        try:
            poll_until(forks.maps["e_out"], lambda: len(got) == 10)
        except KeyboardInterrupt as e:
            raised = [e, sys.exc_info()]
            raised.append(raised)
            del raised, e
        if str is bytes:
            sys.exc_clear()
        gc.collect()
    assert sorted(got) == sorted(children)


def test_poll_with_an_object(forks):
    class Target(object):
        got = []

        def cb(self, cpu, data, size):
            self.got.append(forks.getMap("e_out", data, size).child)

    forks.maps["e_out"].open_perf_buffer(lambda *_: pytest.fail("the object has its own callback"))
    child = fork_once()
    for _ in range(100):
        forks.maps["e_out"].perf_buffer_poll(timeout=100, obj=Target())
        if Target.got:
            break
    assert Target.got == [child]
    with pytest.raises(ValueError):
        forks.maps["e_out"].perf_buffer_poll(obj=object())


def test_a_poll_in_its_own_callback_is_refused(forks):
    seen = []

    def cb(cpu, data, size):
        try:
            forks.maps["e_out"].perf_buffer_poll(timeout=0)
        except errors.InvalidArgsException as e:
            seen.append(str(e))

    forks.maps["e_out"].open_perf_buffer(cb)
    fork_once()
    poll_until(forks.maps["e_out"], lambda: seen)
    assert "being polled already" in seen[0]


@pytest.mark.parametrize("callback", [True, False])
def test_a_burst_is_received_or_reported_lost(tmpdir, capsys, callback):
    """The kernel reports a loss with the next record that fits: one more is sent on each CPU."""
    numbers, lost = [], []
    with load(tmpdir, BURST) as lbc:
        buffer = lbc.maps["out"]
        buffer.open_perf_buffer(lambda cpu, data, size: numbers.append(lbc.getMap("out", data, size).number),
                                (lambda cpu, count: lost.append(count)) if callback else None)
        for _ in range(3000):
            os.getppid()
        buffer.perf_buffer_poll(timeout=0)
        for cpu in cpus():
            on_cpu(cpu, os.getppid)

        def missing():
            return [int(line.split()[2]) for line in printed.splitlines() if "lost" in line] if not callback else lost

        printed = ""
        for _ in range(300):
            buffer.perf_buffer_poll(timeout=100)
            printed += capsys.readouterr()[0]
            sent = lbc.maps["sent"].get(1)[0]
            if len(numbers) + sum(missing()) == sent:
                break
        assert sent >= 3000 and sum(missing()) > 0
        assert len(numbers) + sum(missing()) == sent
        assert len(set(numbers)) == len(numbers)


def test_bursts_after_silence_arrive_in_order(tmpdir):
    """The map has another perf event while records come fast: each burst begins with the one and ends with the other."""
    numbers = []

    def on_one_cpu():
        with load(tmpdir, NUMBERS) as lbc:
            out, sent = lbc.maps["out"], 0
            out.open_perf_buffer(lambda cpu, data, size: numbers.append(int(lbc.getMap("out", data, size))))
            for count in (1, 3000, 1, 20, 3000):
                for _ in range(count):
                    os.getppid()
                sent += count
                poll_until(out, lambda: len(numbers) >= sent)
                out.perf_buffer_poll(timeout=150)
            assert numbers == list(range(sent))

    on_cpu(cpus()[0], on_one_cpu)


def test_signals_between_callbacks_lose_nothing(tmpdir):
    """An alarm raises KeyboardInterrupt again and again, anywhere in the poll but inside of the callback."""
    numbers, interrupts = [], []

    def callback(cpu, data, size):
        numbers.append(int(lbc.getMap("out", data, size)))

    def alarm(_, frame):
        codes = []
        while frame is not None:
            codes.append(frame.f_code)
            frame = frame.f_back
        if callback.__code__ not in codes and type(out).perf_buffer_poll.__code__ in codes:
            interrupts.append(1)
            raise KeyboardInterrupt

    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(callback)
        with handling_alarms(alarm):
            for sent in range(2000, 60 * 2000, 2000):
                for _ in range(2000):
                    os.getppid()
                signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0003)
                while len(numbers) < sent and len(interrupts) < 100000:
                    try:
                        out.perf_buffer_poll(timeout=20)
                    except KeyboardInterrupt:
                        pass
        sent = lbc.maps["sent"].get(1)[0]
        poll_until(out, lambda: len(numbers) >= sent)
        assert len(interrupts) > 10
        assert sorted(numbers) == list(range(sent))


def test_a_poll_ends_by_a_signal_that_the_script_handles(tmpdir):
    """As the poll of old did, so that a handler which only takes a note ends a script."""
    seen = []

    def callback(cpu, data, size):
        seen.append(lbc.getMap("out", data, size))
        if len(seen) == 1:
            os.kill(os.getpid(), signal.SIGALRM)
            os.getppid()

    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(callback)
        with handling_alarms(lambda *_: seen.append("alarm")):
            os.getppid()
            out.perf_buffer_poll()
            assert seen == [0, "alarm"]
            signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
            out.perf_buffer_poll()
        assert 1 in seen and seen[-1] == "alarm" and signal.set_wakeup_fd(-1) == -1


def test_a_timeout_ends_a_poll_while_records_arrive(tmpdir):
    """The poll itself makes the system calls that the records are about."""
    source = NUMBERS.replace(" || ctx->id != " + NR_GETPPID, "")
    with load(tmpdir, source) as lbc:
        seen = []
        lbc.maps["out"].open_perf_buffer(lambda cpu, data, size: seen.append(os.getpid()))
        start = time.time()
        for _ in range(5):
            lbc.maps["out"].perf_buffer_poll(timeout=20)
        assert seen and time.time() - start < 30


@pytest.mark.skipif(len(cpus()) < 2, reason="needs a machine with two CPUs")
def test_records_of_cpus_outside_the_affinity_arrive(tmpdir):
    got = []

    def on_first():
        with load(tmpdir, mine(FORKS)) as lbc:
            lbc.maps["e_out"].open_perf_buffer(
                lambda cpu, data, size: got.append((cpu, lbc.getMap("e_out", data, size).child)))
            child = on_cpu(cpus()[-1], fork_once)
            poll_until(lbc.maps["e_out"], lambda: got)
            assert got == [(cpus()[-1], child)]

    on_cpu(cpus()[0], on_first)


def test_closing_ends_a_poll_in_another_thread(tmpdir):
    lbc = load(tmpdir, mine(FORKS))
    polling, raised = threading.Event(), []
    lbc.maps["e_out"].open_perf_buffer(lambda *_: polling.set())

    def poll():
        try:
            lbc.maps["e_out"].perf_buffer_poll()
        except errors.ClosedException as e:
            raised.append(e)

    thread = threading.Thread(target=poll)
    thread.start()
    while not polling.wait(0.01):
        fork_once()
    lbc.close()
    thread.join(20)
    assert not thread.is_alive() and len(raised) == 1
    assert "closed" in str(raised[0])


def test_a_buffer_opened_again_has_the_new_callbacks(tmpdir):
    first, second, lost = [], [], []
    with load(tmpdir, BURST) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(lambda cpu, data, size: first.append(cpu))
        os.getppid()
        out.open_perf_buffer(lambda cpu, data, size: second.append(lbc.getMap("out", data, size).number), lambda cpu, count: lost.append(count))
        for _ in range(3000):
            os.getppid()
        out.perf_buffer_poll(timeout=0)
        for cpu in cpus():
            on_cpu(cpu, os.getppid)
        sent = lbc.maps["sent"].get(1)[0]
        poll_until(out, lambda: len(second) + sum(lost) == sent)
        assert first == [] and second[0] == 0 and lost and sent == 3001 + len(cpus())


def test_an_object_without_a_callback_is_named(forks):
    class Nothing(object):
        def __str__(self):
            return "nothing"

    with pytest.raises(ValueError) as raised:
        forks.maps["e_out"].perf_buffer_poll(obj=Nothing())
    assert str(raised.value) == "object nothing has no attr callback."
