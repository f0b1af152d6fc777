#include <stddef.h>
#include <stdint.h>
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct so_event { __be32 src, dst; union { __be32 ports; __be16 port16[2]; }; __u32 proto; char payload[64]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 16); } rb SEC(".maps");

SEC("socket")
int on_packet(struct __sk_buff *skb)
{
	uint16_t proto;
	uint8_t length, verlen;
	struct so_event *e;

	bpf_skb_load_bytes(skb, 12, &proto, 2);
	if (__bpf_ntohs(proto) != 0x0800)
		return 0;
	e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	if (!e)
		return 0;
	bpf_skb_load_bytes(skb, 14, &verlen, 1);
	bpf_skb_load_bytes(skb, 14 + offsetof(struct iphdr, protocol), &e->proto, 1);
	bpf_skb_load_bytes(skb, 14 + offsetof(struct iphdr, saddr), &e->src, 4);
	length = (verlen & 0xf) << 2;
	bpf_skb_load_bytes(skb, 14 + length + offsetof(struct tcphdr, source), &e->ports, 4);
	e->payload[0] = skb->pkt_type == 4;
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return skb->len;
}

char LICENSE[] SEC("license") = "GPL";
