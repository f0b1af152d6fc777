"""Calls of sync(). Of December 2022: c2str on every text; the C is indented, and sloppy."""

from __future__ import print_function

import sys

from pylcc.lbcBase import ClbcBase

bpfPog = """
    #include "lbc.h"
    struct data_t {
        u64 ts;
        u32 pid;
        char comm[16];
    };
    LBC_PERF_OUTPUT(e_out, struct data_t, 128);
    SEC("tracepoint/syscalls/sys_enter_sync")
    int trace_enter_sync(struct syscalls_enter_sync_args *ctx)
    {
        struct data_t data = {};
        data.ts = bpf_ktime_get_ns() / 1000;
        data.pid = bpf_get_current_pid_tgid() >> 32;
        bpf_get_current_comm(&data.comm, sizeof(data.comm));
        bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    };
    char _license[] SEC("license") = "GPL";
"""


class Csyncs(ClbcBase):
    def __init__(self):
        super(Csyncs, self).__init__("syncs", bpf_str=bpfPog)

    def _cb(self, cpu, data, size):
        event = self.maps['e_out'].event(data)
        print("%-18.9f %d %s sync()" % (float(event.ts) / 1000000, event.pid, self.c2str(event.comm)))
        sys.stdout.flush()

    def loop(self):
        self.maps['e_out'].open_perf_buffer(self._cb)
        print("ready")
        try:
            self.maps['e_out'].perf_buffer_poll()
        except KeyboardInterrupt:
            print("key interrupt.")
            exit()


if __name__ == "__main__":
    Csyncs().loop()
