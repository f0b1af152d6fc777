"""Threads that share an object, under load. LBC_TEST_SECONDS: for how long altogether, default 4."""

import os
import random
import sys
import threading
import time

from programs import Caller, load, on_getppid, open_files
from pylcc import errors

SECONDS = float(os.environ.get("LBC_TEST_SECONDS") or 4) / 2

TWO_BUFFERS = """
struct record_t { u64 number; char text[24]; };
LBC_PERF_OUTPUT(left, struct record_t, 128);
LBC_PERF_OUTPUT(right, u64, 128);
LBC_HASH(counts, u32, u64, 512);
u64 sent;
"""
SEND_BOTH = """
    u64 number = sent++, one = 1, *n;
    struct record_t record = { number, "text" };
    u32 key = number & 255;
    bpf_perf_event_output(ctx, &left, BPF_F_CURRENT_CPU, &record, sizeof(record));
    bpf_perf_event_output(ctx, &right, BPF_F_CURRENT_CPU, &number, sizeof(number));
    n = bpf_map_lookup_elem(&counts, &key);
    if (n)
        __sync_fetch_and_add(n, 1);
    else
        bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
"""


class Poller(threading.Thread):
    """Polls a buffer until its object is closed, or enough() is true: counts records, those that it
    had before, and losses."""

    def __init__(self, lbc, name, number, enough=lambda poller: False):
        threading.Thread.__init__(self, name=name)
        self._lbc, self._buffer, self._number, self._enough = lbc, lbc.maps[name], number, enough
        self._seen = bytearray()
        self.received = self.repeated = self.lost = 0
        self.error = None
        self._buffer.open_perf_buffer(self._record, self._loss)
        self.start()

    def _record(self, cpu, data, size):
        number = self._number(self._lbc.getMap(self.name, data, size))
        if number >= len(self._seen):
            self._seen.extend(bytearray(number + (1 << 20) - len(self._seen)))
        self.repeated += self._seen[number]
        self._seen[number] = 1
        self.received += 1

    def _loss(self, cpu, count):
        self.lost += count

    def run(self):
        try:
            while not self._enough(self):
                self._buffer.perf_buffer_poll(timeout=50)
        except Exception as e:
            self.error = e


def test_two_threads_poll_two_maps(tmpdir):
    """Every record is received once, or counted as lost."""
    with Caller() as caller, load(tmpdir, on_getppid(TWO_BUFFERS, SEND_BOTH, caller.pid)) as lbc:
        ended, sent = threading.Event(), []

        def enough(poller):
            return ended.is_set() and poller.received + poller.lost >= sent[0]

        pollers = [Poller(lbc, "left", lambda e: e.number, enough), Poller(lbc, "right", int, enough)]
        caller.start()
        time.sleep(SECONDS)
        caller.stop()
        sent.append(lbc.maps[".bss"][0].sent)
        ended.set()
        for poller in pollers:
            poller.join(60)
            assert not poller.is_alive() and poller.error is None, (poller.name, sent, poller.received, poller.lost)
            assert poller.received + poller.lost == sent[0] and poller.received > 1000 and poller.repeated == 0
        assert sum(lbc.maps["counts"].get().values()) == sent[0]


def test_one_thread_polls_one_reads_one_closes(tmpdir):
    deadline, open_after = time.time() + SECONDS, []
    with Caller() as caller:
        caller.start()
        while time.time() < deadline or len(open_after) < 3:
            _poll_read_close(load(tmpdir, on_getppid(TWO_BUFFERS, SEND_BOTH, caller.pid)))
            open_after.append(open_files())
    assert len(set(open_after)) == 1  # the first round leaves what Go keeps open


def _poll_read_close(lbc):
    poller, errors_read, read = Poller(lbc, "left", lambda e: e.number), [], threading.Event()

    def sent():
        return lbc.maps[".bss"][0].sent

    def reads():
        counts, taken = lbc.maps["counts"], []
        try:
            while True:
                before = sum(counts.get().values())
                taken.append(sum(counts.getThenClear().values()))
                assert before <= taken[-1] and sum(taken) <= sent()
                counts[300] = 5
                assert counts[300] == 5
                del counts[300]
                read.set()
        except Exception as e:
            errors_read.append(e)

    def closes():
        read.wait(60)
        time.sleep(random.uniform(0, 0.1))
        lbc.close()

    threads = [threading.Thread(target=reads), threading.Thread(target=closes), poller]
    for thread in threads[:2]:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert isinstance(poller.error, errors.ClosedException) and [type(e) for e in errors_read] == [errors.ClosedException]
    assert poller.repeated == 0 and read.is_set()


def test_two_threads_read_one_map(tmpdir):
    """Neither sees keys or values of the other: each has all of them, equal to what was stored."""
    content, seen = dict((key, key * 3) for key in range(1000)), []
    with load(tmpdir, on_getppid("LBC_HASH(m, u32, u64, 1024);", "")) as lbc:
        m = lbc.maps["m"]
        m.update(content)

        def reads():
            seen.extend(m.get() == content and m.getKeyValue(7) == 21 for _ in range(20))

        threads = [threading.Thread(target=reads) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert seen == [True] * 40


if sys.version_info < (3,):
    sys.setcheckinterval(50)  # Python 2 seldom lets another thread run
