#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

SEC("kprobe/tcp_rcv_established")
int BPF_KPROBE(on_receive, struct sock *sk, struct sk_buff *skb)
{
	struct iphdr *ip = (void *)(BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header));
	struct tcphdr tcp;
	struct iphdr header;

	bpf_probe_read_kernel(&header, sizeof(header), ip);
	bpf_probe_read_kernel(&tcp, sizeof(tcp), (void *)ip + header.ihl * 4);
	return tcp.syn + tcp.ack + BPF_CORE_READ_BITFIELD_PROBED(skb, ip_summed) + BPF_CORE_READ_BITFIELD_PROBED(sk, sk_no_check_tx);
}

char LICENSE[] SEC("license") = "GPL";
