"""Perf buffers and ring buffers."""

from itertools import repeat

from pylcc import _lib, _numpy, errors
from pylcc._batch import Batch, Batches
from pylcc._events import NOTHING, Reader, now
from pylcc._memory import address, octets
from pylcc._records import Records
from pylcc._tables import CmapsBase
from pylcc._values import integers


class CmapsEvent(CmapsBase):
    """A perf buffer (LBC_PERF_OUTPUT), or a ring buffer (LBC_RINGBUF, Linux 5.8), whose records come
    from no CPU, -1. Of a BPF_MAP_TYPE_RINGBUF that was declared otherwise nobody counts what it had no
    room for.

    Records come by perf_buffer_poll, by batches(), or one by one to async for, in a loop of asyncio:

        async for e in lbc.maps["e_out"]:
            print(e.c_pid, e.c_comm)

    which opens the buffer too, tells lost of open_perf_buffer what was lost, lets other tasks run when
    no record is left, and raises ClosedException when the object is closed. Who breaks out leaves the
    next records to what comes then. A signal whose handler raises, as Ctrl-C does in asyncio before
    Python 3.11, may cost the record that is on its way to async for; the others lose none by that.

    All of these may follow one another; only one at a time waits."""

    def __init__(self, *arguments):
        CmapsBase.__init__(self, *arguments)
        self._current = self._session.current
        self._current[self.name] = NOTHING
        self.cb = None
        self.lostcb = self._print_lost
        self._reader = self._known = None
        self._rows_wanted = False  # until the value of a record is asked for by its address

    def open_perf_buffer(self, cb, lost=None):
        """Open the buffer: records that programs send from now on are kept for perf_buffer_poll.

        cb(cpu, data, size) is called for each record; data is its address, valid during the call:
        see event() and ClbcBase.getMap(). lost(cpu, count) is called when the kernel had to drop
        count records; without it "cpuN lost M events" is printed, of a ring buffer "lost M events"."""
        for name, callback in (("cb", cb), ("lost", lost)):
            if callback is not None and not callable(callback):
                raise errors.InvalidArgsException("open perf buffer %s: %s is not callable: %r" % (self.name, name, callback))
        self.cb = cb
        self.lostcb = lost or self._print_lost
        self._open()

    def perf_buffer_poll(self, timeout=-1, obj=None):
        """Deliver records to the callback.

        timeout: milliseconds after which to return; negative: never, but in the main thread when a
        handler of the script has handled a signal meanwhile. obj: an object with attributes cb
        (and lostcb) to use instead of the callbacks of open_perf_buffer.

        Ctrl-C raises KeyboardInterrupt here, unless the script has a handler of its own.
        KeyboardInterrupt and SystemExit raised by a callback end the call; any other exception in it is
        printed with its traceback and polling goes on. What was read already is delivered also when a
        callback closes the object or sets new callbacks. Raises ValueError without a callback,
        ClosedException when the object is closed meanwhile."""
        target = self if obj is None else obj
        if getattr(target, "cb", None) is None:
            raise ValueError("object %s has no attr callback." % target)
        lost = getattr(target, "lostcb", None) or self._print_lost
        deadline = self._deadline(timeout)
        self._open().poll(lambda run: run.hand_out(target.cb, lost, self._rows, self._current, self.name), deadline)

    def batches(self, timeout=-1):
        """Deliver records many at a time: an iterator over batches (pylcc._batch.Batch), from this call on.

            for batch in lbc.maps["e_out"].batches():
                pids = batch["c_pid"]            # a column: an array of numpy, or a list without numpy
                for e in batch:                  # values as getMap gives them
                    print(batch.cpu, e.c_comm)

        async for takes it too. timeout: milliseconds after which it ends; negative: never. A batch has
        what was there at once, and may be kept. Records that were lost are told as perf_buffer_poll
        tells them, and stand in batch.lost. Raises as that does; Ctrl-C raises KeyboardInterrupt, and
        what was read and not handed out is left to the next call."""
        _numpy.numpy()  # to import it takes a while, in which records would be lost
        deadline, reader = self._deadline(timeout), self._open()
        found = Batches.from_iterable(reader.batches(self._batch, self._lost, deadline))
        found.asynchronous = lambda: self._asynchronously(
            lambda: Batches.from_iterable(reader.batches(self._batch, self._lost, 0)), deadline)
        return found

    def __aiter__(self):
        reader = self._open()
        return self._asynchronously(lambda: reader.values(self._read, self._lost, 0), None)

    def fileno(self):
        """A descriptor for poll(2) and event loops, valid until the object is closed: do not read or close it.

        It is readable when records came, and now and then when none did: then make a call with timeout
        0. Opens the buffer. Register it, make that call once, then wait; the same after leaving a loop
        over batches early: records that came before are not told again."""
        return self._open().fileno()

    @property
    def dtype(self):
        """The numpy.dtype of a record, as Batch.array has it; InvalidArgsException without numpy, or
        where the object does not say what the records are."""
        return self._records.dtype

    def event(self, data):
        """The value of a record: data as a callback gets it, also as a pointer of ctypes or cffi, or
        the record's bytes: bytes, a bytearray, memoryview, ctypes array or struct, a list of numbers.

        What a record that is too short does not contain reads None; of one that is longer than its
        type the rest, which may be the kernel's padding, is what a flexible array at the end has.
        Where the object does not say what the records are they read as bytes."""
        at, row, make = self._current[self.name]
        if data is at:
            return make(row)
        if type(data) is bytes:
            records = self._known or self._records
            return records.read(data) if len(data) >= records.size else records.read_all(data)
        if isinstance(data, integers):
            return self._read(data)
        record = octets(data)
        if record is not None:
            return self._records.read_all(record)
        where = address(data)
        if where is None:
            raise errors.InvalidArgsException(
                "decode a record of %s: %r is neither an address nor bytes" % (self.name, data))
        return self._read(where)

    @property
    def ffiType(self):
        """C's type of a pointer to a record, such as "struct event *"; "" where the object does not say it."""
        from pylcc.commands._types import Printer  # it writes all of C, for few scripts
        number = self._described["value"]
        name = "" if number is None else Printer(self._session.description["types"]).name(number)
        return name and (name if name.endswith("]") else name + " *")

    @property
    def _records(self):
        if self._known is None:
            number = self._described["value"]
            self._known = Records(None if number is None else self._types[number])
        return self._known

    def _deadline(self, given):
        try:
            timeout = float(given)
        except (TypeError, ValueError):
            timeout = float("nan")
        if timeout != timeout:
            raise errors.InvalidArgsException("poll %s: timeout %r is no number of milliseconds" % (self.name, given))
        return None if timeout < 0 else now() + timeout

    def _asynchronously(self, take, deadline):
        from pylcc import _asyncio  # which Python 2 cannot read
        return _asyncio.each(self._reader, take, deadline)

    def _lost(self, cpu, count):
        self.lostcb(cpu, count)

    def _batch(self, run, count):
        end = run.offset + run.count * run.stride
        data = memoryview(self._reader.buffer)[end - count * run.stride:end].tobytes()
        return Batch(run, count, data, self._records)

    def _rows(self, run, count):
        """For the last count records of a run an iterator, and what makes the value of an item of it."""
        records = self._records
        if self._rows_wanted and run.size >= records.size:
            offset = run.offset + (run.count - count) * run.stride
            return records.rows(self._reader.buffer, offset, run.stride, count), records.from_row
        return repeat(None), lambda _: self._read(self._current[self.name][0])

    def _read(self, address):
        """The value of a record that lies in memory."""
        reader, records = self._reader, self._records
        rest = reader.rest(address) if reader else None
        if rest is None:
            raise errors.InvalidArgsException(
                "decode a record of %s: address %#x is not in the record being delivered "
                "(data is valid during the callback only; keep what getMap returns)" % (self.name, address))
        self._rows_wanted = True
        offset = address - reader.base
        if rest >= records.size:
            return records.read(reader.buffer, offset)
        return records.read_all(bytes(reader.buffer[offset:offset + rest]))

    def _open(self):
        _lib.ready()
        if self._reader is None or self._session.number == 0:  # which raises ClosedException
            self._reader = Reader(self._session, self._index)
        return self._reader

    @staticmethod
    def _print_lost(cpu, count):
        print("%slost %d events" % ("cpu%d " % cpu if cpu >= 0 else "", count))
