"""Events end to end where something is in the way: an other thread, all that is kept, one CPU for all."""

from events import PACED, c, measure, pace, untraced
from harness import Consumer, Row, rounds

ONE_CPU = ["taskset", "-c", "0"]


def run(bench):
    bench.compile("record")
    work = pace(bench, untraced(bench, 0))

    def case(command, front=()):
        def measured():
            with Consumer(list(front) + command, bench.place) as consumer:
                return measure(bench, consumer, work, front)
        return measured

    cases = dict((("ours", kind), case(bench.ours("consume.py", kind))) for kind in ("record", "busy", "kept"))
    cases["ours", "one"] = case(bench.ours("consume.py", "record"), ONE_CPU)
    if bench.peer:
        cases["C", "record"], cases["C", "one"] = case(c(bench, "record")), case(c(bench, "record"), ONE_CPU)
    best = dict((name, max(results, key=lambda result: result["rate"])) for name, results in rounds(cases).items())

    def row(what, unit, figure, kind, peer="record"):
        theirs, own = best.get(("C", peer)), best["ours", kind]
        return Row("%s, %s" % (what, PACED), unit, theirs and theirs[figure], None, own[figure])

    return [
        row("an other thread of Python computes: events", "1/s", "rate", "busy"),
        row("an other thread of Python computes: lost", "%", "lost", "busy"),
        row("each event is kept: events", "1/s", "rate", "kept"),
        Row("each event is kept: memory", "bytes an event", ours=best["ours", "kept"]["memory"]),
        row("all on one CPU: events", "1/s", "rate", "one", "one"),
        row("all on one CPU: lost", "%", "lost", "one", "one")]
