#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char path[256];
u64 fds;

SEC("ksyscall/openat")
int BPF_KSYSCALL(on_openat, int dfd, const char *name, int flags, umode_t mode)
{
	bpf_probe_read_user_str(path, sizeof(path), name);
	return dfd + flags + mode;
}

SEC("kretsyscall/close")
int BPF_KRETPROBE(on_close, int ret) { return ret; }

SEC("kprobe/__x64_sys_kill")
int BPF_KPROBE_SYSCALL(on_kill, pid_t pid, int sig)
{
	fds += pid + sig;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
