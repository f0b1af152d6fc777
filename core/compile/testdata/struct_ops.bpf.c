#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define tcp_sk(sk) ((struct tcp_sock *)(sk))
#define USEC_PER_SEC 1000000UL

SEC("struct_ops/init")
void BPF_PROG(cc_init, struct sock *sk)
{
	tcp_sk(sk)->snd_ssthresh = 0x7fffffff;
}

SEC("struct_ops/ssthresh")
u32 BPF_PROG(cc_ssthresh, struct sock *sk)
{
	return tcp_sk(sk)->snd_cwnd >> 1 ?: 2;
}

SEC("struct_ops/undo_cwnd")
u32 BPF_PROG(cc_undo_cwnd, struct sock *sk)
{
	return tcp_sk(sk)->snd_cwnd + ((struct inet_connection_sock *)sk)->icsk_retransmits;
}

SEC("struct_ops/cong_avoid")
void BPF_PROG(cc_cong_avoid, struct sock *sk, u32 ack, u32 acked)
{
	tcp_sk(sk)->snd_cwnd += acked > 1;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops simple = {
	.init = (void *)cc_init,
	.ssthresh = (void *)cc_ssthresh,
	.undo_cwnd = (void *)cc_undo_cwnd,
	.cong_avoid = (void *)cc_cong_avoid,
	.name = "bpf_simple",
};

char LICENSE[] SEC("license") = "GPL";
