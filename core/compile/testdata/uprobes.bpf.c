#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct line { u32 pid; char text[80]; };
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } lines SEC(".maps");

SEC("uretprobe//bin/bash:readline")
int BPF_URETPROBE(on_readline, const void *ret)
{
	struct line l = { .pid = bpf_get_current_pid_tgid() >> 32 };

	bpf_probe_read_user_str(l.text, sizeof(l.text), ret);
	return bpf_perf_event_output(ctx, &lines, BPF_F_CURRENT_CPU, &l, sizeof(l));
}

SEC("uprobe/libc.so.6:malloc")
int BPF_UPROBE(on_malloc, size_t size) { return size > 1 << 20; }

SEC("uprobe")
int on_fault(struct pt_regs *ctx) { return PT_REGS_SP(ctx) + PT_REGS_RET(ctx) + PT_REGS_FP(ctx); }

SEC("uprobe.multi//usr/lib/libssl.so*:SSL_*")
int BPF_UPROBE(on_ssl, void *ssl, const char *buf, int len) { return bpf_get_func_ip(ctx) + len; }

char LICENSE[] SEC("license") = "GPL";
