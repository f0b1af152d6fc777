#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define DEPTH 127
struct key { u32 pid; int user, kernel; char name[TASK_COMM_LEN]; };
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(max_entries, 1024); __uint(key_size, 4); __uint(value_size, DEPTH * sizeof(u64)); } stacks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } counters SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 10240); __type(key, struct key); __type(value, u64); } counts SEC(".maps");

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	struct bpf_perf_event_value v = {};
	struct key k = { .pid = bpf_get_current_pid_tgid() >> 32 };
	u64 one = ctx->sample_period, *n;

	bpf_perf_event_read_value(&counters, BPF_F_CURRENT_CPU, &v, sizeof(v));
	bpf_perf_prog_read_value(ctx, &v, sizeof(v));
	bpf_get_current_comm(k.name, sizeof(k.name));
	k.kernel = bpf_get_stackid(&ctx->regs, &stacks, 0);
	k.user = bpf_get_stackid(&ctx->regs, &stacks, BPF_F_USER_STACK);
	one += v.enabled - v.running + PT_REGS_IP(&ctx->regs);
	n = bpf_map_lookup_elem(&counts, &k);
	if (n)
		*n += one;
	else
		bpf_map_update_elem(&counts, &k, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
