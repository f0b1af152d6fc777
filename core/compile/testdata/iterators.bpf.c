#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

static const char heading[] = "pid comm fds\n";

SEC("iter/task")
int on_task(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	if (ctx->meta->seq_num == 0)
		bpf_seq_write(seq, heading, sizeof(heading) - 1);
	BPF_SEQ_PRINTF(seq, "%d %s %d\n", task->pid, task->comm, task->files->fdt->max_fds);
	return 0;
}

SEC("iter/tcp")
int on_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;

	if (sk && sk->skc_family == 2)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%x:%d\n", sk->skc_rcv_saddr, sk->skc_num);
	return 0;
}

SEC("iter/bpf_map")
int on_map(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;

	if (map)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%u %s\n", map->id, map->name);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
