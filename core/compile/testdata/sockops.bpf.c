#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct flow { u32 from, to; u16 sport, dport; };
struct { __uint(type, BPF_MAP_TYPE_SOCKHASH); __uint(max_entries, 1024); __type(key, struct flow); __type(value, int); } socks SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, u64); } rtts SEC(".maps");

SEC("sockops")
int on_sock(struct bpf_sock_ops *ops)
{
	struct flow f = { ops->local_ip4, ops->remote_ip4, ops->local_port, bpf_ntohl(ops->remote_port) };
	u64 *rtt;

	switch (ops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		bpf_sock_hash_update(ops, &socks, &f, BPF_NOEXIST);
		bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_RTT_CB_FLAG);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		if (ops->sk && (rtt = bpf_sk_storage_get(&rtts, ops->sk, 0, BPF_SK_STORAGE_GET_F_CREATE)))
			*rtt = ops->srtt_us >> 3;
	}
	return 1;
}

SEC("sk_msg")
int on_message(struct sk_msg_md *msg)
{
	struct flow f = { msg->remote_ip4, msg->local_ip4, bpf_ntohl(msg->remote_port), msg->local_port };

	return bpf_msg_redirect_hash(msg, &socks, &f, BPF_F_INGRESS);
}

SEC("sk_skb/stream_parser")
int on_stream(struct __sk_buff *skb) { return skb->len; }

char LICENSE[] SEC("license") = "GPL";
