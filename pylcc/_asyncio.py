"""What a buffer has, for async for. Python 2 cannot read this file."""

import asyncio
import os

from pylcc._events import now


async def each(reader, take, deadline):
    """What the iterators have that take() makes of the records that are there, until deadline (None: never)."""
    while True:
        for item in take():
            yield item
        if deadline is not None and now() >= deadline:
            return
        await _something(reader, None if deadline is None else (deadline - now()) / 1000)


async def _something(reader, seconds):
    """Return when there may be something to read, when the object is closed, or after seconds."""
    loop = asyncio.get_event_loop()
    come = loop.create_future()

    def tell():
        if not come.done():
            come.set_result(None)

    def closed():
        try:
            loop.call_soon_threadsafe(tell)
        except RuntimeError:
            pass  # the loop is closed, and nobody waits

    timer = None if seconds is None else loop.call_later(max(0, seconds), tell)
    descriptor = None
    reader.session.listeners.append(closed)
    try:
        descriptor = os.dup(reader.fileno())  # of its own: it is there still when the object is closed
        loop.add_reader(descriptor, tell)
        reader.fileno()  # tells of what came before the loop knew the descriptor
        await come
    finally:
        reader.session.listeners.remove(closed)
        if descriptor is not None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        if timer is not None:
            timer.cancel()
