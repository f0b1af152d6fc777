"""Writes tests/api/structs.json: a few of the cases of test_generated.py, for the Pythons that hypothesis
does not run on. Run it with pytest's environment, as root or not: python tests/long/record.py."""

import json
import os

import conftest
import test_generated

COUNT = 30
LARGEST = 900  # characters

if __name__ == "__main__":
    cases = [case for case in test_generated.generated(3000) if LARGEST // 2 < len(repr(case)) < LARGEST]
    with open(os.path.join(conftest.TESTS, "api", "structs.json"), "w") as f:
        f.write("[\n%s\n]\n" % ",\n".join(json.dumps(case) for case in cases[::len(cases) // COUNT][:COUNT]))
