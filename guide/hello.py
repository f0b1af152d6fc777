"""Print a line into the kernel's trace for every process or thread that is made.

    python hello.py            and, in another terminal:
    cat /sys/kernel/tracing/trace_pipe
"""

import time

from pylcc.lbcBase import ClbcBase

program = r"""
#include "lbc.h"

SEC("kprobe/wake_up_new_task")
int j_wake_up_new_task(struct pt_regs *ctx)
{
    struct task_struct *task = (struct task_struct *)PT_REGS_PARM1(ctx);

    bpf_printk("hello lcc, new task: %d\n", _(task->pid));
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class Hello(ClbcBase):
    def __init__(self):
        super(Hello, self).__init__("hello", bpf_str=program)

    def loop(self):
        try:
            print("running; Ctrl-C ends it")
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            print("bye")


if __name__ == "__main__":
    Hello().loop()
