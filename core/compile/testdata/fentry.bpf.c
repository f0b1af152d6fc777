#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

SEC("fentry/do_unlinkat")
int BPF_PROG(on_unlink, int dfd, struct filename *name)
{
	bpf_printk("%s", name->name);
	return 0;
}

SEC("fexit/vfs_read")
int BPF_PROG(on_read, struct file *file, char *buf, size_t count, loff_t *pos, ssize_t ret)
{
	return file->f_inode->i_sb->s_dev + file->f_path.mnt->mnt_flags + (ret < 0);
}

char LICENSE[] SEC("license") = "GPL";
