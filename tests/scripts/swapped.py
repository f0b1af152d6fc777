"""Pages that come back from swap, by process. Of 2022: items of a struct in a hash, clear()."""

import sys
from time import sleep, strftime

from pylcc.lbcBase import ClbcBase

bpfPog = r"""
#include "lbc.h"
#define TASK_COMM_LEN 16
struct key_t {
    u64 count;
    char comm[TASK_COMM_LEN];
};

LBC_HASH(counts,u32, struct key_t, 1024);
SEC("kprobe/READ_PAGE")
int j_read_page(struct pt_regs *ctx)
{
    u64 *val, cnt;
    u32 tgid = bpf_get_current_pid_tgid() >> 32;
    struct key_t key;
    bpf_get_current_comm(&key.comm, sizeof(key.comm));
    val =  bpf_map_lookup_elem(&counts, &tgid);
    cnt  = val ? *val + 1 : 1;
    key.count = cnt;
    bpf_map_update_elem(&counts, &tgid, &key, BPF_ANY);
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class Cswapped(ClbcBase):
    def __init__(self, function):
        super(Cswapped, self).__init__("swapped", bpf_str=bpfPog.replace("READ_PAGE", function))

    def loop(self):
        print("ready")
        while 1:
            try:
                sleep(0.2)
                print(strftime("%H:%M:%S"))
                dMap = self.maps['counts']
                dict = dMap.get()
                for k, v in sorted(dict.items(), key=lambda counts: counts[1]['count']):
                    print("%-16s %-7d %d" % (v['comm'], k, v['count']))
                dMap.clear()
            except KeyboardInterrupt:
                print("Detaching...")
                exit()


if __name__ == "__main__":
    Cswapped(sys.argv[1]).loop()
