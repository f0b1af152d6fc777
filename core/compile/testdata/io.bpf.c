#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

struct start { u64 ts; dev_t dev; unsigned int flags; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct request *);
	__type(value, struct start);
} starts SEC(".maps");

SEC("raw_tp/block_rq_issue")
int BPF_PROG(on_issue, struct request *rq)
{
	struct start s = { .ts = bpf_ktime_get_ns(), .flags = BPF_CORE_READ(rq, cmd_flags) };
	struct gendisk *disk = BPF_CORE_READ(rq, q, disk);

	s.dev = BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor);
	bpf_map_update_elem(&starts, &rq, &s, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
