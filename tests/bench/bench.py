"""bench.py [GROUP...]: measure and print the table; without a group all of them."""

import importlib
import sys
import tempfile
import time

from harness import Bench

GROUPS = ["conditions", "events", "filled", "latency", "start", "symbols", "tables", "growth"]
HEAD = ["goal", "C", "BCC", "ours", "ours/C", "ours/BCC", "target"]


def main(chosen):
    for name in chosen:
        if name not in GROUPS:
            sys.exit("no such group: %s (there are %s)" % (name, ", ".join(GROUPS)))
    rows = []
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(place)
        for name in chosen or GROUPS:
            begin = time.time()
            rows += importlib.import_module(name).run(bench)
            sys.stderr.write("bench: %s: %.0f s\n" % (name, time.time() - begin))
    if not bench.bcc:
        print("BCC is not installed: apt-get install python3-bpfcc linux-headers-amd64")
    if not bench.peer:
        print("no C program on libbpf was built: apt-get install gcc libbpf-dev")
    print("\n".join(lines(rows)))


def lines(rows):
    """The table in Markdown, aligned."""
    cells = [HEAD] + [row.cells() for row in rows]
    widths = [max(2, *(len(row[i]) for row in cells)) for i in range(len(HEAD))]
    cells.insert(1, ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:6]] + ["-" * widths[6]])
    for row in cells:
        yield "| %s |" % " | ".join(cell.ljust(width) if i in (0, 6) else cell.rjust(width)
                                    for i, (cell, width) in enumerate(zip(row, widths)))


if __name__ == "__main__":
    main(sys.argv[1:])
