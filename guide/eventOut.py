"""Send a C struct to Python for every process or thread that is made."""

from pylcc.lbcBase import ClbcBase

program = r"""
#include "lbc.h"
#define TASK_COMM_LEN 16

struct data_t {
    u32 c_pid;
    u32 p_pid;
    char c_comm[TASK_COMM_LEN];
    char p_comm[TASK_COMM_LEN];
};

LBC_PERF_OUTPUT(e_out, struct data_t, 128);

SEC("kprobe/wake_up_new_task")
int j_wake_up_new_task(struct pt_regs *ctx)
{
    struct task_struct *task = (struct task_struct *)PT_REGS_PARM1(ctx);
    struct data_t data = {};

    data.c_pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&data.c_comm, TASK_COMM_LEN);
    data.p_pid = BPF_CORE_READ(task, pid);
    bpf_core_read(&data.p_comm[0], TASK_COMM_LEN, &task->comm[0]);

    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class EventOut(ClbcBase):
    def __init__(self):
        super(EventOut, self).__init__("eventOut", bpf_str=program)

    def _cb(self, cpu, data, size):
        e = self.getMap("e_out", data, size)
        print("current pid: %d, comm: %s. new task pid: %d, comm: %s" % (e.c_pid, e.c_comm, e.p_pid, e.p_comm))

    def loop(self):
        self.maps["e_out"].open_perf_buffer(self._cb)
        try:
            self.maps["e_out"].perf_buffer_poll()
        except KeyboardInterrupt:
            print("bye")


if __name__ == "__main__":
    EventOut().loop()
