#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct prefix { u32 length, address; };
struct vlan_hdr { __be16 tci, proto; };
struct { __uint(type, BPF_MAP_TYPE_DEVMAP_HASH); __uint(max_entries, 8); __type(key, u32); __type(value, struct bpf_devmap_val); } ports SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __uint(max_entries, 8); __type(key, u32); __type(value, struct bpf_cpumap_val); } cpus SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(map_flags, BPF_F_NO_PREALLOC); __uint(max_entries, 64); __type(key, struct prefix); __type(value, u32); } routes SEC(".maps");

static __always_inline struct udphdr *udp(struct iphdr *ip, void *end)
{
	struct udphdr *u = (void *)ip + ip->ihl * 4;

	return (void *)(u + 1) > end ? NULL : u;
}

SEC("xdp.frags")
int on_frame(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth) + sizeof(struct vlan_hdr);
	struct bpf_fib_lookup fib = {};
	struct udphdr *u;

	if ((void *)(ip + 1) > end)
		return XDP_ABORTED;
	if (ip->protocol == IPPROTO_UDP && (u = udp(ip, end)) && u->dest == bpf_htons(53))
		return bpf_redirect_map(&cpus, ctx->rx_queue_index, XDP_DROP);
	fib.family = 2;
	fib.ipv4_src = ip->saddr;
	fib.ifindex = ctx->ingress_ifindex;
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) == BPF_FIB_LKUP_RET_SUCCESS)
		__builtin_memcpy(eth->h_dest, fib.dmac, sizeof(fib.dmac));
	if (bpf_map_lookup_elem(&routes, &fib))
		return XDP_PASS;
	return bpf_redirect_map(&ports, fib.ifindex, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
}

char LICENSE[] SEC("license") = "GPL";
