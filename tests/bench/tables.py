"""Reading maps."""

from harness import Row, best, rounds, said

ENTRIES = 100000


def run(bench):
    cases = {"ours": lambda: said(bench, bench.ours("read_maps.py", "ours", str(ENTRIES), "structs", "ints"))}
    if bench.bcc:
        cases["BCC"] = lambda: said(bench, bench.of_bcc("read_maps.py", "bcc", str(ENTRIES), "structs", "ints", "batches"))
    results = rounds(cases)
    structs, ints, batches = (best(results, name, min) for name in ("structs", "ints", "batches"))
    title = "hash of %s, " % "{:,}".format(ENTRIES)
    return [Row(title + "structs of 32 bytes: get(), BCC's items()", "s", None, structs.get("BCC"), structs["ours"], [("BCC", "<=", 0.2)]),
            Row(title + "structs of 32 bytes: get(), BCC's items_lookup_batch()", "s", None, batches.get("BCC"), structs["ours"],
                [("BCC", "<=", 1.3)]),
            Row(title + "ints: get(), BCC's items()", "s", None, ints.get("BCC"), ints["ours"], [("BCC", "<=", 0.1)])]
