// Package attach connects a loaded program with its target in the kernel, one file a hook.
package attach

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/symbols"

	"github.com/cilium/ebpf"
)

// Env is what a hook may want to know.
type Env struct {
	Kernel     *kernel.Facts
	Symbols    *symbols.Book
	Path       string          // ":"-separated directories of programs
	AttachType ebpf.AttachType // that the program's section says
}

// Target is what a program is attached to. Which fields count depends on the hook.
type Target struct {
	Hook   string `json:"hook"`
	Name   string `json:"name"`   // function, category/name, pattern; uprobe: path or name of a binary
	Symbol string `json:"symbol"` // uprobe: function or function+offset
	Offset uint64 `json:"offset"` // uprobe, without a symbol: in the file
	PID    int    `json:"pid"`    // uprobe, perf_event: negative: every process
	CPU    int    `json:"cpu"`    // perf_event: negative: every one that the process runs on
	FD     int    `json:"fd"`     // cgroup, netns; perf_event: leader of the group, or negative
	Index  int    `json:"index"`  // xdp: of the interface
	Flags  int    `json:"flags"`  // perf_event
	// perf_event: members of struct perf_event_attr by name
	Event map[string]uint64 `json:"event"`
}

var hooks = map[string]func(*ebpf.Program, Target, Env) (io.Closer, error){
	"kprobe":          kprobe,
	"kretprobe":       kretprobe,
	"kprobe_multi":    kprobeMulti,
	"kretprobe_multi": kretprobeMulti,
	"ksyscall":        ksyscall,
	"kretsyscall":     kretsyscall,
	"uprobe":          uprobe,
	"uretprobe":       uretprobe,
	"usdt":            usdt,
	"tracepoint":      tracepoint,
	"raw_tracepoint":  rawTracepoint,
	"tracing":         tracing,
	"lsm":             lsm,
	"perf_event":      perfEvent,
	"cgroup":          cgroup,
	"netns":           netns,
	"xdp":             xdp,
}

// Section is the target that a section names after the hook.
func Section(hook, target string) Target {
	t := Target{Hook: hook, Name: target, PID: -1, CPU: -1, FD: -1}
	switch hook {
	case "uprobe", "uretprobe":
		t.Name, t.Symbol, _ = strings.Cut(target, ":")
	}
	return t
}

// Attach attaches a program; closing the result detaches it.
func Attach(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	attach, ok := hooks[target.Hook]
	if !ok {
		return nil, failed(target, errors.New("no such hook"), "")
	}
	for _, n := range []int{target.PID, target.CPU, target.FD, target.Index, target.Flags} {
		if int(int32(n)) != n { // the kernel would take the lower half for another one
			return nil, failed(target, fmt.Errorf("no process, CPU, descriptor, interface or flag has the number %d", n), "")
		}
	}
	return attach(program, target, env)
}

func (t Target) String() string {
	switch t.Hook {
	case "cgroup", "netns":
		return fmt.Sprintf("%s %d", t.Name, t.FD)
	case "uprobe", "uretprobe":
		if t.Symbol != "" {
			return t.Name + ":" + t.Symbol
		}
		return fmt.Sprintf("%s+%#x", t.Name, t.Offset)
	case "xdp":
		return fmt.Sprintf("interface %d", t.Index)
	case "perf_event":
		return fmt.Sprintf("type %d, config %d", t.Event["type"], t.Event["config"])
	}
	return t.Name
}

func failed(target Target, cause error, hint string) error {
	kind := fault.Attach
	if errors.Is(cause, fs.ErrPermission) {
		kind = fault.Privilege
	}
	// What the rooms below say is said once.
	if below := (*fault.Error)(nil); hint == "" && errors.As(cause, &below) {
		cause, hint = below.Cause, below.Hint
	}
	return &fault.Error{Kind: kind, Op: "attach " + target.Hook, Subject: target.String(), Cause: cause, Hint: hint}
}
