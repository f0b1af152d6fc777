#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

u64 total;

SEC("kprobe/tcp_sendmsg")
int BPF_KPROBE(on_send, struct sock *sk, struct msghdr *msg, size_t size)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u16 sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	u32 netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	struct in6_addr addr;
	char name[16];

	if (family == 10)
		BPF_CORE_READ_INTO(&addr, sk, __sk_common.skc_v6_daddr);
	else
		addr.in6_u.u6_addr32[0] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	BPF_CORE_READ_STR_INTO(&name, sk, __sk_common.skc_prot, name);
	total += size + sport + netns + addr.in6_u.u6_addr32[0] + name[0];
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
