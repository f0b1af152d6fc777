"""Who is killed when memory is short, and who else is woken. Of 2021: threads that get a map each, a queue between."""

import ctypes as ct
import sys
import time
from threading import Thread

from pylcc.lbcBase import ClbcBase

if sys.version_info[0] > 2:
    from queue import Queue, Empty, Full
else:
    from Queue import Queue, Empty, Full

bpfPog = r"""
#include "lbc.h"
#define TASK_COMM_LEN 16
struct oom_t {
    u32 fpid;
    u32 tpid;
    u64 pages;
    char fcomm[TASK_COMM_LEN];
    char tcomm[TASK_COMM_LEN];
};
struct task_t {
    u32 pid;
    char task[TASK_COMM_LEN];
};

LBC_PERF_OUTPUT(oom_out, struct oom_t, 128);
LBC_PERF_OUTPUT(exit_out, struct task_t, 128);

SEC("kprobe/oom_kill_process")
int j_oom_kill_process(struct pt_regs *ctx)
{
    struct oom_control *oc = (struct oom_control *)PT_REGS_PARM1(ctx);
    struct task_struct *chosen;
    struct oom_t data = {};

    bpf_core_read(&chosen, sizeof(chosen), &oc->chosen);
    data.fpid = bpf_get_current_pid_tgid() >> 32;
    data.tpid = BPF_CORE_READ(chosen, tgid);
    bpf_core_read(&data.pages, sizeof(data.pages), &oc->totalpages);
    bpf_get_current_comm(&data.fcomm, TASK_COMM_LEN);
    bpf_core_read(&data.tcomm[0], TASK_COMM_LEN, &chosen->comm[0]);
    bpf_perf_event_output(ctx, &oom_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

SEC("kprobe/do_exit")
int j_do_exit(struct pt_regs *ctx)
{
    struct task_t data = {};

    data.pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(&data.task, TASK_COMM_LEN);
    bpf_perf_event_output(ctx, &exit_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}

char _license[] SEC("license") = "GPL";
"""


class CmapThread(Thread):
    def __init__(self, e, q):
        super(CmapThread, self).__init__()
        self.daemon = True
        self._q = q
        self._e = e
        self.opened = False
        self.start()

    def _callback(self, cpu, data, size):
        stream = ct.string_at(data, size)
        try:
            self._q.put(self._log(self._e.event(stream)), block=False)
        except Full:
            pass

    def run(self):
        self._e.open_perf_buffer(self._callback)
        self.opened = True
        self._e.perf_buffer_poll()


class CoomThread(CmapThread):
    def _log(self, n):
        return "triggered by %d (%s), kills %d (%s), %d pages" % (n.fpid, n.fcomm, n.tpid, n.tcomm, n.pages)


class CexitThread(CmapThread):
    def _log(self, n):
        return "exit %d (%s)" % (n.pid, n.task)


class Ckilled(ClbcBase):
    def __init__(self):
        super(Ckilled, self).__init__("killed", bpf_str=bpfPog)
        self.__q = Queue()
        self.__q.maxsize = 1000
        self._threads = [CoomThread(self.maps['oom_out'], self.__q), CexitThread(self.maps['exit_out'], self.__q)]

    def loop(self):
        while not all(t.opened for t in self._threads):
            time.sleep(0.01)
        print("ready")
        while True:
            try:
                print(self.__q.get(timeout=0.2))
            except Empty:
                pass


if __name__ == "__main__":
    Ckilled().loop()
