"""Lines that shells read. Of late 2022: traceUprobes by names, stacks of the process, an event thread."""

import sys

from pylcc.lbcBase import ClbcBase, CeventThread
from pylcc.lbcStack import ClbcUstack

bpfPog = r"""
#include "lbc.h"

struct data_t {
    u32 c_pid;
    u32 stack_id;
    char prompt[16];
};

LBC_PERF_OUTPUT(e_out, struct data_t, 32);
LBC_STACK(call_stack,32);

SEC("uprobe/*")
int call_symbol(struct pt_regs *ctx)
{
    struct data_t data = {};

    data.c_pid = bpf_get_current_pid_tgid() >> 32;
    data.stack_id = bpf_get_stackid(ctx, &call_stack, USER_STACKID_FLAGS);
    bpf_probe_read_user_str(&data.prompt, sizeof(data.prompt), (void *)PT_REGS_PARM1(ctx));
    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class Clines(ClbcBase):
    def __init__(self, fxpr):
        super(Clines, self).__init__("lines", bpf_str=bpfPog, attach=0)
        self.traceUprobes("call_symbol", -1, fxpr)

    def _cb(self, cpu, e):
        stacks = self.maps['call_stack'].getArr(e.stack_id)
        uStack = ClbcUstack(e.c_pid, stacks)
        print("pid %d, prompt %s, %d frames, %s" % (e.c_pid, e.prompt, len(stacks) - self.c2list(stacks).count(0), uStack.dumpStacks()))

    def loop(self):
        CeventThread(self, 'e_out', self._cb)
        sys.stdout.write("ready\n")  # at once: the thread prints too
        self.waitInterrupt()


if __name__ == "__main__":
    Clines(sys.argv[1]).loop()
