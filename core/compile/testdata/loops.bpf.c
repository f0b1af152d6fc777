#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct state { u64 sum; u32 left; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, u32); __type(value, u64); } counts SEC(".maps");

static int step(u32 index, struct state *s)
{
	s->sum += index;
	return --s->left == 0;
}

static long each(struct bpf_map *map, const void *key, void *value, void *ctx)
{
	*(u64 *)ctx += *(u64 *)value;
	return 0;
}

static long with_vma(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	*(u64 *)ctx += vma->vm_end - vma->vm_start;
	return 0;
}

SEC("raw_tp/sys_exit")
int BPF_PROG(on_exit, struct pt_regs *regs, long ret)
{
	struct state s = { 0, 100 };
	struct task_struct *task = bpf_get_current_task_btf();
	int i;

	bpf_loop(1 << 10, step, &s, 0);
	bpf_for_each_map_elem(&counts, each, &s.sum, 0);
	bpf_find_vma(task, PT_REGS_IP_CORE(regs), with_vma, &s.sum, 0);
	for (i = 0; i < 16; i++)
		s.sum += BPF_CORE_READ(task, comm[i]);
	return s.sum;
}

char LICENSE[] SEC("license") = "GPL";
