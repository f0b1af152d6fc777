"""What work costs as it grows. Of each row the note is: what it cost, and how much it was, both as
multiples of the row before."""

import subprocess

from events import SECONDS, c
from harness import Consumer, Row, rounds, said

SIZES = 8, 32, 128, 512, 2048, 8192, 32768
PRODUCERS = 1, 2
MAPS = 1, 2, 4, 8
ENTRIES = 10, 100, 1000, 10000, 100000, 1000000
TYPES = 1, 10, 100, 1000
PROGRAMS = 1, 10, 100, 500
ROUNDS = 2


def run(bench):
    return by_size(bench) + by_producers(bench) + by_maps(bench) + by_entries(bench) + \
        by_load(bench, "types", TYPES, "load, types: %s") + by_load(bench, "programs", PROGRAMS, "load, programs at raw tracepoints: %s")


def series(what, unit, amounts, peers, cost, choose=min):
    """Rows; peers: {who: {amount: [figures]}}; cost(figure, amount): of all the work; choose: of figures."""
    rows, before = [], None
    for amount in amounts:
        figures = dict((who, choose(found[amount])) for who, found in peers.items() if amount in found)
        spent = cost(figures["ours"], amount)
        note = "cost x %.3g, work x %.3g" % (spent / before[0], amount / before[1]) if before else ""
        before = spent, amount
        rows.append(Row(what % "{:,}".format(amount), unit, figures.get("C"), figures.get("BCC"), figures["ours"], note=note))
    return rows


def received(bench, command, producers=1):
    """Events a second."""
    with Consumer(command, bench.place) as consumer:
        running = [subprocess.Popen([bench.producer, "seconds", str(SECONDS), "0"], stdout=subprocess.PIPE) for _ in range(producers)]
        sent = [[int(number) for number in producer.communicate()[0].split()] for producer in running]
        return consumer.settle(sum(calls for calls, _ in sent)).received / max(spent for _, spent in sent) * 1e9


def measured(cases):
    """{who: {amount: [figures]}} of {(who, amount): function}."""
    found = {}
    for (who, amount), figures in rounds(cases, ROUNDS).items():
        found.setdefault(who, {})[amount] = figures
    return found


def by_size(bench):
    cases = {}
    for size in SIZES:
        command = bench.ours("consume.py", str(size))
        bench.compile(str(size))
        cases["ours", size] = lambda command=command: received(bench, command)
        if bench.peer:
            cases["C", size] = lambda size=size: received(bench, c(bench, "size%d" % size))
    return series("events, bytes: %s", "1/s", SIZES, measured(cases), lambda rate, size: 1 / rate, max)


def by_producers(bench):
    bench.compile("record")
    cases = {}
    for amount in PRODUCERS:
        cases["ours", amount] = lambda amount=amount: received(bench, bench.ours("consume.py", "record"), amount)
        if bench.peer:
            cases["C", amount] = lambda amount=amount: received(bench, c(bench, "record"), amount)
    return series("events, producers: %s", "1/s", PRODUCERS, measured(cases), lambda rate, amount: amount / rate, max)


def by_maps(bench):
    cases = dict((("ours", amount), lambda amount=amount: received(bench, bench.ours("consume_maps.py", str(amount)))) for amount in MAPS)
    return series("events, maps with a thread each: %s", "1/s", MAPS, measured(cases), lambda rate, amount: 1 / rate, max)


def by_entries(bench):
    cases = {}
    for amount in ENTRIES:
        cases["ours", amount] = lambda amount=amount: said(bench, bench.ours("read_maps.py", "ours", str(amount), "structs"))["structs"] * 1e3
        if bench.bcc:
            cases["BCC", amount] = lambda amount=amount: said(bench, bench.of_bcc("read_maps.py", "bcc", str(amount), "batches"))["batches"] * 1e3
    return series("hash, entries: %s, get(), BCC's items_lookup_batch()", "ms", ENTRIES, measured(cases), lambda spent, amount: spent)


def by_load(bench, kind, amounts, what, times=ROUNDS, before=()):
    """Rows of load_object.py, behind the command before."""
    command = list(before) + bench.ours("load_object.py", kind, ",".join(str(amount) for amount in amounts), *[bench.peer] if bench.peer else [])
    results = [said(bench, command) for _ in range(times)]
    rows = []
    for ours, peer in (("cold", None), ("warm", "C" if bench.peer else None)):
        if "%s_%d" % (ours, amounts[0]) not in results[0]:
            continue
        peers = dict((who, dict((amount, [figures["%s_%d" % (name, amount)] * 1e3 for figures in results]) for amount in amounts))
                     for who, name in (("ours", ours), ("C", peer)) if name)
        rows += series(what + ", " + ours, "ms", amounts, peers, lambda spent, amount: spent)
    return rows
