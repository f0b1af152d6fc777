#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct element { struct bpf_timer timer; struct bpf_spin_lock lock; int fired; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct element); } elements SEC(".maps");

#define CLOCK_MONOTONIC 1

static int fired(void *map, int *key, struct element *e)
{
	bpf_spin_lock(&e->lock);
	e->fired++;
	bpf_spin_unlock(&e->lock);
	bpf_timer_start(&e->timer, 1000000, 0);
	return 0;
}

SEC("fentry/do_nanosleep")
int BPF_PROG(on_sleep, struct hrtimer_sleeper *t, enum hrtimer_mode mode)
{
	int key = 0;
	struct element *e = bpf_map_lookup_elem(&elements, &key);

	if (e && mode != HRTIMER_MODE_ABS && !bpf_timer_init(&e->timer, &elements, CLOCK_MONOTONIC)) {
		bpf_timer_set_callback(&e->timer, fired);
		bpf_timer_start(&e->timer, t->timer.node.expires, 0);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
