"""Files that a process opens. Of 2022: getMap in the callback, one hash of structs between entry and return."""

import argparse

from pylcc.lbcBase import ClbcBase

bpfPog = r"""
#include "lbc.h"
#define TASK_COMM_LEN 16
#define NAME_LEN 64

struct open_t {
    u64 begin;
    u64 end;
    u32 pid;
    int fd;
    char comm[TASK_COMM_LEN];
    char name[NAME_LEN];
};

LBC_HASH(entered, u32, struct open_t, 1024);
LBC_PERF_OUTPUT(opens, struct open_t, 128);

SEC("kprobe/do_sys_openat2")
int on_entry(struct pt_regs *ctx)
{
    struct open_t open = {};
    u32 thread = bpf_get_current_pid_tgid();

    open.pid = bpf_get_current_pid_tgid() >> 32;
    PID_FILTER
    open.begin = bpf_ktime_get_ns();
    bpf_get_current_comm(&open.comm, TASK_COMM_LEN);
    bpf_probe_read_user_str(&open.name, sizeof(open.name), (void *)PT_REGS_PARM2(ctx));
    bpf_map_update_elem(&entered, &thread, &open, BPF_ANY);
    return 0;
}

SEC("kretprobe/do_sys_openat2")
int on_return(struct pt_regs *ctx)
{
    u32 thread = bpf_get_current_pid_tgid();
    struct open_t open = {}, *entry = bpf_map_lookup_elem(&entered, &thread);

    if (entry == 0) {
        return 0;
    }
    open = *entry;
    open.fd = ctx->ax;
    open.end = bpf_ktime_get_ns();
    bpf_map_delete_elem(&entered, &thread);
    bpf_perf_event_output(ctx, &opens, BPF_F_CURRENT_CPU, &open, sizeof(open));
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class Copened(ClbcBase):
    def __init__(self, args):
        super(Copened, self).__init__("opened", bpf_str=bpfPog)
        self.args = args

    def _cb(self, cpu, data, size):
        e = self.getMap('opens', data, size)
        if self.args.comm and self.args.comm not in e.comm:
            return
        print("%-8d %-16s %4d %10.1f %s" % (e.pid, e.comm, e.fd, (int(e.end) - int(e.begin)) / 1000.0, e.name))

    def loop(self):
        self.maps['opens'].open_perf_buffer(self._cb)
        print("%-8s %-16s %4s %10s %s" % ("PID", "COMM", "FD", "US", "FILE"))
        try:
            self.maps['opens'].perf_buffer_poll()
        except KeyboardInterrupt:
            print("key interrupt.")
            exit()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Trace open() of files.")
    parser.add_argument("-p", "--pid")
    parser.add_argument("-c", "--comm")
    args = parser.parse_args()
    bpfPog = bpfPog.replace("PID_FILTER", "if (open.pid != %s) { return 0; }" % args.pid if args.pid else "")
    Copened(args).loop()
