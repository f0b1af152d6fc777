#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct { __uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE); __type(key, struct bpf_cgroup_storage_key); __type(value, u64); } sent SEC(".maps");

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	u64 *n = bpf_get_local_storage(&sent, 0);
	struct bpf_sock *sk = skb->sk;
	struct bpf_tcp_sock *tcp = sk ? bpf_tcp_sock(sk) : NULL;

	*n += skb->len + (tcp ? tcp->snd_cwnd : 0) + bpf_skb_cgroup_id(skb);
	return 1;
}

SEC("cgroup/connect4")
int on_connect(struct bpf_sock_addr *ctx)
{
	if (ctx->user_port == bpf_htons(80) && ctx->type == SOCK_STREAM)
		ctx->user_port = bpf_htons(8080);
	return 1;
}

SEC("cgroup/sock_create")
int on_create(struct bpf_sock *sk) { return sk->protocol != IPPROTO_RAW; }

SEC("cgroup/sysctl")
int on_sysctl(struct bpf_sysctl *ctx) { return !ctx->write; }

SEC("cgroup/getsockopt")
int on_option(struct bpf_sockopt *ctx) { return ctx->optval + 4 <= ctx->optval_end || ctx->level; }

char LICENSE[] SEC("license") = "GPL";
