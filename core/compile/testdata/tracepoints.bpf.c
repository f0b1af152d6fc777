#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

SEC("tp/raw_syscalls/sys_enter")
int on_enter(struct trace_event_raw_sys_enter *ctx) { return ctx->id + ctx->args[1]; }

SEC("tp/sched/sched_switch")
int on_switch(struct trace_event_raw_sched_switch *ctx) { return ctx->prev_pid + ctx->next_comm[3]; }

SEC("tp/sched/sched_process_fork")
int on_fork(struct trace_event_raw_sched_process_fork *ctx)
{
	return ctx->parent_pid + ctx->child_pid;
}

char LICENSE[] SEC("license") = "GPL";
