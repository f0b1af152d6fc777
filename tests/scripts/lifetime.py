# -*- coding: utf-8 -*-
"""How long files lived. Of 2021: string_at and event() of bytes, a pointer as the key of a hash."""

import ctypes as ct
import sys

from pylcc.lbcBase import ClbcBase

bpfProg = r"""
#include "lbc.h"
#define TASK_COMM_LEN 16
#define DNAME_INLINE_LEN 32

struct data_t {
    u32 pid;
    u64 delta;
    char comm[TASK_COMM_LEN];
    char fname[DNAME_INLINE_LEN];
};

LBC_HASH(birth, struct dentry *, u64, 1024);
LBC_PERF_OUTPUT(events, struct data_t, 128);

SEC("kprobe/security_inode_create")
int j_created(struct pt_regs *ctx)
{
    struct dentry *dentry = (struct dentry *)PT_REGS_PARM2(ctx);
    u64 now = bpf_ktime_get_ns();

    if (bpf_get_current_pid_tgid() >> 32 == FILTER)
        bpf_map_update_elem(&birth, &dentry, &now, BPF_ANY);
    return 0;
};

SEC("kprobe/security_inode_unlink")
int j_unlinked(struct pt_regs *ctx)
{
    struct dentry *dentry = (struct dentry *)PT_REGS_PARM2(ctx);
    struct data_t data = {};
    u64 *born = bpf_map_lookup_elem(&birth, &dentry);
    struct qstr d_name;

    if (born == 0)
        return 0;
    d_name = BPF_CORE_READ(dentry, d_name);
    if (d_name.len == 0)
        return 0;
    data.pid = bpf_get_current_pid_tgid() >> 32;
    data.delta = (bpf_ktime_get_ns() - *born) / 1000000;
    bpf_get_current_comm(&data.comm, sizeof(data.comm));
    bpf_probe_read_kernel(&data.fname, sizeof(data.fname), d_name.name);
    bpf_map_delete_elem(&birth, &dentry);
    bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
char _license[] SEC("license") = "GPL";
"""


class CfileLife(ClbcBase):
    def __init__(self):
        super(CfileLife, self).__init__("lifetime", bpf_str=bpfProg)

    def _cb(self, cpu, data, size):
        stream = ct.string_at(data, size)
        e = self.maps['events'].event(stream)
        print("%d %s %d %s, %d alive" % (e.pid, e.comm, e.delta, e.fname, len(self.maps['birth'].getKeys())))

    def loop(self):
        self.maps['events'].open_perf_buffer(self._cb)
        print("ready")
        try:
            self.maps['events'].perf_buffer_poll()
        except KeyboardInterrupt:
            print("key interrupt.")
            exit()


if __name__ == "__main__":
    bpfProg = bpfProg.replace("FILTER", sys.argv[1])
    CfileLife().loop()
