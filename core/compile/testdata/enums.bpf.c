#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

SEC("raw_tp/sys_exit")
int on_exit(void *ctx)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_stack))
		return bpf_core_enum_value(enum pid_type, PIDTYPE_TGID);
	return TASK_COMM_LEN + HRTIMER_NORESTART + BPF_ANY;
}

char LICENSE[] SEC("license") = "GPL";
