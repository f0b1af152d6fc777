#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct inner { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 32); __type(key, u32); __type(value, u64); };
struct inner first SEC(".maps"), second SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &first, &second } };
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 8); __uint(key_size, 4);
	 __array(values, struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, struct rusage); }); } by_user SEC(".maps");

SEC("tp/syscalls/sys_enter_close")
int on_close(struct trace_event_raw_sys_enter *ctx)
{
	u32 which = ctx->args[0] & 1, key = 0, uid = bpf_get_current_uid_gid();
	void *map = bpf_map_lookup_elem(&outer, &which), *of_user = bpf_map_lookup_elem(&by_user, &uid);
	struct rusage *usage = of_user ? bpf_map_lookup_elem(of_user, &key) : NULL;
	u64 *n = map ? bpf_map_lookup_elem(map, &key) : NULL;

	return n ? *n : usage ? usage->ru_nvcsw : 0;
}

char LICENSE[] SEC("license") = "GPL";
