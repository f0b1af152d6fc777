#include <vmlinux.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800
#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

struct { __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH); __uint(max_entries, 4096); __type(key, __be32); __type(value, u64); } bytes SEC(".maps");

SEC("tc")
int ingress(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	u64 one, *sum;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if (ip->ttl == 1 || ip->ihl < 5)
		return TC_ACT_SHOT;
	one = skb->len;
	sum = bpf_map_lookup_elem(&bytes, &ip->saddr);
	if (sum)
		*sum += one;
	else
		bpf_map_update_elem(&bytes, &ip->saddr, &one, BPF_NOEXIST);
	bpf_skb_store_bytes(skb, offsetof(struct iphdr, tos) + sizeof(*eth), &one, 1, BPF_F_RECOMPUTE_CSUM);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
