"""Reading maps."""

from harness import Row, best, rounds, run as output

ENTRIES = 100000


def run(bench):
    cases = {"ours": lambda: read(bench, bench.ours("read_maps.py", "ours", str(ENTRIES)))}
    if bench.bcc:
        cases["BCC"] = lambda: read(bench, bench.of_bcc("read_maps.py", "bcc", str(ENTRIES)))
    results = rounds(cases)
    structs, ints, batches = (best(results, name, min) for name in ("structs", "ints", "batches"))
    title = "hash of %s, " % "{:,}".format(ENTRIES)
    return [Row(title + "structs of 32 bytes: get(), BCC's items()", "s", None, structs.get("BCC"), structs["ours"], [("BCC", "<=", 0.2)]),
            Row(title + "structs of 32 bytes: get(), BCC's items_lookup_batch()", "s", None, batches.get("BCC"), structs["ours"],
                [("BCC", "<=", 1.3)]),
            Row(title + "ints: get(), BCC's items()", "s", None, ints.get("BCC"), ints["ours"], [("BCC", "<=", 0.1)])]


def read(bench, command):
    """{name: seconds}."""
    lines = output(command, cwd=bench.place).splitlines()
    return dict((line.split()[0], float(line.split()[1])) for line in lines if len(line.split()) == 2)
