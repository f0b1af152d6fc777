"""Round trips of TCP as a histogram. Of late 2022: hist2_push, showHist on Ctrl-C."""

import sys

from pylcc.lbcBase import ClbcBase

bpfPog = r"""
#include "lbc.h"

LBC_HIST2(rtt);

SEC("kprobe/tcp_rcv_established")
int on_segment(struct pt_regs *ctx)
{
    struct sock *sk = (struct sock *)PT_REGS_PARM1(ctx);
    struct tcp_sock *ts = (struct tcp_sock *)sk;
    u32 srtt = 0;
    u16 sport = 0;

    bpf_probe_read_kernel(&srtt, sizeof(srtt), (void *)&ts->srtt_us);
    bpf_probe_read_kernel(&sport, sizeof(sport), (void *)&sk->__sk_common.skc_num);
    if (sport != LPORT)
        return 0;
    hist2_push(&rtt, srtt >> 3);
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class CroundTrip(ClbcBase):
    def __init__(self, port):
        super(CroundTrip, self).__init__("roundtrip", bpf_str=bpfPog.replace("LPORT", port))
        print("ready")

    def _show(self):
        try:
            self.maps['rtt'].showHist("microseconds:")
        except ValueError:
            print("nothing was counted.")
        print(self.maps['rtt'].get())

    def loop(self):
        self.waitInterrupt(self._show)


if __name__ == "__main__":
    CroundTrip(sys.argv[1]).loop()
