#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned long CONFIG_HZ __kconfig;
extern enum libbpf_tristate CONFIG_BPF_SYSCALL __kconfig __weak;
extern bool CONFIG_SMP __kconfig __weak;
extern int CONFIG_OF_NO_KERNEL __kconfig __weak;
u64 ticks;

SEC("raw_tp/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	if (!CONFIG_OF_NO_KERNEL && CONFIG_SMP && CONFIG_BPF_SYSCALL == TRI_YES && LINUX_KERNEL_VERSION >= KERNEL_VERSION(5, 8, 0))
		ticks += BPF_CORE_READ(task, utime) * CONFIG_HZ / 1000000000;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
