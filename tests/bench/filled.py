"""The consumer alone: nanoseconds for each record of a ring that was filled before."""

from events import c
from harness import Row, rounds, run as output


RECORDS, WIDE_RECORDS = 4000, 700  # which fit into a ring of 256 KiB


def run(bench):
    bench.compile("record")
    bench.compile("wide")
    best = dict((name, min(times)) for name, times in rounds(cases(bench)).items())
    rows = []

    def add(what, kind, version, targets=()):
        own = best.get(("ours", kind, version))
        peer = "wide" if kind == "wide" else "record"
        if own is not None:
            rows.append(Row("filled ring, " + what, "ns a record", best.get(("C", peer)), best.get(("BCC", kind)), own, targets))

    for version in bench.pythons:
        add("Python " + version, "record", version)
    add("a callback that only counts", "count", bench.main)
    add("a callback that counts and calls getMap", "get", bench.main)
    add("string_at and event(bytes)", "old", bench.main)
    add("19 members in 288 bytes", "wide", bench.main)
    add("columns without numpy", "lists", bench.main)
    add("columns of numpy", "columns", bench.main)
    if ("ours", "columns", bench.main) in best:
        faster = best["ours", "record", bench.main] / best["ours", "columns", bench.main]
        rows.append(Row("filled ring, columns of numpy beside getMap", "times as fast", ours=faster, targets=[(None, ">=", 10)]))
    return rows


def cases(bench):
    """{(who, kind, python): function}."""
    def case(command, kind="record"):
        command += [bench.producer, str(WIDE_RECORDS if kind == "wide" else RECORDS)]
        return lambda: float(output(command, cwd=bench.place).split()[-1])

    found = {}
    if bench.peer:
        for kind in ("record", "wide"):
            found["C", kind] = case(c(bench, kind), kind)
    if bench.bcc:
        found["BCC", "record"] = case(bench.of_bcc("consume_bcc.py", "record", "fill"))
    for version, python in bench.pythons.items():
        found["ours", "record", version] = case(bench.ours("consume.py", "record", "fill", python=python))
    kinds = ["count", "get", "old", "wide"]
    if bench.has("pylcc._batch"):
        kinds += ["lists"] + ["columns"] * bench.has("numpy")
    for kind in kinds:
        found["ours", kind, bench.main] = case(bench.ours("consume.py", kind, "fill"), kind)
    return found
