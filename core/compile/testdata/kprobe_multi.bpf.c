#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

u64 hits, last_ip, cookie;

SEC("kprobe.multi/tcp_v?_*")
int BPF_KPROBE(on_any, struct sock *sk)
{
	hits++;
	last_ip = bpf_get_func_ip(ctx);
	cookie = bpf_get_attach_cookie(ctx);
	return BPF_CORE_READ(sk, sk_rcvbuf);
}

SEC("kretprobe.multi/vfs_*")
int BPF_KRETPROBE(on_return, long ret) { return ret < 0; }

SEC("kprobe.session/ksys_*")
int on_session(struct pt_regs *ctx) { return 0; }

char LICENSE[] SEC("license") = "GPL";
