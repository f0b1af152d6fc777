// Package attach connects a loaded program with its target in the kernel, one file a hook.
package attach

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/symbols"

	"github.com/cilium/ebpf"
)

// Env is what a hook may want to know. Symbols is asked for when an error is explained, not before.
type Env struct {
	Kernel     *kernel.Facts
	Symbols    func() (*symbols.Kernel, error)
	AttachType ebpf.AttachType // that the program's section says
}

// Target is what a program is attached to. Which fields count depends on the hook.
type Target struct {
	Hook   string `json:"hook"`
	Name   string `json:"name"`   // function, category/name, path of an ELF file or of a cgroup
	Offset uint64 `json:"offset"` // uprobe: in the file
	PID    int    `json:"pid"`    // uprobe, perf_event: negative: every process
	CPU    int    `json:"cpu"`    // perf_event: negative: every one that the process runs on
	FD     int    `json:"fd"`     // cgroup, netns; perf_event: leader of the group, or negative
	Index  int    `json:"index"`  // xdp: of the interface
	Flags  int    `json:"flags"`  // perf_event
	// perf_event: members of struct perf_event_attr by name
	Event map[string]uint64 `json:"event"`
}

var hooks = map[string]func(*ebpf.Program, Target, Env) (io.Closer, error){
	"kprobe":         kprobe,
	"kretprobe":      kretprobe,
	"uprobe":         uprobe,
	"uretprobe":      uretprobe,
	"tracepoint":     tracepoint,
	"raw_tracepoint": rawTracepoint,
	"perf_event":     perfEvent,
	"cgroup":         cgroup,
	"netns":          netns,
	"xdp":            xdp,
}

// Attach attaches a program; closing the result detaches it.
func Attach(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	attach, ok := hooks[target.Hook]
	if !ok {
		return nil, failed(target, errors.New("no such hook"), "")
	}
	return attach(program, target, env)
}

func (t Target) String() string {
	switch t.Hook {
	case "cgroup", "netns":
		return fmt.Sprintf("%s %d", t.Name, t.FD)
	case "uprobe", "uretprobe":
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
	return &fault.Error{Kind: kind, Op: "attach " + target.Hook, Subject: target.String(), Cause: cause, Hint: hint}
}
