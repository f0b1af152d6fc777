"""From process start to a program attached, and peak memory."""

import os
import subprocess
import time

from harness import Row, best, environment, rounds
import shared

# The largest process counts: ours compiles in a child, BCC in Python.
PEAK = """
import resource, sys
sys.stdout.write("%d\\n" % max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
sys.stdout.flush()
"""

OURS = "from pylcc.lbcBase import ClbcBase\nb = ClbcBase('start', bpf_str=r'''%s''')\n" \
    "b.maps['e_out'].open_perf_buffer(lambda *_: None)\n" % shared.ours(shared.RECORD) + PEAK

BCC = "from bcc import BPF\nb = BPF(text=r'''%s''')\n" \
    "b['e_out'].open_perf_buffer(lambda *_: None)\n" % shared.bcc(shared.RECORD) + PEAK


def run(bench):
    def cold():
        artefact = os.path.join(bench.place, "start.so")
        if os.path.exists(artefact):
            os.remove(artefact)
        return once(bench, bench.python, OURS)

    cases = {"cold": cold, "warm": lambda: once(bench, bench.python, OURS)}
    if bench.bcc:
        cases["BCC"] = lambda: once(bench, bench.bcc, BCC)
    seconds, peak = (best(rounds(cases, 5), figure, min) for figure in ("seconds", "peak"))
    return [Row("start to attached, cold", "s", None, seconds.get("BCC"), seconds["cold"], [("BCC", "<=", 0.2)]),
            Row("start to attached, warm", "s", None, seconds.get("BCC"), seconds["warm"], [("BCC", "<=", 0.12)]),
            Row("peak memory, cold", "MiB", None, peak.get("BCC"), peak["cold"], [("BCC", "<=", 0.3)]),
            Row("peak memory, warm", "MiB", None, peak.get("BCC"), peak["warm"], [("BCC", "<=", 0.3)])]


def once(bench, python, script):
    """Figures of a fresh process."""
    start = time.time()
    child = subprocess.Popen([python, "-c", script], cwd=bench.place, env=environment(), stdout=subprocess.PIPE)
    peak = [line for line in iter(child.stdout.readline, b"") if line.strip().isdigit()]
    seconds = time.time() - start
    if child.wait() != 0 or not peak:
        raise SystemExit("the measured script failed")
    return {"seconds": seconds, "peak": int(peak[-1]) / 1024.0}
