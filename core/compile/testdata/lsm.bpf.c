#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

const volatile u32 uid = 65534;

SEC("lsm/file_open")
int BPF_PROG(on_open, struct file *file)
{
	struct inode *inode = file->f_inode;

	if (inode->i_uid.val == uid && (inode->i_mode & 0170000) == 0100000 && file->f_path.dentry->d_parent->d_inode->i_nlink > 2)
		return -1;
	return 0;
}

SEC("lsm.s/bprm_committed_creds")
void BPF_PROG(on_creds, struct linux_binprm *bprm)
{
	bpf_printk("%s by %d", bprm->filename, bprm->cred->euid.val);
}

char LICENSE[] SEC("license") = "GPL";
