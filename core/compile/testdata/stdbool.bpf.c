#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

static __always_inline bool wanted(size_t size, pid_t pid) { return size > 3 && pid; }

SEC("kprobe/__x64_sys_write")
int BPF_KPROBE_SYSCALL(on_write, int fd, const char *buf, size_t count) { return wanted(count, fd) ? true : false; }

char LICENSE[] SEC("license") = "GPL";
