#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

u64 calls;

SEC("usdt/libc.so.6:libc:setjmp")
int BPF_USDT(on_setjmp, void *buf, int mask, void *pc)
{
	calls += mask + (long)buf + (long)pc;
	return 0;
}

SEC("usdt")
int on_any(struct pt_regs *ctx)
{
	long x;

	if (bpf_usdt_arg(ctx, 0, &x) == 0)
		calls += x + bpf_usdt_arg_cnt(ctx) + bpf_usdt_cookie(ctx);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
