/* lbc.h - what a coolbpf program includes: kernel types, libbpf's helpers, and maps in one line. */
#ifndef __LBC_H
#define __LBC_H

#include "vmlinux.h"
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

typedef unsigned char u8;
typedef signed char s8;
typedef unsigned short u16;
typedef signed short s16;
typedef unsigned int u32;
typedef signed int s32;
typedef unsigned long long u64;
typedef signed long long s64;

#ifndef NULL
#define NULL ((void *)0)
#endif

#define PERF_MAX_STACK_DEPTH 127
#define KERN_STACKID_FLAGS (1ULL << 9)
#define USER_STACKID_FLAGS (1ULL << 9 | 1ULL << 8)
/* An enumerator of 64 bits, which older BTF cannot hold. */
#define BPF_F_CURRENT_CPU 0xffffffffULL

/* Maps. TYPE of LBC_PERF_OUTPUT and LBC_RINGBUF is that of their records. */
#define __LBC_MAP(KIND, NAME, KEY, VALUE, ENTRIES)	\
	_Static_assert(sizeof(KEY) && sizeof(VALUE) + 1, "types are known");	\
	struct {					\
		__uint(type, KIND);			\
		__uint(max_entries, ENTRIES);		\
		__type(key, KEY);			\
		__type(value, VALUE);			\
	} NAME SEC(".maps")

#define LBC_PERF_OUTPUT(NAME, TYPE, ENTRIES) __LBC_MAP(BPF_MAP_TYPE_PERF_EVENT_ARRAY, NAME, int, TYPE, ENTRIES)
#define LBC_RINGBUF(NAME, TYPE, BYTES)					\
	_Static_assert((BYTES) >= 4096 && !((BYTES) & ((BYTES) - 1)),		\
		       "the size of a ring buffer is a power of two, 4096 or more");	\
	struct __lbc_ring_##NAME {						\
		struct __lbc_ring ring;						\
	} __lbc_ring_##NAME SEC(".data.lbc");					\
	static inline __attribute__((always_inline, overloadable, unused))	\
	struct __lbc_ring *__lbc_counter_of(struct __lbc_ring_##NAME key) { return &__lbc_ring_##NAME.ring; }	\
	__LBC_MAP(BPF_MAP_TYPE_RINGBUF, NAME, struct __lbc_ring_##NAME, TYPE, BYTES)
#define LBC_HASH(NAME, KEY, VALUE, ENTRIES) __LBC_MAP(BPF_MAP_TYPE_HASH, NAME, KEY, VALUE, ENTRIES)
#define LBC_LRU_HASH(NAME, KEY, VALUE, ENTRIES) __LBC_MAP(BPF_MAP_TYPE_LRU_HASH, NAME, KEY, VALUE, ENTRIES)
#define LBC_PERCPU_HASH(NAME, KEY, VALUE, ENTRIES) __LBC_MAP(BPF_MAP_TYPE_PERCPU_HASH, NAME, KEY, VALUE, ENTRIES)
#define LBC_LRU_PERCPU_HASH(NAME, KEY, VALUE, ENTRIES) __LBC_MAP(BPF_MAP_TYPE_LRU_PERCPU_HASH, NAME, KEY, VALUE, ENTRIES)
#define LBC_ARRAY(NAME, KEY, VALUE, ENTRIES) __LBC_MAP(BPF_MAP_TYPE_ARRAY, NAME, KEY, VALUE, ENTRIES)
#define LBC_PERCPU_ARRAY(NAME, KEY, VALUE, ENTRIES) __LBC_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, NAME, KEY, VALUE, ENTRIES)
#define LBC_STACK(NAME, ENTRIES) __LBC_MAP(BPF_MAP_TYPE_STACK_TRACE, NAME, u32, __lbc_stack, ENTRIES)
/* A histogram is told from another array by the name of its key's type. */
#define LBC_HIST2(NAME) LBC_ARRAY(NAME, __lbc_hist2, long, 64)
#define LBC_HIST10(NAME) LBC_ARRAY(NAME, __lbc_hist10, long, 20)

typedef int __lbc_hist2;
typedef int __lbc_hist10;
typedef u64 __lbc_stack[PERF_MAX_STACK_DEPTH];

/* What is sent to an LBC_RINGBUF (Linux 5.8): &NAME and what the helpers of like names take. What
 * there was no room for is counted, and told to the reader as lost; the helpers themselves do not
 * count. Where flags are 0 the reader is woken as often as it wants to be. */
#define lbc_ringbuf_output(MAP, DATA, SIZE, FLAGS) ({				\
	typeof(MAP) __lbc_map = (MAP);						\
	u64 __lbc_size = (SIZE);						\
	long __lbc_error = bpf_ringbuf_output(__lbc_map, DATA, __lbc_size,	\
					      __lbc_wake(__lbc_map, __lbc_size, FLAGS));	\
	if (__lbc_error)							\
		__lbc_lose(__lbc_map);						\
	__lbc_error;								\
})
#define lbc_ringbuf_reserve(MAP, SIZE, FLAGS) ({				\
	typeof(MAP) __lbc_map = (MAP);						\
	void *__lbc_record = bpf_ringbuf_reserve(__lbc_map, SIZE, FLAGS);	\
	if (!__lbc_record)							\
		__lbc_lose(__lbc_map);						\
	__lbc_record;								\
})
#define lbc_ringbuf_submit(MAP, RECORD, FLAGS) ({				\
	typeof(MAP) __lbc_map = (MAP);						\
	bpf_ringbuf_submit(RECORD, __lbc_wake(__lbc_map, sizeof(*(RECORD)), FLAGS));	\
})

/* What a ring buffer and its reader tell one another. The type of the map's key leads to it. */
struct __lbc_ring {
	u64 enough; /* the reader says at how many bytes to wake it; 0: as the kernel does */
	u64 lost;
};
struct __lbc_ring *__lbc_counter_of(struct __lbc_ring none) __attribute__((overloadable));
#define __lbc_ring(MAP) __lbc_counter_of((typeof(*(MAP)->key)){})
#define __lbc_lose(MAP) __sync_fetch_and_add(&__lbc_ring(MAP)->lost, 1)
/* The flags to send with. A busy reader is woken by the record that makes it enough; as other CPUs
 * send meanwhile, by one of four. */
#define __lbc_wake(MAP, SIZE, FLAGS) ({						\
	u64 __lbc_flags = (FLAGS), __lbc_bytes = (SIZE) + 8, __lbc_enough;	\
	if (!__lbc_flags && (__lbc_enough = *(volatile u64 *)&__lbc_ring(MAP)->enough))	\
		__lbc_flags = bpf_ringbuf_query(MAP, BPF_RB_AVAIL_DATA) + __lbc_bytes - __lbc_enough < 4 * __lbc_bytes ?	\
			BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;			\
	__lbc_flags;								\
})

/* For functions that take a map: pass &name. Also the old way to declare one, in SEC("maps"). */
struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

/* The value of an expression that reads kernel memory, such as task->tgid, also within another. Types
 * of the kernel fit every kernel, as vmlinux.h declares them; those that a program declares lie as it
 * says. On x86 user memory can be read with it too. */
#ifdef __TARGET_ARCH_x86
#define __lbc_read bpf_probe_read
#else
#define __lbc_read bpf_probe_read_kernel
#endif
#define _(P) ({								\
	typeof(P) __lbc_value;						\
	__builtin_memset((void *)&__lbc_value, 0, sizeof(__lbc_value));	\
	__lbc_read((void *)&__lbc_value, sizeof(__lbc_value), (const void *)&P);	\
	__lbc_value;							\
})

/* bpf_printk when the program is compiled with env="-DLBC_DEBUG". */
#ifdef LBC_DEBUG
#define lbc_debug(...) bpf_printk(__VA_ARGS__)
#else
#define lbc_debug(...) do { } while (0)
#endif

#ifndef ntohs
#define ntohs(x) (__builtin_bswap16(x))
#endif
#ifndef ntohl
#define ntohl(x) (__builtin_bswap32(x))
#endif
#ifndef ntohll
#define ntohll(x) (__builtin_bswap64(x))
#endif

#define NUM_E1 10ULL
#define NUM_E2 100ULL
#define NUM_E4 10000ULL
#define NUM_E8 100000000ULL
#define NUM_E16 10000000000000000ULL

/* Histograms: bucket k of hist2 counts values from 2^k, of hist10 from 10^k. */
static inline __attribute__((unused)) int fast_log2(long value)
{
	int n = 0;

	if (value < 1)
		return 0;
	if (value >> 32) { n += 32; value >>= 32; }
	if (value >> 16) { n += 16; value >>= 16; }
	if (value >> 8) { n += 8; value >>= 8; }
	if (value >> 4) { n += 4; value >>= 4; }
	if (value >> 2) { n += 2; value >>= 2; }
	if (value >> 1) n += 1;
	return n;
}

static inline __attribute__((unused)) int fast_log10(long value)
{
	u64 v = value;
	int n = 0;

	if (v >= NUM_E16) { n += 16; v /= NUM_E16; }
	if (v >= NUM_E8) { n += 8; v /= NUM_E8; }
	if (v >= NUM_E4) { n += 4; v /= NUM_E4; }
	if (v >= NUM_E2) { n += 2; v /= NUM_E2; }
	if (v >= NUM_E1) n += 1;
	return n;
}

static inline __attribute__((unused)) void add_hist(struct bpf_map_def *maps, int k, int v)
{
	u64 *slot = bpf_map_lookup_elem(maps, &k);

	if (slot)
		__sync_fetch_and_add(slot, v);
}

static inline __attribute__((unused)) void incr_hist(struct bpf_map_def *maps, int k)
{
	add_hist(maps, k, 1);
}

#define hist2_push(MAP, VALUE) incr_hist((struct bpf_map_def *)(MAP), fast_log2(VALUE))
#define hist10_push(MAP, VALUE) incr_hist((struct bpf_map_def *)(MAP), fast_log10(VALUE))

#endif
