#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct task_struct___o { volatile long int state; } __attribute__((preserve_access_index));
struct task_struct___x { unsigned int __state; } __attribute__((preserve_access_index));
const volatile bool per_ns = false;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 10240); __type(key, u32); __type(value, u64); } start SEC(".maps");

static __always_inline s64 state_of(void *task)
{
	struct task_struct___x *t = task;

	if (bpf_core_field_exists(t->__state))
		return BPF_CORE_READ(t, __state);
	return BPF_CORE_READ((struct task_struct___o *)task, state);
}

static u32 ns_of(struct task_struct *task)
{
	u32 level;
	struct upid upid;
	struct pid *pid = BPF_CORE_READ(task, thread_pid);

	level = BPF_CORE_READ(pid, level);
	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	return BPF_CORE_READ(upid.ns, ns.inum) + BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *p)
{
	u64 ts = bpf_ktime_get_ns();
	u32 pid = p->pid;

	return pid ? bpf_map_update_elem(&start, &pid, &ts, 0) : 0;
}

SEC("raw_tp/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 pid = BPF_CORE_READ(next, pid);
	u64 *ts = bpf_map_lookup_elem(&start, &pid);

	if (ts && state_of(prev) == 0 && per_ns)
		return ns_of(next) + BPF_CORE_READ(next, cgroups, dfl_cgrp, kn, id);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
