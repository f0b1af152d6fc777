"""From process start to a program attached, and peak memory: ours beside BCC's, as ratios.

start.py PYTHON BCC_PYTHON BCC_HEADERS: PYTHON has the wheel; the other two are empty where BCC is
not installed. Each figure is the best of ROUNDS, interleaved, in one run."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

ROUNDS = 7

# The largest process counts: ours compiles in a child, BCC in Python.
PEAK = """
import resource, sys
sys.stdout.write("%d\\n" % max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
sys.stdout.flush()
"""

BODY = """
struct data_t { u32 pid; char comm[16]; };
OUTPUT
PROBE
{
    struct data_t d = {};
    d.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&d.comm, sizeof(d.comm));
    SEND
    return 0;
}
"""

OURS = "from pylcc.lbcBase import ClbcBase\nb = ClbcBase('bench', bpf_str=r'''%s''')\n" % (
    '#include "lbc.h"' + BODY + 'char _license[] SEC("license") = "GPL";\n').replace(
    "OUTPUT", "LBC_PERF_OUTPUT(e_out, struct data_t, 128);").replace(
    "PROBE", 'SEC("raw_tracepoint/sched_process_fork") int f(void *ctx)').replace(
    "SEND", "bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &d, sizeof(d));") + \
    "b.maps['e_out'].open_perf_buffer(lambda *_: None)\n" + PEAK

BCC = "from bcc import BPF\nb = BPF(text=r'''%s''')\n" % BODY.replace(
    "OUTPUT", "BPF_PERF_OUTPUT(e_out);").replace(
    "PROBE", "RAW_TRACEPOINT_PROBE(sched_process_fork)").replace(
    "SEND", "e_out.perf_submit(ctx, &d, sizeof(d));") + \
    "b['e_out'].open_perf_buffer(lambda *_: None)\n" + PEAK


def once(python, script, place, env):
    """(seconds until attached, peak KiB) of one fresh process."""
    start = time.time()
    child = subprocess.Popen([python, "-c", script], cwd=place, env=dict(os.environ, **env), stdout=subprocess.PIPE)
    peak = [line for line in iter(child.stdout.readline, b"") if line.strip().isdigit()]
    seconds = time.time() - start
    if child.wait() != 0 or not peak:
        sys.exit("the measured script failed")
    return seconds, int(peak[-1])


def main(python, bcc_python, bcc_headers):
    place = tempfile.mkdtemp()
    figures = {"ours, cold": [], "ours, warm": [], "BCC": []}
    try:
        for _ in range(ROUNDS):
            if os.path.exists(os.path.join(place, "bench.so")):
                os.remove(os.path.join(place, "bench.so"))
            figures["ours, cold"].append(once(python, OURS, place, {}))
            figures["ours, warm"].append(once(python, OURS, place, {}))
            if bcc_python:
                figures["BCC"].append(once(bcc_python, BCC, place, {"BCC_KERNEL_SOURCE": bcc_headers}))
    finally:
        shutil.rmtree(place)
    best = dict((name, (min(s for s, _ in runs), min(kib for _, kib in runs))) for name, runs in figures.items() if runs)
    print("%-12s %10s %10s %10s %10s" % ("", "attached s", "of BCC's", "peak MiB", "of BCC's"))
    for name in sorted(best):
        seconds, kib = best[name]
        against = ["%.2f" % (seconds / best["BCC"][0]), "%.2f" % (kib / float(best["BCC"][1]))] if "BCC" in best else ["-"] * 2
        print("%-12s %10.3f %10s %10.1f %10s" % (name, seconds, against[0], kib / 1024.0, against[1]))
    if "BCC" not in best:
        print("BCC is not installed: apt-get install python3-bpfcc linux-headers-amd64")


if __name__ == "__main__":
    main(*sys.argv[1:4])
