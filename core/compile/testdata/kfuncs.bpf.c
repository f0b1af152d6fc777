#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;
extern struct cgroup *bpf_cgroup_from_id(u64 id) __ksym __weak;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
extern const int bpf_prog_active __ksym __weak;
int found;

SEC("tp_btf/task_newtask")
int BPF_PROG(on_new, struct task_struct *task, u64 flags)
{
	struct task_struct *parent;

	if (!bpf_ksym_exists(bpf_task_from_pid) || !(parent = bpf_task_from_pid(task->tgid)))
		return 0;
	found += parent->pid + (flags & 0x100);
	bpf_task_release(parent);
	bpf_rcu_read_lock();
	found += task->real_parent->pid;
	bpf_rcu_read_unlock();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
