#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct event { u64 delta, size; loff_t offset; char file[32]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8192); __type(key, u32); __type(value, struct { u64 ts; struct file *fp; loff_t at; }); } starts SEC(".maps");

static int enter(struct kiocb *iocb)
{
	struct { u64 ts; struct file *fp; loff_t at; } s = { bpf_ktime_get_ns(), BPF_CORE_READ(iocb, ki_filp), BPF_CORE_READ(iocb, ki_pos) };
	u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_update_elem(&starts, &tid, &s, BPF_ANY);
}

static int leave(ssize_t ret)
{
	u32 tid = bpf_get_current_pid_tgid();
	struct { u64 ts; struct file *fp; loff_t at; } *s = bpf_map_lookup_elem(&starts, &tid);
	struct event e = {};
	struct dentry *dentry;
	const u8 *name;

	if (!s)
		return 0;
	dentry = BPF_CORE_READ(s->fp, f_path.dentry);
	name = BPF_CORE_READ(dentry, d_name.name);
	bpf_probe_read_kernel_str(e.file, sizeof(e.file), name);
	e.size = ret + BPF_CORE_READ(dentry, d_name.len) + BPF_CORE_READ(dentry, d_parent, d_inode, i_size);
	return e.size + (BPF_CORE_READ(s->fp, f_op, read_iter) != 0);
}

SEC("kprobe/generic_file_read_iter") int BPF_KPROBE(read_enter, struct kiocb *iocb) { return enter(iocb); }
SEC("kretprobe/generic_file_read_iter") int BPF_KRETPROBE(read_leave, ssize_t ret) { return leave(ret); }
SEC("fentry/vfs_fsync_range") int BPF_PROG(sync_enter, struct file *file, loff_t start, loff_t end) { return file->f_mapping->nrpages > end - start; }
SEC("fexit/vfs_unlink") int BPF_PROG(unlinked, struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, struct inode **inode, int ret) { return ret ?: dentry->d_inode->i_sb->s_type->fs_flags; }

char LICENSE[] SEC("license") = "GPL";
