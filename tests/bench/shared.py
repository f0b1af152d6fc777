"""What the measured scripts share, on each Python: BPF programs, the same text for BCC, and what is
told to the bench."""

import platform
import resource
import signal
import subprocess
import sys
import time

clock = getattr(time, "perf_counter", time.time)

FILLS = 30
GETPPID = {"x86_64": 110, "aarch64": 173}[platform.machine()]

LICENSE = 'char _license[] SEC("license") = "GPL";\n'

FILTER = """
    char comm[16];

    if (ctx->args[1] != GETPPID)
        return 0;
    bpf_get_current_comm(&comm, sizeof(comm));
    if (__builtin_memcmp(comm, "producer", 8))
        return 0;
""".replace("GETPPID", str(GETPPID))

SEND = """
@OUTPUT
@PROBE
{
    struct data_t d = {};
""" + FILTER + """
    d.ts = bpf_ktime_get_ns();
    d.pid = bpf_get_current_pid_tgid() >> 32;
    __builtin_memcpy(d.comm, comm, sizeof(comm));
    @SUBMIT
    return 0;
}
"""

RECORD = """
struct data_t { u64 ts; u32 pid; u32 nr; char comm[16]; };
""" + SEND

# 19 members, 288 bytes, of which the first are the same.
WIDE = """
struct data_t {
    u64 ts; u32 pid; u32 nr; char comm[16]; u32 tid; u32 uid; u32 gid; u32 cpu;
    u64 start; u64 end; u64 bytes; u64 offset; u64 inode; u64 device; u64 flags; u64 cookie;
    char parent[16]; char path[128]; char arguments[32];
};
""" + SEND


def sized(size):
    """Records of so many bytes, of which only the first eight are set."""
    return "struct data_t { u64 ts; %s };\n" % ("char rest[%d];" % (size - 8) if size > 8 else "") + \
        "@OUTPUT\nLBC_PERCPU_ARRAY(scratch, u32, struct data_t, 1);\n@PROBE\n{\n    u32 zero = 0;\n    struct data_t *d;\n" + FILTER + """
    d = bpf_map_lookup_elem(&scratch, &zero);
    if (!d)
        return 0;
    d->ts = bpf_ktime_get_ns();
    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, d, sizeof(*d));
    return 0;
}
"""


def of_maps(amount):
    """The same record to so many maps in turn."""
    head, _, body = RECORD.partition("@OUTPUT")
    outputs = "\n".join("LBC_PERF_OUTPUT(e_out%d, struct data_t, 128);" % i for i in range(amount))
    submits = "".join("case %d: bpf_perf_event_output(ctx, &e_out%d, BPF_F_CURRENT_CPU, &d, sizeof(d)); break;\n" % (i, i)
                      for i in range(amount))
    return head + outputs + "\nu32 number;\n" + body.replace("@SUBMIT", "switch (number++ %% %d) {\n%s}" % (amount, submits))


def ours(body, tracepoint="sys_enter"):
    """The text of a program for coolbpf."""
    return '#include "lbc.h"\n' + body.replace(
        "@OUTPUT", "LBC_PERF_OUTPUT(e_out, struct data_t, 128);").replace(
        "@PROBE", 'SEC("raw_tracepoint/%s") int probe(struct bpf_raw_tracepoint_args *ctx)' % tracepoint).replace(
        "@SUBMIT", "bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &d, sizeof(d));") + \
        LICENSE


def bcc(body, tracepoint="sys_enter"):
    """The same for BCC."""
    return body.replace("@OUTPUT", "BPF_PERF_OUTPUT(e_out);").replace(
        "@PROBE", "RAW_TRACEPOINT_PROBE(%s)" % tracepoint).replace(
        "@SUBMIT", "e_out.perf_submit(ctx, &d, sizeof(d));")


def used():
    """(CPU seconds, peak KiB) of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def say(*words):
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


class Consumer(object):
    """A script that receives events: loop() polls for ever, once() takes what is there."""

    def __init__(self):
        self.received = self.lost = 0
        self.delays = []

    def main(self, how="loop", producer="", records="0"):
        """loop: say "ready"; for each SIGUSR1, what was received so far: RECEIVED LOST CPU_SECONDS
        PEAK_KIB MEDIAN MAX, the last two of the nanoseconds after which lone events came. fill: say
        how many nanoseconds it takes for each of so many records in the ring."""
        if how == "fill":
            say(min(self._fill(producer, int(records)) for _ in range(FILLS)))
            return
        signal.signal(signal.SIGUSR1, self._report)
        say("ready")
        self.loop()

    def _report(self, *_):
        delays = sorted(self.delays) or [0]
        say(self.received, self.lost, *used() + (delays[len(delays) // 2], delays[-1]))

    def _fill(self, producer, records):
        before = self.received
        subprocess.check_output([producer, "calls", str(records), "0"])
        begin = clock()
        self.once()
        spent = clock() - begin
        if self.received - before != records:
            sys.exit("received %d, lost %d, sent %d" % (self.received - before, self.lost, records))
        return spent / records * 1e9
