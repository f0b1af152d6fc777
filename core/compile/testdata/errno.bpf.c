#include <vmlinux.h>
#include <asm-generic/errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, u32); __type(value, struct { u64 n; }); } calls SEC(".maps");

static __always_inline void *lookup_or_init(void *map, const void *key, const void *init)
{
	void *value = bpf_map_lookup_elem(map, key);
	int err;

	if (value)
		return value;
	err = bpf_map_update_elem(map, key, init, BPF_NOEXIST);
	if (err && err != -EEXIST && err != -ENOSPC && err != -ETIMEDOUT)
		return NULL;
	return bpf_map_lookup_elem(map, key);
}

SEC("kretprobe/inet_csk_accept")
int BPF_KRETPROBE(on_accept, struct sock *sk)
{
	u32 key = sk ? BPF_CORE_READ(sk, __sk_common.skc_dport) : ENOTCONN;
	struct { u64 n; } zero = {}, *value = lookup_or_init(&calls, &key, &zero);

	return value ? value->n++ : BPF_CORE_READ((struct inet_sock *)sk, inet_sport) + BPF_CORE_READ((struct tcp_sock *)sk, srtt_us);
}

char LICENSE[] SEC("license") = "GPL";
