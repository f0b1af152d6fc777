#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

u64 states[16];

SEC("kprobe/tcp_set_state")
int BPF_KPROBE(on_state, struct sock *sk, int state)
{
	if (state == TCP_ESTABLISHED || state == TCP_CLOSE)
		states[state & 15]++;
	switch (BPF_CORE_READ(sk, __sk_common.skc_state)) {
	case TCP_SYN_SENT: states[TCP_SYN_SENT]++; break;
	case TCP_TIME_WAIT: states[TCP_TIME_WAIT]++; break;
	}
	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP ? PIDTYPE_TGID + WORK_CPU_UNBOUND : BPF_F_NO_PREALLOC;
}

char LICENSE[] SEC("license") = "GPL";
