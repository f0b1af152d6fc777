"""Sockets that are bound. Of late 2022: pieces of C put together, bitfields, a hash counted in by a function of its own."""

import argparse

from pylcc.lbcBase import ClbcBase

pieces = {
    'count': r"""
        u64 k = ((u64)sport << 32) | BPF_CORE_READ(psock, __sk_common.skc_rcv_saddr);
        add_one(&counts, k);""",
    'trace': r"""
        struct bind_t data = {.pid = pid, .ip = 4};
        data.saddr = BPF_CORE_READ(pinetsock, inet_saddr);
        data.return_code = ret;
        data.sport = sport;
        data.options = opts.data;
        data.protocol = BPF_CORE_READ_BITFIELD_PROBED(psock, sk_protocol);
        bpf_get_current_comm(&data.task, sizeof(data.task));
        bpf_perf_event_output(ctx, &binds, BPF_F_CURRENT_CPU, &data, sizeof(data));""",
}

bpfProg = r"""
#include "lbc.h"

#define TASK_COMM_LEN 16

LBC_HASH(currsock, u32, void *, 1024);

union bind_options {
    u8 data;
    struct {
        u8 freebind:1;
        u8 transparent:1;
        u8 bind_address_no_port:1;
        u8 reuseaddress:1;
        u8 reuseport:1;
    } fields;
};

struct bind_t {
    u32 pid;
    u64 ip;
    u32 saddr;
    int return_code;
    u16 sport;
    u8 options;
    u8 protocol;
    char task[TASK_COMM_LEN];
};
LBC_PERF_OUTPUT(binds, struct bind_t, 128);
LBC_HASH(counts, u64, u32, 1 * 1024);

static inline void add_one(struct bpf_map_def *maps, u64 k) {
    u32 one = 1, *pv = bpf_map_lookup_elem(maps, &k);
    if (pv) {
        __sync_fetch_and_add(pv, 1);
    } else {
        bpf_map_update_elem(maps, &k, &one, BPF_NOEXIST);
    }
}

SEC("kprobe/inet_bind")
int j_inet_bind(struct pt_regs *ctx) {
    u32 tid = bpf_get_current_pid_tgid();
    struct socket *psocket = (struct socket *)PT_REGS_PARM1(ctx);

    bpf_map_update_elem(&currsock, &tid, &psocket, BPF_ANY);
    return 0;
}

SEC("kretprobe/inet_bind")
int r_inet_bind(struct pt_regs *ctx) {
    int ret = PT_REGS_RC(ctx);
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    u32 tid = bpf_get_current_pid_tgid();
    struct socket **ppsocket = (struct socket **)bpf_map_lookup_elem(&currsock, &tid);
    union bind_options opts = {0};
    u16 sport;

    if (ppsocket == NULL)
        return 0;
    struct sock *psock = BPF_CORE_READ(*ppsocket, sk);
    struct inet_sock *pinetsock = (struct inet_sock *)psock;
    bpf_map_delete_elem(&currsock, &tid);
    FILTER_PID
    FILTER_ERRORS
    sport = BPF_CORE_READ(pinetsock, inet_sport);
    sport = ntohs(sport);
    opts.fields.reuseaddress = BPF_CORE_READ_BITFIELD_PROBED(pinetsock, sk.__sk_common.skc_reuse) & 0x01;
    opts.fields.reuseport = BPF_CORE_READ_BITFIELD_PROBED(pinetsock, sk.__sk_common.skc_reuseport);
    IPV4_CODE
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class Cbinds(ClbcBase):
    def __init__(self, prog):
        super(Cbinds, self).__init__("binds", bpf_str=prog)

    def _cb(self, cpu, data, size):
        e = self.getMap('binds', data, size)
        print("%d %s %d %d %d %d" % (e.pid, e.task, e.options, e.protocol, e.sport, e.return_code))

    def loop(self):
        self.maps['binds'].open_perf_buffer(self._cb)
        print("ready")
        try:
            self.maps['binds'].perf_buffer_poll()
        except KeyboardInterrupt:
            print("key interrupt.")
            exit()

    def _showMaps(self):
        print(self.maps['counts'].get())

    def loopCount(self):
        print("ready")
        self.waitInterrupt(self._showMaps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Trace bind().")
    parser.add_argument("-p", "--pid")
    parser.add_argument("-E", "--errors", action="store_true")
    parser.add_argument("--count", action="store_true")
    args = parser.parse_args()
    prog = bpfProg.replace("IPV4_CODE", pieces['count' if args.count else 'trace'])
    prog = prog.replace("FILTER_PID", "if (pid != %s) { return 0; }" % args.pid if args.pid else "")
    prog = prog.replace("FILTER_ERRORS", "" if args.errors else "if (ret != 0) { return 0; }")
    app = Cbinds(prog)
    if args.count:
        app.loopCount()
    else:
        app.loop()
