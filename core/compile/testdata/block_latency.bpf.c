#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define MAX_SLOTS 27
struct hist { u32 slots[MAX_SLOTS]; };
struct hist_key { u32 cmd_flags, dev; };
extern int LINUX_KERNEL_VERSION __kconfig;
const volatile bool by_queue = false;
struct request___x { struct request_queue___x *q; struct gendisk *rq_disk; } __attribute__((preserve_access_index));
struct request_queue___x { struct gendisk *disk; } __attribute__((preserve_access_index));
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 10240); __type(key, struct request *); __type(value, u64); } start SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1024); __type(key, struct hist_key); __type(value, struct hist); } hists SEC(".maps");
static struct hist zero;

static __always_inline struct gendisk *disk_of(void *rq)
{
	struct request___x *r = rq;

	return bpf_core_field_exists(r->rq_disk) ? BPF_CORE_READ(r, rq_disk) : BPF_CORE_READ(r, q, disk);
}

static int begin(struct request *rq)
{
	u64 ts = bpf_ktime_get_ns();

	return bpf_map_update_elem(&start, &rq, &ts, 0);
}

SEC("tp_btf/block_rq_insert")
int block_rq_insert(u64 *ctx) { return by_queue ? begin(LINUX_KERNEL_VERSION < KERNEL_VERSION(5, 11, 0) ? (void *)ctx[1] : (void *)ctx[0]) : 0; }

SEC("raw_tp/block_rq_issue")
int BPF_PROG(block_rq_issue, struct request *rq) { return begin(rq); }

SEC("raw_tp/block_rq_complete")
int BPF_PROG(block_rq_complete, struct request *rq, int error, unsigned int nr_bytes)
{
	struct gendisk *disk = disk_of(rq);
	u64 *ts = bpf_map_lookup_elem(&start, &rq), delta, slot = 0;
	struct hist_key k = { BPF_CORE_READ(rq, cmd_flags), disk ? BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor) : 0 };
	struct hist *h;

	if (!ts)
		return 0;
	delta = (bpf_ktime_get_ns() - *ts) / 1000;
	bpf_map_update_elem(&hists, &k, &zero, BPF_NOEXIST);
	h = bpf_map_lookup_elem(&hists, &k);
	while (delta >>= 1)
		slot++;
	if (h)
		__sync_fetch_and_add(&h->slots[slot < MAX_SLOTS ? slot : MAX_SLOTS - 1], 1);
	bpf_map_delete_elem(&start, &rq);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
