"""Records in a loop of asyncio. Python 2 cannot read this file: conftest.py leaves it out there."""

import asyncio
import os

import pytest

from programs import BURST, NUMBERS, RING, cpus, load, on_cpu, open_files
from pylcc import errors


def run(main):
    """Run the coroutine main() for a minute at most."""
    async def limited():
        return await asyncio.wait_for(main(), 60)

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(limited())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def call(times):
    on_cpu(cpus()[0], lambda: [os.getppid() for _ in range(times)])


async def until(done):
    """Let others run until done()."""
    while not done():
        await asyncio.sleep(0)


@pytest.mark.parametrize("source, name", [(NUMBERS, "out"), (RING, "plain")])
def test_each_record_arrives_once_while_others_work(tmpdir, source, name):
    got = []

    async def produce():
        for burst in (1, 2000, 1, 300):
            expected = len(got) + burst
            call(burst)
            await until(lambda: len(got) == expected)

    async def main():
        producer = asyncio.ensure_future(produce())
        async for e in out:
            got.append(e.value if name == "out" else e[0])
            if len(got) == 2302:
                break
        await producer

    with load(tmpdir, source) as lbc:
        out = lbc.maps[name]
        run(main)
    assert got == [number if name == "out" else number & 255 for number in range(2302)]


def test_who_breaks_out_leaves_the_next_to_others(tmpdir):
    got = []

    async def main():
        for turn in range(1, 21):
            call(30)
            async for e in out:
                got.append(e.value)
                if len(got) % 7 == 0:
                    break
            async for batch in out.batches():
                got.extend(int(e) for e in batch)
                break
            call(2)
            async for e in out:
                got.append(e.value)
                break
            while len(got) < 32 * turn:
                out.perf_buffer_poll(10)

    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(lambda cpu, data, size: got.append(int(lbc.getMap("out", data, size))))
        run(main)
    assert got == list(range(640))


def test_a_wait_that_is_cancelled_takes_nothing(tmpdir):
    got = []

    async def collect():
        async for e in out:
            got.append(e.value)

    async def main():
        for _ in range(50):
            task = asyncio.ensure_future(collect())
            await asyncio.sleep(0)
            call(3)
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        task = asyncio.ensure_future(collect())
        await until(lambda: len(got) == 150)
        task.cancel()

    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.batches(0)
        before = open_files()
        run(main)
        assert open_files() == before
    assert got == list(range(150))


def test_batches_end_after_their_time(tmpdir):
    async def main():
        found = []
        async for batch in out.batches(300):
            found.append(batch)
        return found

    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.batches(0)
        call(500)
        assert [int(e) for batch in run(main) for e in batch] == list(range(500))
        assert run(main) == []


def test_closing_ends_it(tmpdir):
    seen, ended = [], []

    async def wait():
        try:
            async for _ in lbc.maps["out"]:
                seen.append(1)
        except errors.ClosedException as e:
            ended.append(str(e))

    async def main():
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        call(1)
        await until(lambda: seen)
        await asyncio.sleep(0)
        lbc.close()
        await task

    lbc = load(tmpdir, NUMBERS)
    run(main)
    assert "closed" in ended[0]
    with pytest.raises(errors.ClosedException):
        lbc.maps["out"].__aiter__()


def test_lost_is_told(tmpdir):
    lost, numbers = [], []

    async def main():
        async for e in out:
            numbers.append(e.number)
            if len(numbers) == 1:
                for cpu in cpus():
                    on_cpu(cpu, os.getppid)
            if len(numbers) + sum(lost) == 3000 + len(cpus()):
                break

    with load(tmpdir, BURST) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(None, lambda cpu, count: lost.append(count))
        call(3000)
        run(main)
        assert lost and len(numbers) + sum(lost) == lbc.maps["sent"].get(1)[0]


def test_what_is_wrong_is_raised(tmpdir):
    class Wrong(Exception):
        pass

    async def main():
        async for e in out:
            raise Wrong

    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.open_perf_buffer(lambda cpu, data, size: got.append(int(lbc.getMap("out", data, size))))
        got = []
        call(3)
        with pytest.raises(Wrong):
            run(main)
        out.perf_buffer_poll(0)
        assert got == [1, 2]
