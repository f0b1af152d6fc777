#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct stat { u64 count, sum; struct { u32 slots[27]; } hist; };
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 512); __type(key, u32); __type(value, struct stat); } stats SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, struct stat); } scratch SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, u64); } begun SEC(".maps");

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 zero = 0, tgid = prev->tgid;
	u64 *ts = bpf_task_storage_get(&begun, next, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct stat *empty = bpf_map_lookup_elem(&scratch, &zero), *s;

	if (!empty || !ts)
		return 0;
	*ts = bpf_ktime_get_ns();
	bpf_map_update_elem(&stats, &tgid, empty, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&stats, &tgid);
	if (s) {
		s->count++;
		s->sum += prev->se.sum_exec_runtime;
		s->hist.slots[bpf_get_prandom_u32() & 15]++;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
