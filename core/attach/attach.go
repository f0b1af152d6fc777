// Package attach connects a loaded program with its target in the kernel, one file a hook.
package attach

import (
	"errors"
	"io"
	"io/fs"

	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/symbols"

	"github.com/cilium/ebpf"
)

// Env is what a hook may want to know. Symbols is asked for when an error is explained, not before.
type Env struct {
	Kernel  *kernel.Facts
	Symbols func() (*symbols.Kernel, error)
}

var hooks = map[string]func(*ebpf.Program, string, Env) (io.Closer, error){
	"kprobe":         kprobe,
	"kretprobe":      kretprobe,
	"tracepoint":     tracepoint,
	"raw_tracepoint": rawTracepoint,
}

// Attach attaches a program; closing the result detaches it.
func Attach(program *ebpf.Program, hook, target string, env Env) (io.Closer, error) {
	attach, ok := hooks[hook]
	if !ok {
		return nil, failed(hook, target, errors.New("no such hook"), "")
	}
	return attach(program, target, env)
}

func failed(hook, target string, cause error, hint string) error {
	kind := fault.Attach
	if errors.Is(cause, fs.ErrPermission) {
		kind = fault.Privilege
	}
	return &fault.Error{Kind: kind, Op: "attach " + hook, Subject: target, Cause: cause, Hint: hint}
}
