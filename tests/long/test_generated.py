"""The decoder against the compiler: generated types, laid out and filled by it, read by the installed package."""

import os

from hypothesis import HealthCheck, Phase, given, settings

import structs
from strategies import cases

COUNT = int(os.environ.get("LBC_TEST_STRUCTS") or 5000)
BATCH = 250


def generated(count):
    """That many different cases."""
    made = {}

    @settings(max_examples=2 * count, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(cases)
    def make(case):
        if len(made) < count:
            made[repr(case)] = case

    make()
    assert len(made) == count
    return list(made.values())


def test_every_member_reads_as_it_was_set(tmpdir):
    made = generated(COUNT)
    for first in range(0, len(made), BATCH):
        batch = made[first:first + BATCH]
        found = structs.check(tmpdir, batch)
        assert not found, "\n".join(found[:10]) + "\n" + structs.source([batch[int(found[0].split("case")[1].split(".")[0])]])
