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

# As guide/eventOut.py has it, where no kprobe is at hand: it reads the kernel's struct of a task.
BODY = """
struct data_t { u32 c_pid; u32 p_pid; char c_comm[16]; char p_comm[16]; };
@OUTPUT
@PROBE
{
    struct task_struct *task = (struct task_struct *)ctx->args[1];
    struct data_t d = {};

    d.p_pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&d.p_comm, sizeof(d.p_comm));
    @READ
    @SUBMIT
    return 0;
}
"""

OURS = "from pylcc.lbcBase import ClbcBase\nb = ClbcBase('start', bpf_str=r'''%s''')\n" \
    "b.maps['e_out'].open_perf_buffer(lambda *_: None)\n" % shared.ours(BODY, "sched_process_fork").replace(
        "@READ", "d.c_pid = BPF_CORE_READ(task, pid); bpf_core_read(&d.c_comm, sizeof(d.c_comm), &task->comm);") + PEAK

BCC = "from bcc import BPF\nb = BPF(text=r'''#include <linux/sched.h>\n%s''')\n" \
    "b['e_out'].open_perf_buffer(lambda *_: None)\n" % shared.bcc(BODY, "sched_process_fork").replace(
        "@READ", "d.c_pid = task->pid; bpf_probe_read_kernel(&d.c_comm, sizeof(d.c_comm), task->comm);") + PEAK


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
