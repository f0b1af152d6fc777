"""bench.py [GROUP...]: measure and print the table. Without a group all of them, and what was printed
is written into docs/performance.md."""

import datetime
import importlib
import os
import platform
import re
import subprocess
import sys
import tempfile
import time

from harness import ROOT, Bench, run

GOALS = ["events", "conditions", "filled", "latency", "start", "symbols", "tables"]
GROWTH = ["growth", "kprobes"]
PAGE = os.path.join(ROOT, "docs", "performance.md")
BEGIN, END = "<!-- written by make bench -->\n", "<!-- end of what make bench writes -->\n"


def main(chosen):
    for name in chosen:
        if name not in GOALS + GROWTH:
            sys.exit("no such group: %s (there are %s)" % (name, ", ".join(GOALS + GROWTH)))
    begin = time.time()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(place)
        goals, growth = ([row for name in names if name in (chosen or names) for row in measured(bench, name)] for names in (GOALS, GROWTH))
    text = ["\n".join(table(rows, last)) for rows, last in ((goals, "target"), (growth, "growth")) if rows]
    if not bench.bcc:
        text.append("BCC was not there to be measured: apt-get install python3-bpfcc linux-headers-amd64")
    if not bench.peer:
        text.append("No C program was there to be measured: apt-get install gcc libbpf-dev")
    if not chosen:
        text.insert(0, "\n".join("- " + fact for fact in facts(bench, time.time() - begin)))
        write("\n\n".join(text))
    print("\n\n".join(text))


def measured(bench, name):
    """The rows of a group; it says how long they took."""
    begin = time.time()
    rows = importlib.import_module(name).run(bench)
    sys.stderr.write("bench: %s: %.0f s\n" % (name, time.time() - begin))
    return rows


def table(rows, last):
    """It in Markdown, aligned."""
    cells = [["what", "C", "BCC", "ours", "ours/C", "ours/BCC", last]] + [row.cells() for row in rows]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(cells[0]))]
    cells.insert(1, ["-" * width if i in (0, 6) else "-" * (width - 1) + ":" for i, width in enumerate(widths)])
    for row in cells:
        yield "| %s |" % " | ".join(cell.ljust(width) if i in (0, 6) else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths)))


def facts(bench, seconds):
    with open("/proc/cpuinfo") as f:
        model = re.search("model name\\s*: (.*)|$", f.read()).group(1) or platform.machine()
    yield "%s, %d CPUs, Linux %s" % (model, os.cpu_count(), platform.release().split("-")[0])
    versions = [run([path, "-c", VERSION % path.startswith("/usr/bin/")]).strip() for path in bench.pythons.values()]
    yield "Python %s%s" % (", ".join(versions), " (* built without optimizations)" if "*" in "".join(versions) else "")
    if bench.bcc:
        yield "BCC %s on Python %s" % (run([bench.bcc, "-c", "import bcc; print(bcc.__version__)"]).strip(), bench.main)
    if bench.peer:
        yield "C: libbpf %s, %s" % (run([bench.peer]).strip(), run(["gcc", "--version"]).splitlines()[0])
    yield "%s, in %.0f s" % (datetime.date.today(), seconds)


VERSION = """import platform, sysconfig
plain = not %s and "--enable-optimizations" not in sysconfig.get_config_var("CONFIG_ARGS")
print(platform.python_version() + "*" * plain)"""


def write(text):
    """Put it between the marks in the page; what else is there was written by hand."""
    with open(PAGE) as f:
        head, _, rest = f.read().partition(BEGIN)
    _, _, tail = rest.partition(END)
    with open(PAGE, "w") as f:
        f.write(head + BEGIN + "\n" + text + "\n\n" + END + tail)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as e:
        sys.exit("bench: %s: exit status %d" % (" ".join(e.cmd), e.returncode))
