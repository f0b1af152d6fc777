package object

import "testing"

func TestKernelName(t *testing.T) {
	for name, want := range map[string]string{"PerfEventArray": "perf_event_array", "LRUCPUHash": "lru_percpu_hash",
		"PerCPUHash": "percpu_hash", "LRUHash": "lru_hash", "StackTrace": "stack_trace", "Hash": "hash", "RingBuf": "ringbuf",
		"LPMTrie": "lpm_trie", "HashOfMaps": "hash_of_maps", "ProgramArray": "prog_array", "Kprobe": "kprobe", "TracePoint": "tracepoint"} {
		if got := kernelName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
