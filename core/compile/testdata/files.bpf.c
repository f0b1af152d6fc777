#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

SEC("raw_tp/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct file **fd = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file;

	bpf_core_read(&file, sizeof(file), &fd[1]);
	bpf_printk("%u", BPF_CORE_READ(file, f_flags));
	return BPF_CORE_READ(file, f_path.dentry, d_parent, d_inode, i_mode);
}

char LICENSE[] SEC("license") = "GPL";
