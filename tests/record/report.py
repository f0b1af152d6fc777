"""report.py FILE DIRECTORY...: write what the directories of a test run recorded as docs/compatibility.md.

Exit status 1 when a name was not called, or nothing was asserted after it."""

import json
import os
import sys

from recording import names

HEAD = """# Compatibility

Every published name that scripts use, as `make test` recorded it; written by that, not by hand. A test of the
installed package called the name on a real kernel, from outside the package, and it did what it was to do; the number is that of the lines
with an assertion that passed after the call. Where several tests call it, one of them is named.
"""

ROOMS = ("scripts/", "kprobe/", "api/")  # the tests that are most like a user's script come first


def best(found):
    """(test, assertions): the same whatever the kernels and the order of the run."""
    most = {}
    for test, assertions in found:
        most[test] = max(assertions, most.get(test, 0))
    proven = [test for test in most if most[test]] or list(most)
    test = min(proven, key=lambda t: ([i for i, room in enumerate(ROOMS) if t.startswith(room)] or [9], t))
    return test, most[test]


def main(file, *directories):
    found = {}
    for directory in directories:
        with open(os.path.join(directory, "calls.json")) as f:
            for name, test, assertions in json.load(f):
                found.setdefault(name, []).append((test.partition("[")[0], assertions))
    lines, missing, section = [HEAD], [], None
    for module, name, kind in names():
        if module != section:
            section = module
            lines.append("\n## %s\n\n| name | called by | assertions after |\n| --- | --- | --- |\n" % module)
        test, assertions = best(found.get("%s %s" % (module, name), [("**not called**", 0)]))
        if not assertions:
            missing.append("%s.%s" % (module, name))
        lines.append("| `%s` | %s | %d |\n" % (name, test, assertions))
    with open(file, "w") as f:
        f.write("".join(lines))
    print("%s: %d names, %d of them not shown to work%s" % (file, len(names()), len(missing), "".join("\n  " + m for m in missing)))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
