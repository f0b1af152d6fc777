"""Recorded cases of the generated structs in tests/long, for every Python."""

import json
import os

import structs


def test_recorded_structs(tmpdir):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "structs.json")) as f:
        cases = json.load(f)
    assert len(cases) == 30 and structs.check(tmpdir, cases) == []


def test_a_difference_would_be_seen(tmpdir):
    """The check itself: a value that is not what the program has."""
    t = {"kind": "struct", "name": "", "attributes": "", "members": [["m0", False, "", {"kind": "bits", "c": "int", "width": 3}]]}
    case = {"type": t, "value": {"m0": 2}}
    with structs.load(tmpdir, structs.source([case]), attach=0) as lbc:
        assert list(structs.differences(t, {"m0": 3}, lbc.maps[".data"][0].case0, "case0")) == [
            "case0.m0 is 2, not 3 ({'kind': 'bits', 'c': 'int', 'width': 3})"] or str is bytes
