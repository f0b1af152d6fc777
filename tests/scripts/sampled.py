"""Where the kernel spends its time. Of late 2022: a perf event on every CPU, stacks by getKStacks."""

import sys
import time

from surftrace.surfElf import CelfKsym
from pylcc.lbcBase import ClbcBase
from pylcc.perfEvent import *
from pylcc.lbcStack import getKStacks

bpfPog = r"""
#include "lbc.h"

#define STACK_COUNT 4096
LBC_HASH(calls, u32, u64, STACK_COUNT);
LBC_STACK(call_stack, STACK_COUNT);

static inline void add_hash(struct bpf_map_def* maps, u32 k, u64 v) {
    u64 *pv = bpf_map_lookup_elem(maps, &k);
    if (pv) {
        __sync_fetch_and_add(pv, v);
    }
    else {
        bpf_map_update_elem(maps, &k, &v, BPF_NOEXIST);
    }
}

SEC("perf_event")
int trace_stack(struct bpf_perf_event_data *ctx) {
    int id;

    if (bpf_get_current_pid_tgid() >> 32 != TARGET)
        return 0;
    id = bpf_get_stackid(ctx, &call_stack, KERN_STACKID_FLAGS);
    if (id > 0) {
        add_hash(&calls, id, 1);
    }
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class Csampled(ClbcBase):
    def __init__(self, target):
        super(Csampled, self).__init__("sampled", bpf_str=bpfPog.replace("TARGET", target))
        self._ksym = CelfKsym()

    def loop(self):
        pfConfig = {
            "sample_freq": 200,
            "freq": 1,
            "type": PerfType.SOFTWARE,
            "config": PerfSwIds.CPU_CLOCK,
        }
        self.attachAllCpuPerf("trace_stack", pfConfig)
        print("ready")
        while True:
            time.sleep(0.2)
            for k, v in self.maps['calls'].getThenClear().items():
                syms = getKStacks(self.maps['call_stack'], k, self._ksym)
                print("%d %s" % (v, " ".join(sym.encode().decode() for sym in syms[::-1])))


if __name__ == "__main__":
    Csampled(sys.argv[1]).loop()
