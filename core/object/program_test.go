package object

import (
	"testing"

	"github.com/cilium/ebpf"
)

func TestKernelName(t *testing.T) {
	for name, want := range map[string]string{"PerfEventArray": "perf_event_array", "LRUCPUHash": "lru_percpu_hash",
		"PerCPUHash": "percpu_hash", "LRUHash": "lru_hash", "StackTrace": "stack_trace", "Hash": "hash", "RingBuf": "ringbuf",
		"LPMTrie": "lpm_trie", "HashOfMaps": "hash_of_maps", "ProgramArray": "prog_array", "Kprobe": "kprobe", "TracePoint": "tracepoint"} {
		if got := kernelName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestSections(t *testing.T) {
	for section, want := range map[string]string{
		"uprobe//usr/bin/bash:readline":  "uprobe /usr/bin/bash:readline",
		"uprobe/libc:malloc+0x4":         "uprobe libc:malloc+0x4",
		"uretprobe.s/./user:shape::area": "uretprobe ./user:shape::area",
		"ksyscall/openat":                "ksyscall openat",
		"kretsyscall/openat":             "kretsyscall openat",
		"kprobe.multi/tcp_*":             "kprobe_multi tcp_*",
		"kprobe.multi/*":                 "kprobe_multi *",
		"kretprobe.multi/x":              "kretprobe_multi x",
		"fentry/f":                       "tracing f",
		"fexit.s/f":                      "tracing f",
		"fmod_ret/f":                     "tracing f",
		"tp_btf/sched_switch":            "tracing sched_switch",
		"lsm/bprm_check_security":        "lsm bprm_check_security",
		"usdt/./user:provider:name":      "usdt ./user:provider:name",
		// These wait for a call.
		"uprobe/*": " ", "uprobe/one": " ", "uprobe": " ", "uretprobe/*": " ", "kprobe/*": " ", "kprobe": " ", "kprobe/": " ", "perf_event": " ",
		"cgroup_skb/egress": " ", "cgroup/sock_create": " ", "xdp": " ", "tc": " ", "usdt": " ", "socket": " ", "flow_dissector": " ", "?kprobe/f": " ",
	} {
		if p := newProgram(&ebpf.ProgramSpec{SectionName: section}); p.Hook+" "+p.Target != want {
			t.Errorf("%s: %q, want %q", section, p.Hook+" "+p.Target, want)
		}
	}
}
