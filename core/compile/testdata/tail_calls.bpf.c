#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

int one(struct pt_regs *ctx), two(struct pt_regs *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(u32));
	__array(values, int(struct pt_regs *));
} steps SEC(".maps") = { .values = { one, two } };
u64 taken[3];

SEC("kprobe") int one(struct pt_regs *ctx)
{
	taken[1]++;
	bpf_tail_call(ctx, &steps, 1);
	return 0;
}

SEC("kprobe") int two(struct pt_regs *ctx)
{
	taken[2] += PT_REGS_PARM2(ctx);
	return 0;
}

SEC("kprobe/do_sys_openat2") int start(struct pt_regs *ctx)
{
	bpf_tail_call_static(ctx, &steps, 0);
	taken[0]++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
