"""offsets.py DIRECTORY [no-compiler] - load DIRECTORY/offsets.so, built first where a compiler may be
used, and say in JSON where the kernel has task_struct.tgid and what is read from there."""

import contextlib
import io
import json
import os
import shutil
import sys

import pylcc
from pylcc.lbcBase import ClbcBase

SOURCE = r"""
#include "lbc.h"
struct data_t {
    u32 maker;
    u32 offset;
    u32 by_macro;
    u32 by_core_read;
};
LBC_PERF_OUTPUT(e_out, struct data_t, 128);
SEC("kprobe/wake_up_new_task")
int probe(struct pt_regs *ctx)
{
    struct task_struct *task = (struct task_struct *)PT_REGS_PARM1(ctx);
    struct data_t data = {};

    data.maker = bpf_get_current_pid_tgid() >> 32;
    data.offset = bpf_core_field_offset(task->tgid);
    data.by_macro = _(task->tgid);
    data.by_core_read = BPF_CORE_READ(task, tgid);
    bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
    return 0;
}
char _license[] SEC("license") = "GPL";
"""


def main(directory, no_compiler=None):
    if no_compiler:
        # In a guest this lasts as long as the guest does.
        native = os.path.join(os.path.dirname(pylcc.__file__), "native")
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(native, "bpf-clang"))
        shutil.rmtree(os.path.join(native, "include"))
        os.environ["PATH"] = "/nonexistent"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        lbc = ClbcBase("offsets", bpf_str=SOURCE, workPath=directory)
    with lbc:
        got = []
        lbc.maps["e_out"].open_perf_buffer(lambda cpu, data, size: got.append(lbc.getMap("e_out", data, size)))
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        for _ in range(100):
            lbc.maps["e_out"].perf_buffer_poll(timeout=100)
            # Not of a thread, which the runtime of Go makes when it likes.
            event = next((e for e in got if e.maker == os.getpid() and (e.by_macro, e.by_core_read) != (e.maker, e.maker)), None)
            if event:
                break
    print(json.dumps({"pid": child, "offset": event.offset, "by_macro": event.by_macro, "by_core_read": event.by_core_read,
                      "compiled": "local compile success." in said.getvalue()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
