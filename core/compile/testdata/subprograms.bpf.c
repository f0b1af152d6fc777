#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct key { u32 pid; u32 slot; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, struct key); __type(value, u64); } sums SEC(".maps");

static __noinline u64 log2_of(u64 v)
{
	u64 r = 0;

	while (v > 1 && r < 63) {
		v >>= 1;
		r++;
	}
	return r;
}

__noinline int weigh(struct task_struct *task, u32 unit)
{
	return BPF_CORE_READ(task, se.load.weight) / (unit ?: 1);
}

__weak int replaceable(int x) { return x + 1; }

static int count(struct task_struct *task, u64 v)
{
	struct key k = { BPF_CORE_READ(task, tgid), log2_of(v) };
	u64 one = weigh(task, 1024), *sum = bpf_map_lookup_elem(&sums, &k);

	if (sum)
		__sync_fetch_and_add(sum, one);
	else
		bpf_map_update_elem(&sums, &k, &one, BPF_ANY);
	return replaceable(one);
}

SEC("kprobe/wake_up_new_task")
int BPF_KPROBE(on_new, struct task_struct *task) { return count(task, BPF_CORE_READ(task, start_boottime)); }

SEC("raw_tp/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task) { return count(task, BPF_CORE_READ(task, utime)); }

char LICENSE[] SEC("license") = "GPL";
