#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define AT_FDCWD -100
struct args { const char *name; int flags; };
struct event { u64 ts; int ret, flags; u32 uid; char comm[TASK_COMM_LEN], name[255]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 10240); __type(key, u32); __type(value, struct args); } start SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, sizeof(u32)); __uint(value_size, sizeof(u32)); } events SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int enter(struct trace_event_raw_sys_enter *ctx)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct args a = { (const char *)ctx->args[1], ctx->args[2] };

	if ((int)ctx->args[0] == AT_FDCWD)
		bpf_map_update_elem(&start, &tid, &a, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int leave(struct trace_event_raw_sys_exit *ctx)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct args *a = bpf_map_lookup_elem(&start, &tid);
	struct event e = { .ts = bpf_ktime_get_boot_ns(), .ret = ctx->ret, .uid = bpf_get_current_uid_gid() };

	if (!a)
		return 0;
	e.flags = a->flags;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	bpf_probe_read_user_str(e.name, sizeof(e.name), a->name);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	bpf_map_delete_elem(&start, &tid);
	return 0;
}

SEC("tracepoint/signal/signal_generate")
int on_signal(struct trace_event_raw_signal_generate *ctx) { return ctx->sig == 9 && ctx->pid == 1 ? ctx->code : ctx->errno; }

SEC("tracepoint/skb/kfree_skb")
int on_free(struct trace_event_raw_kfree_skb *ctx) { return ctx->protocol + (long)ctx->location; }

SEC("tracepoint/sock/inet_sock_set_state")
int on_state(struct trace_event_raw_inet_sock_set_state *ctx) { return ctx->newstate == TCP_CLOSE && ctx->saddr[0] == 127; }

SEC("tracepoint/irq/softirq_entry")
int on_softirq(struct trace_event_raw_softirq *ctx) { return ctx->vec == NET_RX_SOFTIRQ; }

char LICENSE[] SEC("license") = "GPL";
