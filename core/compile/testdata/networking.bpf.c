#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

SEC("tc")
int classify(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk = skb->sk;

	if (skb->protocol == bpf_htons(0x86dd) || !sk)
		return 0;
	tuple.ipv4.dport = skb->remote_port;
	return tuple.ipv4.dport + sk->state + skb->cb[2];
}

SEC("cgroup/connect4")
int connect(struct bpf_sock_addr *ctx) { return ctx->user_port != bpf_htons(22) && ctx->type == SOCK_STREAM; }

SEC("sockops")
int operations(struct bpf_sock_ops *ctx) { return ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB && ctx->args[1]; }

char LICENSE[] SEC("license") = "GPL";
