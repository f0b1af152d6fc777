"""How long a process stays on a CPU. Of early 2022: a tracepoint's own struct, arrays by getKeyValue."""

import sys
import time

from pylcc.lbcBase import ClbcBase

SLOTS = 8

bpfProg = r"""
#include "lbc.h"

LBC_ARRAY(slots, int, u64, 8);
LBC_HIST10(hist10);
LBC_HASH(start, u32, u64, 256 * 1024);  //record ns

static inline void addSlot(int k) {
    u64 *pv = bpf_map_lookup_elem(&slots, &k);
    if (pv) {
        __sync_fetch_and_add(pv, 1);
    }
}

static inline void sort(u64 us) {
    if (us < 1) {
        addSlot(0);
    } else if (us < 10) {
        addSlot(1);
    } else if (us < 100) {
        addSlot(2);
    } else if (us < 1000) {
        addSlot(3);
    } else if (us < 10000) {
        addSlot(4);
    } else if (us < 100000) {
        addSlot(5);
    } else if (us < 1000000) {
        addSlot(6);
    } else {
        addSlot(7);
    }
}

struct sched_switch_args {
    u16 type;
    u8  flag;
    u8  preempt;
    u32 c_pid;
    char prev_comm[16];
    u32 prev_pid;
    u32 prev_prio;
    u64 prev_state;
    char next_comm[16];
    u32 next_pid;
    u32 next_prio;
};
SEC("tracepoint/sched/sched_switch")
int sched_switch_hook(struct sched_switch_args *args){
    u64 ts = bpf_ktime_get_ns();
    u64 *pv;
    u32 prev = args->prev_pid;
    u32 next = args->next_pid;

    if (next == TARGET)
        bpf_map_update_elem(&start, &next, &ts, BPF_ANY);
    pv = bpf_map_lookup_elem(&start, &prev);
    if (pv && ts > *pv) {
        hist10_push(&hist10, (ts - *pv) / 1000);
        sort((ts - *pv) / 1000);
    }
}

char _license[] SEC("license") = "GPL";
"""


class ConCpu(ClbcBase):
    def __init__(self, target):
        super(ConCpu, self).__init__("oncpu", bpf_str=bpfProg.replace("TARGET", target))
        self._rec = [0] * SLOTS
        print("ready")

    def _get(self):
        a = []
        for i in range(SLOTS):
            a.append(self.maps['slots'].getKeyValue(i))
        return a

    def proc(self):
        g = self._get()
        res = []
        for i in range(SLOTS):
            res.append(g[i] - self._rec[i])
        self._rec = g
        return res


if __name__ == "__main__":
    dist = ConCpu(sys.argv[1])
    while True:
        try:
            time.sleep(0.2)
            print(dist.proc())
        except KeyboardInterrupt:
            print(dist.maps['hist10'].get())
            dist.maps['hist10'].showHist("microseconds:")
            exit()
