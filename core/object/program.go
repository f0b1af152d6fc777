package object

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
)

// Program is a program and what its section says about attaching it.
type Program struct {
	Name    string `json:"name"`
	Section string `json:"section"`
	Type    string `json:"type"`
	Hook    string `json:"hook"`   // "": waits for a call
	Target  string `json:"target"` // of the hook
}

// hooks are the sections that name their target, by prefix.
var hooks = map[string]string{
	"kprobe":           "kprobe",
	"kretprobe":        "kretprobe",
	"kprobe.multi":     "kprobe_multi",
	"kretprobe.multi":  "kretprobe_multi",
	"ksyscall":         "ksyscall",
	"kretsyscall":      "kretsyscall",
	"uprobe":           "uprobe",
	"uprobe.s":         "uprobe",
	"uretprobe":        "uretprobe",
	"uretprobe.s":      "uretprobe",
	"usdt":             "usdt",
	"usdt.s":           "usdt",
	"tracepoint":       "tracepoint",
	"tp":               "tracepoint",
	"raw_tracepoint":   "raw_tracepoint",
	"raw_tp":           "raw_tracepoint",
	"raw_tracepoint.w": "raw_tracepoint",
	"raw_tp.w":         "raw_tracepoint",
	"tp_btf":           "tracing",
	"fentry":           "tracing",
	"fentry.s":         "tracing",
	"fexit":            "tracing",
	"fexit.s":          "tracing",
	"fmod_ret":         "tracing",
	"fmod_ret.s":       "tracing",
	"lsm":              "lsm",
	"lsm.s":            "lsm",
}

// waits tells that a target is none: a place holder, or a uprobe's that names no function.
func waits(hook, target string) bool {
	switch hook {
	case "uprobe", "uretprobe":
		return !strings.Contains(target, ":")
	case "kprobe_multi", "kretprobe_multi":
		return false // "*" is a pattern
	}
	return target == "*"
}

func newProgram(spec *ebpf.ProgramSpec) Program {
	p := Program{Name: spec.Name, Section: spec.SectionName, Type: kernelName(spec.Type.String())}
	prefix, target, _ := strings.Cut(spec.SectionName, "/")
	if hook := hooks[prefix]; hook != "" && target != "" && !waits(hook, target) {
		p.Hook, p.Target = hook, target
	}
	return p
}

// kinds are beginnings of sections, for who has mistyped one.
var kinds = append(slices.Sorted(maps.Keys(hooks)), "perf_event", "xdp", "tc", "socket", "cgroup_skb", "iter", "classifier", "sockops")

// known is an error about a program whose section says nothing of its kind.
func known(spec *ebpf.ProgramSpec) error {
	if spec.Type != ebpf.UnspecifiedProgram {
		return nil
	}
	prefix, _, _ := strings.Cut(strings.TrimPrefix(spec.SectionName, "?"), "/")
	f := &fault.Error{Kind: fault.Invalid, Op: "load program", Subject: spec.Name,
		Cause: fmt.Errorf("its section %q names no kind of program", spec.SectionName), Hint: "such as kprobe/function, tracepoint/category/name"}
	if closest := fault.Closest(prefix, slices.Values(kinds)); closest != "" {
		f.Hint = "closest: " + closest
	}
	return f
}

// The library writes these words in its own way.
var words = strings.NewReplacer("PerCPU", "Percpu", "LRUCPU", "LRUPercpu", "CGroup", "Cgroup", "DevMap", "Devmap",
	"CPUMap", "Cpumap", "XSKMap", "Xskmap", "SockMap", "Sockmap", "SockHash", "Sockhash", "RingBuf", "Ringbuf", "ProgramArray", "ProgArray",
	"ReusePortSockArray", "ReuseportSockarray", "TracePoint", "Tracepoint")

// kernelName turns cilium/ebpf's name of a kind into the kernel's: PerfEventArray, perf_event_array.
func kernelName(name string) string {
	var b strings.Builder
	runes := []rune(words.Replace(name))
	for i, r := range runes {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && (runes[i-1] >= 'a' || i+1 < len(runes) && runes[i+1] >= 'a') {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
