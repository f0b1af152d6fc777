"""Events end to end: one process calls getppid in a loop, an other receives a record for each call."""

from harness import Consumer, Row, rounds

SECONDS = 0.25
# What C's consumer got when the goals were set. A producer at full speed sends more than Python takes.
RATE = 1.75e6
PACED, FULL = "%.2f M/s sent" % (RATE / 1e6), "full speed"
WATERMARK = 64 << 10  # bytes after which the C program wakes up


def run(bench):
    bench.compile("record")
    bench.compile("wide")
    bare = untraced(bench, 0)
    work = pace(bench, bare)
    results = rounds(cases(bench, {PACED: work, FULL: 0}))
    rows = table(bench, results, PACED, untraced(bench, work)) + table(bench, results, FULL, bare)
    missing = sum(figures["missing"] for name in results if name[0] == "ours" for speeds in results[name] for figures in speeds.values())
    return rows + [Row("events sent, but neither received nor counted as lost", "all runs", ours=missing, targets=[(None, "<=", 0)])]


def cases(bench, works):
    """{(who, kind, python): function}; works: {speed: the producer's}."""
    def case(command, speeds=(PACED, FULL)):
        def measured():
            with Consumer(command, bench.place) as consumer:
                return dict((speed, measure(bench, consumer, works[speed])) for speed in speeds)
        return measured

    found = {}
    if bench.peer:
        found["C", "record"] = case(c(bench, "record"))
        found["C", "each"] = case(c(bench, "record", False))
        found["C", "wide"] = case(c(bench, "wide"))
    if bench.bcc:
        found["BCC", "record"] = case(bench.of_bcc("consume_bcc.py", "record"))
    for version, python in bench.pythons.items():
        speeds = (PACED, FULL) if version == bench.main else (PACED,)
        found["ours", "record", version] = case(bench.ours("consume.py", "record", python=python), speeds)
    for kind in ("old", "wide"):
        found["ours", kind, bench.main] = case(bench.ours("consume.py", kind))
    return found


def c(bench, kind, watermark=True):
    """The command of the C program."""
    return [bench.peer, "%s/%s.so" % (bench.place, kind), str(WATERMARK if watermark else 0)]


def measure(bench, consumer, work, front=()):
    """Figures of one run of the producer; front: words in front of its command."""
    before = consumer.ask()
    calls, spent = bench.produce("seconds", SECONDS, work, front)
    after = consumer.settle(before.received + before.lost + calls)
    received, lost, seconds = (now - then for now, then in zip(after[:3], before[:3]))
    return {"rate": received / spent * 1e9, "lost": 100.0 * lost / calls, "call": spent / calls,
            "cpu": seconds / max(received, 1) * 1e6, "missing": calls - received - lost,
            "memory": (after.peak - before.peak) * 1024 / max(received, 1)}


def untraced(bench, work):
    """Nanoseconds from call to call of a producer that nobody traces."""
    return min(spent / calls for calls, spent in (bench.produce("seconds", SECONDS, work) for _ in range(3)))


def pace(bench, bare):
    """How many steps of work bring the traced producer down to RATE."""
    step = (untraced(bench, 1000) - bare) / 1000
    if not bench.peer:
        return int((1e9 / RATE - 2 * bare) / step)
    with Consumer(c(bench, "record"), bench.place) as consumer:
        traced = min(measure(bench, consumer, 0)["call"] for _ in range(3))
    return max(1, int((1e9 / RATE - traced) / step))


def table(bench, results, speed, bare):
    """Rows of one speed of the producer; bare: ns from call to call untraced."""
    best = dict((name, merge([speeds[speed] for speeds in results[name]], bare)) for name in results if speed in results[name][0])

    def row(what, unit, figure, kind="record", version=bench.main, targets=(), c=None):
        c, bcc, own = (best.get(name) for name in (("C", c or kind), ("BCC", kind), ("ours", kind, version)))
        return Row("%s, %s" % (what, speed), unit, *[found and found[figure] for found in (c, bcc, own)], targets=targets)

    rows = []
    for version in bench.pythons:
        if ("ours", "record", version) in best:
            bound = 0.6 if version.startswith("2.") else 0.95 if version == "3.11" else 0.75
            targets = [("C", ">=", bound)] + ([("BCC", ">=", 14)] if version == bench.main else [])
            rows.append(row("events, Python " + version, "1/s", "rate", version=version, targets=targets))
    return rows + [
        row("events, string_at and event(bytes)", "1/s", "rate", "old", targets=[("C", ">=", 0.65)], c="record"),
        row("events, 19 members in 288 bytes", "1/s", "rate", "wide", targets=[("C", ">=", 0.5)]),
        row("events, C woken for each", "1/s", "rate", c="each"),
        row("events lost", "%", "lost"),
        row("traced loop slowed", "times", "slowed", targets=[("C", "<=", 1)]),
        row("CPU of the consumer per event", "us", "cpu")]


def merge(results, bare):
    """The best of several runs: the highest rate with its losses, the least of each cost."""
    fastest = max(results, key=lambda result: result["rate"])
    return dict(fastest, slowed=min(r["call"] for r in results) / bare, cpu=min(r["cpu"] for r in results))
