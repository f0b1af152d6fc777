"""Who writes to an address. Of 2023: a hardware breakpoint, an event thread, values that outlive it."""

import json
import sys

from pylcc.lbcBase import ClbcBase, CeventThread
from pylcc.perfEvent import *

bpfPog = r"""
#include "lbc.h"
struct data_t {
    int pid;
    u64 ts;
    u64 addr;
    u64 value;
    char comm[16];
};

LBC_PERF_OUTPUT(e_out, struct data_t, 128);

SEC("perf_event")
int bpf_prog(struct bpf_perf_event_data *ctx)
{
    struct data_t data = {};
    u64* addr = (u64*)(ctx->addr);

    data.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&data.comm, 16);
    data.ts = bpf_ktime_get_ns();
    data.addr = ctx->addr;
    data.value = _(*addr);
    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class Cwatched(ClbcBase):
    def __init__(self, pid, addr):
        super(Cwatched, self).__init__("watched", bpf_str=bpfPog)
        self._arr = []
        pfConfig = {
            "type": PerfType.BREAKPOINT,
            "size": PERF_ATTR_SIZE_VER5,
            "sample_period": 1,
            "precise_ip": 2,
            "wakeup_events": 1,
            "bp_type": PerfBreakPointType.W,
            "bp_addr": addr,
            "bp_len": 8,
        }
        self.attachPerfEvent("bpf_prog", pfConfig, pid=pid, flags=PerfFlag.FD_CLOEXEC)

    def _cb(self, cpu, e):
        self._arr.append(e)
        print("cpu %d, pid %d, comm %s sets 0x%x to %d" % (cpu, e.pid, e.comm, e.addr, e.value))

    def _cbExit(self):
        print(json.dumps([{"name": str(e.value), "tid": "%s:%d" % (e.comm, e.pid), "ts": e.ts} for e in self._arr]))

    def loop(self):
        CeventThread(self, 'e_out', self._cb)
        sys.stdout.write("ready\n")  # at once: the thread prints too
        self.waitInterrupt(self._cbExit)


if __name__ == "__main__":
    Cwatched(int(sys.argv[1]), int(sys.argv[2], 16)).loop()
