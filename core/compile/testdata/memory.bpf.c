#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

const volatile u64 page_size = 4096;
struct info { u64 size, ts; int stack; };
union combined { struct { u64 total : 40; u64 count : 24; }; u64 bits; };
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 1000000); __type(key, u64); __type(value, struct info); } allocs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 10240); __type(key, u64); __type(value, union combined); } sums SEC(".maps");

static int took(void *ctx, u64 address, u64 size)
{
	struct info i = { size, bpf_ktime_get_ns() };
	union combined add = { .total = size, .count = 1 }, *sum = bpf_map_lookup_elem(&sums, &i.ts);

	bpf_map_update_elem(&allocs, &address, &i, BPF_ANY);
	if (sum)
		__sync_fetch_and_add(&sum->bits, add.bits);
	return 0;
}

SEC("tp/kmem/kmalloc")
int on_kmalloc(void *ctx)
{
	struct trace_event_raw_kmalloc *args = ctx;
	const void *ptr;
	size_t size;

	bpf_core_read(&ptr, sizeof(ptr), &args->ptr);
	bpf_core_read(&size, sizeof(size), &args->bytes_alloc);
	return took(ctx, (u64)ptr, size);
}

SEC("tp/kmem/mm_page_alloc")
int on_page(struct trace_event_raw_mm_page_alloc *ctx) { return took(ctx, ctx->pfn, page_size << ctx->order); }

SEC("kprobe/oom_kill_process")
int BPF_KPROBE(on_oom, struct oom_control *oc, const char *message)
{
	return BPF_CORE_READ(oc, chosen, mm, total_vm) + BPF_CORE_READ(oc, totalpages) + BPF_CORE_READ(oc, chosen, signal, oom_score_adj);
}

SEC("fentry/folio_mark_accessed")
int BPF_PROG(on_accessed, struct folio *folio) { return folio->mapping->host->i_ino + folio->index; }

char LICENSE[] SEC("license") = "GPL";
