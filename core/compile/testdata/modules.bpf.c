#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* Types that live in a module, or not at all on this kernel, are the program's own. */
struct xfs_inode___own { u64 i_ino; } __attribute__((preserve_access_index));
struct nfs_args;
u64 inode;

SEC("kprobe/xfs_file_fsync")
int BPF_KPROBE(on_sync, struct file *file, struct xfs_inode___own *ip)
{
	struct list_head *head = (void *)file;

	inode = bpf_core_type_exists(struct xfs_inode___own) ? BPF_CORE_READ(ip, i_ino) : 0;
	return BPF_CORE_READ(head, next, prev) != NULL;
}

SEC("?fentry/not_loaded")
int BPF_PROG(not_loaded, struct nfs_args *args) { return args != NULL; }

char LICENSE[] SEC("license") = "GPL";
