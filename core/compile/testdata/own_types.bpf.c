#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

typedef unsigned long long __u64; /* as the kernel has it */
typedef __u16 __be16;

struct dentry_like { struct qstr name; };
struct filename_info { struct filename *from; int depth; };
enum state { IDLE, BUSY };
struct cred_copy { kuid_t uid; kgid_t gid; };

SEC("raw_tp/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct cred_copy copy = { .uid = BPF_CORE_READ(task, cred, uid) };
	struct dentry_like like = {};
	struct filename_info info = { .depth = BUSY };

	like.name.len = copy.uid.val;
	return like.name.len + info.depth + (copy.gid.val ? IDLE : BUSY);
}

char LICENSE[] SEC("license") = "GPL";
