"""New tasks, found by programs that are attached by calls. Of June 2022: attach=0, sections that name nothing."""

import time

from pylcc.lbcBase import ClbcBase

bpfPog = r"""
#include "lbc.h"

LBC_HASH(entered, u32, u32, 1024);
LBC_HASH(returned, u32, u32, 1024);

SEC("kprobe/*")
int j_clone(struct pt_regs *ctx)
{
    struct task_struct* task = (struct task_struct *)PT_REGS_PARM1(ctx);
    u32 parent = bpf_get_current_pid_tgid() >> 32, child = _(task->tgid);

    bpf_map_update_elem(&entered, &child, &parent, BPF_ANY);
    return 0;
}

SEC("kretprobe/*")
int r_clone(struct pt_regs *ctx)
{
    u32 parent = bpf_get_current_pid_tgid() >> 32, child = PT_REGS_RC(ctx);

    bpf_map_update_elem(&returned, &child, &parent, BPF_ANY);
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class Cattached(ClbcBase):
    def __init__(self):
        super(Cattached, self).__init__("attached", bpf_str=bpfPog, attach=0)
        self.attachKprobe("j_clone", "wake_up_new_task")
        self.attachKretprobe("r_clone", "kernel_clone")
        print("ready")
        while True:
            time.sleep(0.2)
            for name in ("entered", "returned"):
                for child, parent in self.maps[name].get().items():
                    print("%s: %d makes %d" % (name, parent, child))
                self.maps[name].clear()


if __name__ == "__main__":
    Cattached()
