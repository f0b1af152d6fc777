#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

const volatile pid_t target = 0;
const volatile bool per_thread = false;
const volatile struct { u64 min_us; u32 flags[4]; } settings = { .min_us = 10 };
u64 dropped, seen[64];
static u32 last_cpu;
char last_comm[TASK_COMM_LEN] = "none";
struct { u64 at; u32 cpu; } latest SEC(".data.latest");

SEC("raw_tp/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long id)
{
	u64 both = bpf_get_current_pid_tgid();

	if (target && target != (per_thread ? (pid_t)both : both >> 32)) {
		__sync_fetch_and_add(&dropped, 1);
		return 0;
	}
	last_cpu = bpf_get_smp_processor_id();
	seen[last_cpu % 64]++;
	if (bpf_ktime_get_ns() / 1000 > settings.min_us + settings.flags[id & 3])
		bpf_get_current_comm(last_comm, sizeof(last_comm));
	latest.at = id;
	latest.cpu = last_cpu;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
