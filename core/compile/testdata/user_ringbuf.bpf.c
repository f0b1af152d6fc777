#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct order { u32 kind; u64 value; };
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } orders SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 16); __type(value, struct order); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 64); __uint(map_extra, 3); __type(value, u32); } known SEC(".maps");

static long take(struct bpf_dynptr *dynptr, void *ctx)
{
	const struct order *o = bpf_dynptr_data(dynptr, 0, sizeof(*o));
	struct order copy;

	if (!o || bpf_dynptr_read(&copy, sizeof(copy), dynptr, 0, 0))
		return 1;
	if (bpf_map_peek_elem(&known, &copy.kind))
		bpf_map_push_elem(&queue, &copy, BPF_EXIST);
	return 0;
}

SEC("tp/syscalls/sys_enter_getpgid")
int on_call(void *ctx) { return bpf_user_ringbuf_drain(&orders, take, NULL, BPF_RB_NO_WAKEUP); }

char LICENSE[] SEC("license") = "GPL";
