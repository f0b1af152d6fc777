package session

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"coolbpf/core/attach"
	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/object"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// explain makes a sentence of why the kernel does not take an object.
func explain(err error, o *object.Object, facts *kernel.Facts, opts Options) error {
	f := &fault.Error{Kind: fault.Load, Op: "load", Subject: "BPF object", Cause: err}
	for _, p := range o.Programs {
		if cause, ok := about(err, "program "+p.Name+": "); ok {
			f.Op, f.Subject, f.Cause = "load program", p.Name, cause
			if errors.Is(err, ebpf.ErrNotSupported) && (p.Hook == "tracing" || p.Hook == "lsm") {
				f.Cause, f.Hint = untraced(p, facts, opts)
				return f
			}
		}
	}
	for _, m := range o.Maps {
		if cause, ok := about(err, "map "+m.Name+": "); ok {
			f.Op, f.Subject, f.Cause = "create map", m.Name, cause
		}
	}
	verifier := (*ebpf.VerifierError)(nil)
	switch {
	case errors.Is(err, unix.EMFILE): // the log, if any, is of no fault
		f.Kind, f.Cause = fault.System, unix.EMFILE
	case errors.As(err, &verifier) && len(verifier.Log) > 0:
		f.Detail = strings.Join(verifier.Log, "\n") + "\n"
		f.Cause = fmt.Errorf("%s: %w", reason(verifier.Log), verifier.Cause)
		f.Hint = hint(f.Detail)
	case f.Op == "create map" && !errors.Is(err, fs.ErrPermission):
		if hint := mapHint(err, f.Subject, o); hint != "" {
			f.Cause, f.Hint = fault.Errno(err), hint // the library guesses, too
		}
	case errors.Is(err, fs.ErrPermission):
		f.Kind, f.Cause = fault.Privilege, fault.Errno(err) // the library guesses at the limit of locked memory, which was raised
		f.Hint = "is the kernel locked down (/sys/kernel/security/lockdown), or the process confined?"
	// A variable of bpf/usdt.bpf.h alone; the library names it where the kernel's configuration is to be found.
	case noOption.MatchString(err.Error()) && o.NeedsOption("LINUX_HAS_BPF_COOKIE"):
		f.Cause, f.Hint = attach.ErrUSDT, attach.InsteadOfUSDT
	case strings.Contains(err.Error(), "no BTF found"):
		if _, missing := kernel.LoadBTF("", facts.Release); missing != nil {
			return missing
		}
	}
	return f
}

// untraced says why a program cannot be loaded for its target: the kernel has none of that name, or
// cannot attach to what is there.
func untraced(p object.Program, facts *kernel.Facts, opts Options) (cause error, hint string) {
	kind, prefix, needs := "functions", "", "this needs Linux 5.5, on arm64 6.0"
	switch {
	case p.Hook == "lsm":
		kind, prefix, needs = "hooks of the security modules", "bpf_lsm_", "this needs Linux 5.7 with CONFIG_BPF_LSM=y, on arm64 6.0"
	case strings.HasPrefix(p.Section, "tp_btf/"):
		kind, prefix, needs = "tracepoints by their types", "btf_trace_", "this needs Linux 5.5"
	}
	names, err := kernel.Targets(opts.BTF, facts.Release, prefix)
	if err == nil && slices.Contains(names, p.Target) {
		return errors.New("this kernel cannot attach to " + kind), needs
	}
	cause = fmt.Errorf("the kernel has nothing of the name %s to attach %s to", p.Target, p.Section)
	if err != nil {
		return cause, err.Error()
	}
	return cause, closest(p.Target, names)
}

func closest(target string, names []string) string {
	if near := fault.Closest(target, slices.Values(names)); near != "" {
		return "closest: " + near
	}
	return "functions that were inlined are not there"
}

// counted are maps whose number of entries is not 0.
var counted = []ebpf.MapType{ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.Array, ebpf.PerCPUArray, ebpf.RingBuf}

// mapHint is what may be wrong with a map's declaration.
func mapHint(err error, name string, o *object.Object) string {
	spec := o.Spec.Maps[name]
	switch {
	case errors.Is(err, unix.EINVAL) && (spec.Type == ebpf.Array || spec.Type == ebpf.PerCPUArray) && spec.KeySize != 4:
		return fmt.Sprintf("the key of an array is a u32, this one has %d bytes", spec.KeySize)
	case errors.Is(err, unix.EINVAL) && spec.MaxEntries == 0 && slices.Contains(counted, spec.Type):
		return "it has room for no entry"
	case errors.Is(err, unix.EINVAL):
		return "this kernel does not take a map of this kind with such sizes of key and value, or so many entries"
	case errors.Is(err, unix.E2BIG), errors.Is(err, unix.ENOMEM):
		return fmt.Sprintf("%d entries of %d bytes are more than the kernel can hold", spec.MaxEntries, spec.KeySize+spec.ValueSize)
	}
	return ""
}

// about tells whether a message begins with a prefix, and returns the error without it.
func about(err error, prefix string) (error, bool) {
	cause := errors.Unwrap(err)
	return cause, cause != nil && strings.HasPrefix(err.Error(), prefix)
}

// reason is the end of a verifier log: what it did not like, and the line of C it was at.
func reason(log []string) string {
	last, source := "", ""
	for _, line := range log {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "cur state: "), strings.HasPrefix(line, "old state: "): // of a loop
		case line == "" || strings.HasPrefix(line, "; instruction poisoned") || strings.HasPrefix(line, "processed ") || strings.HasPrefix(line, "verification time"):
		case strings.HasPrefix(line, "; "):
			source, _, _ = strings.Cut(line[2:], " @ ")
		default:
			last = line
		}
	}
	if source == "" {
		return last
	}
	return fmt.Sprintf("%s, at \"%s\"", last, strings.TrimSpace(source))
}

// poisoned is what the verifier says of an instruction that depends on a type which the kernel lacks.
const poisoned = "invalid func unknown#195896080"

// hints are remedies for what a verifier log contains.
var hints = []struct{ says, hint string }{
	{"GPL-restricted", `the source lacks: char _license[] SEC("license") = "GPL"`},
	{poisoned, "this kernel lacks a type or member that the line reads: test for it with bpf_core_field_exists()"},
	{"unknown func", "this kernel, or this kind of program, has no such helper"},
	{"invalid func unknown", "this kernel, or this kind of program, has no such helper"},
	{"invalid mem access 'map_value_or_null'", "test the result of bpf_map_lookup_elem() for NULL first"},
	{"invalid mem access 'scalar'", "kernel memory is read with _() or BPF_CORE_READ()"},
	{"invalid mem access 'inv'", "kernel memory is read with _() or BPF_CORE_READ()"},
	{"infinite loop", "a loop needs an end that the verifier can see: for (i = 0; i < 100; i++)"},
	{"back-edge", "kernels before 5.3 take no loops: #pragma unroll"},
	{"program is too large", "the program is too complex for this kernel"},
}

func hint(log string) string {
	for _, h := range hints {
		if strings.Contains(log, h.says) {
			return h.hint + "; the verifier's whole log is in .log"
		}
	}
	return "the verifier's whole log is in .log"
}
