"""Batches with numpy: what tests/api/test_batches.py has without it."""

import os
import subprocess
import sys

import numpy
import pytest

from programs import KINDS, NUMBERS, RING, cpus, load, on_cpu
from pylcc import _lib, errors
from pylcc._batch import Batch
from pylcc._decode import Types
from pylcc._events import Run
from pylcc._records import Records
from test_batches import SHORT, gather


def call(times):
    on_cpu(cpus()[0], lambda: [os.getppid() for _ in range(times)])


def test_it_is_not_imported_before_it_is_asked_for():
    subprocess.check_call([sys.executable, "-c", "import sys, pylcc.lbcBase, pylcc.lbcMaps; sys.exit('numpy' in sys.modules)"])


def test_columns_have_what_the_values_have(tmpdir):
    with load(tmpdir, KINDS) as lbc:
        out = lbc.maps["out"]
        out.batches(0)
        call(300)
        batches = gather(out, 300)
        assert numpy.concatenate([batch.array for batch in batches])["number"].tolist() == list(range(300))
        for batch in batches:
            values = list(batch)
            assert batch.array.dtype == out.dtype and out.dtype.itemsize == 96 and len(batch.array) == len(batch)
            for name in ("number", "minus", "octets", "color", "where", "low", "high", "yes", "x"):
                assert batch[name].tolist() == [e[name] for e in values]
            assert batch["f"].tolist() == [e.f for e in values] and batch["f"].dtype == "f4"
            assert batch["word"].tolist() == [e.word.encode() for e in values] and out.dtype["word"] == "S12"
            assert batch["letter"].tolist() == [e.letter.encode() for e in values]
            assert batch["names"].tolist() == [[name.encode() for name in e.names] for e in values]
            assert batch["inner"]["b"].tolist() == [e.inner.b for e in values]
            assert batch["pair"]["b"].tolist() == [[inner.b for inner in e.pair] for e in values]
            assert batch["high"].dtype == "i4" and "high" not in out.dtype.names
            assert [int.from_bytes(wide.tobytes(), sys.byteorder) for wide in batch["wide"]] == [e.wide for e in values]


def test_where_nothing_came_but_a_loss():
    """What the kernel tells at last, with no record behind it; and bitfields over nine bytes."""
    fields = [{"name": "low", "type": 1, "bit_offset": 0, "bit_size": 7}, {"name": "wide", "type": 1, "bit_offset": 7, "bit_size": 64},
              {"name": "high", "type": 2, "bit_offset": 71, "bit_size": 9}]
    types = Types([{"kind": "struct", "name": "s", "size": 10, "members": fields}] +
                  [{"kind": "int", "name": "u64", "size": 8, "signed": signed} for signed in (False, True)])
    records = Records(types[0])

    def batch(count, data):
        run = Run(_lib.Run(lost=3, count=count, size=12 * (count > 0), stride=16 * (count > 0)), 0)
        return Batch(run, count, data, records)

    empty = batch(0, b"")
    assert len(empty) == 0 and empty.lost == 3 and len(empty.array) == 0 and empty["wide"].tolist() == list(empty) == []
    whole = batch(1000, os.urandom(16000))
    for name in ("low", "wide", "high"):
        assert whole[name].tolist() == [e[name] for e in whole]
    assert min(whole["high"]) < 0 < max(whole["high"])


def test_an_array_is_a_view_that_stays(tmpdir):
    with load(tmpdir, KINDS) as lbc:
        out, kept = lbc.maps["out"], []
        out.batches(0)
        for _ in range(5):
            call(100)
            kept += [(batch.array, batch["number"].tolist()) for batch in gather(out, 100)]
            assert numpy.shares_memory(kept[-1][0], kept[-1][0]["word"])
    assert [number for _, numbers in kept for number in numbers] == list(range(500))
    for array, numbers in kept:
        assert array["number"].tolist() == numbers
        with pytest.raises(ValueError):
            array["number"][0] = 1


def test_records_that_are_no_structs(tmpdir):
    with load(tmpdir, NUMBERS) as lbc:
        out = lbc.maps["out"]
        out.batches(0)
        call(20)
        assert [number for batch in gather(out, 20) for number in batch.array.tolist()] == list(range(20)) and out.dtype == "u8"


def test_records_of_a_ring_buffer(tmpdir):
    with load(tmpdir, RING) as lbc:
        typed, plain = lbc.maps["typed"], lbc.maps["plain"]
        typed.batches(0), plain.batches(0)
        call(20)
        assert [number for batch in gather(typed, 20) for number in batch["number"].tolist()] == list(range(20))
        for make in (lambda: gather(plain, 20)[0].array, lambda: plain.dtype):
            with pytest.raises(errors.InvalidArgsException):
                make()


def test_records_of_other_sizes_than_their_type(tmpdir):
    with load(tmpdir, SHORT) as lbc:
        texts, longs = lbc.maps["texts"], lbc.maps["longs"]
        texts.batches(0), longs.batches(0)
        call(1)
        batch, short = gather(texts, 1)[0], gather(longs, 1)[0]
        assert batch.array.tolist() == [(0, 12)] and batch["text"] == ["eleven char"]
        assert short["number"] == [0] and short["word"] == [None]
        with pytest.raises(errors.InvalidArgsException) as raised:
            short.array
        assert "long_t has 24" in str(raised.value)
