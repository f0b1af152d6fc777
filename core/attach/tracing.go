package attach

import (
	"errors"
	"io"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// tracing attaches what was loaded for a function or tracepoint of the kernel's BTF: fentry, fexit,
// fmod_ret, tp_btf.
func tracing(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	l, err := link.AttachTracing(link.TracingOptions{Program: program, AttachType: env.AttachType})
	if err != nil {
		return nil, failed(target, err, whyNotTraced(err, "such programs need a kernel built with CONFIG_FUNCTION_TRACER and, on arm64, at least 6.0"))
	}
	return l, nil
}

// lsm attaches to a hook of the security modules.
func lsm(program *ebpf.Program, target Target, _ Env) (io.Closer, error) {
	l, err := link.AttachLSM(link.LSMOptions{Program: program})
	if err != nil {
		return nil, failed(target, err, whyNotTraced(err, "the kernel needs CONFIG_BPF_LSM=y, and bpf in its list of security modules: lsm=...,bpf on its command line"))
	}
	return l, nil
}

// whyNotTraced is what a kernel needs where it is that which cannot.
func whyNotTraced(err error, needs string) string {
	switch {
	case errors.Is(err, ebpf.ErrNotSupported), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return needs
	case errors.Is(err, unix.E2BIG):
		return "too many programs are attached to it"
	case errors.Is(err, unix.EBUSY):
		return "something else changes this function: a live patch, or another program"
	}
	return ""
}

// ksyscall attaches to the kernel's function for a system call, whatever the machine calls it.
func ksyscall(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	return atSyscall(link.Kprobe, program, target, env)
}

func kretsyscall(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	return atSyscall(link.Kretprobe, program, target, env)
}

func atSyscall(attach probe, program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	if !env.Kernel.HasKprobes() {
		return nil, failed(target, errNoKprobes, noKprobes)
	}
	// The library puts __x64_ and the like before sys_.
	return enter(attach, "sys_"+target.Name, 0, program, target, env, func(err error) (error, string) {
		table, unknown := env.Symbols.Kernel()
		if unknown != nil {
			return err, ""
		}
		calls := map[string]bool{}
		var names []string
		for name := range table.Names() {
			if _, call, ok := strings.Cut(name, "_sys_"); ok && strings.HasPrefix(name, "__") && !calls[call] {
				calls[call] = true
				names = append(names, call)
			}
		}
		if calls[target.Name] {
			return err, ""
		}
		return errors.New("no such system call"), closest(target.Name, names, "man 2 syscalls lists them")
	})
}
