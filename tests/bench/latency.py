"""How long a lone event takes, what waiting for it costs, and whether memory stays flat."""

import random
import time

from events import c
from harness import Consumer, ROUNDS, Row, rounds

LONE, APART = 30, (0.02, 0.1)  # how many, and seconds between them
IDLE_SECONDS = 5
FLAT_SECONDS = 8
TIMES = max(1, ROUNDS - 1)  # each takes seconds


def run(bench):
    bench.compile("record")
    commands = {"C": c(bench, "record", False) if bench.peer else None,
                "BCC": bench.of_bcc("consume_bcc.py", "lone") if bench.bcc else None,
                "ours": bench.ours("consume.py", "lone")}
    commands = dict((who, command) for who, command in commands.items() if command)
    delays = rounds(dict((who, lambda command=command: lone(bench, command)) for who, command in commands.items()), TIMES)
    median, longest = ([min(report[i] for report in delays[who]) / 1e6 if who in delays else None for who in ("C", "BCC", "ours")]
                       for i in range(2))
    costs = idle(bench, commands)
    records, growth = flat(bench)
    return [Row("lone event, median of %d, C woken for each" % LONE, "ms", *median, targets=[(None, "<=", 1)]),
            Row("lone event, longest of %d, C woken for each" % LONE, "ms", *longest, targets=[(None, "<=", 1)]),
            Row("idle polling, C woken for each", "% of a core", *[costs.get(who) for who in ("C", "BCC", "ours")],
                targets=[(None, "<=", 0.3)]),
            Row("memory grown over %.1f million events" % (records / 1e6), "MiB", ours=growth, targets=[(None, "<=", 1)])]


def lone(bench, command):
    """(median, longest) of the nanoseconds from the program to the callback."""
    with Consumer(command, bench.place) as consumer:
        for _ in range(LONE):
            time.sleep(random.uniform(*APART))
            bench.produce("calls", 1)
        report = consumer.settle(LONE)
        if report.received != LONE:
            raise SystemExit("received %d lone events of %d" % (report.received, LONE))
        return report.median, report.longest


def idle(bench, commands):
    """{who: percent of a core}, all at the same time: they have nothing to do."""
    consumers = dict((who, Consumer(command, bench.place)) for who, command in commands.items())
    least = {}
    for _ in range(TIMES):
        before = dict((who, consumer.ask()) for who, consumer in consumers.items())
        time.sleep(IDLE_SECONDS)
        for who, consumer in consumers.items():
            cost = (consumer.ask().cpu - before[who].cpu) / IDLE_SECONDS * 100
            least[who] = min(cost, least.get(who, cost))
    for consumer in consumers.values():
        consumer.end()
    return least


def flat(bench):
    """(records, MiB that they made it grow by)."""
    with Consumer(bench.ours("consume.py", "record"), bench.place) as consumer:
        bench.produce("seconds", 1)
        before = consumer.ask()
        bench.produce("seconds", FLAT_SECONDS)
        after = consumer.ask()
        return after.received - before.received, (after.peak - before.peak) / 1024.0
