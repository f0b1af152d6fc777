"""Count in the kernel how many processes and threads each process makes; print the counts at the end."""

import time

from pylcc.lbcBase import ClbcBase

program = r"""
#include "lbc.h"

LBC_HASH(pid_cnt, u32, u32, 1024);

SEC("kprobe/wake_up_new_task")
int j_wake_up_new_task(struct pt_regs *ctx)
{
    u32 pid = bpf_get_current_pid_tgid() >> 32;
    u32 zero = 0, *count;

    // Two CPUs may be here at once: create the entry if there is none, then add to it atomically.
    bpf_map_update_elem(&pid_cnt, &pid, &zero, BPF_NOEXIST);
    count = bpf_map_lookup_elem(&pid_cnt, &pid);
    if (count)
        __sync_fetch_and_add(count, 1);
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class HashMap(ClbcBase):
    def __init__(self):
        super(HashMap, self).__init__("hashMap", bpf_str=program)

    def loop(self):
        try:
            print("counting; Ctrl-C shows the counts")
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            print(self.maps["pid_cnt"].get())


if __name__ == "__main__":
    HashMap().loop()
