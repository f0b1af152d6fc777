package attach

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"coolbpf/core/fault"
	"coolbpf/core/symbols"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

type probe func(string, *ebpf.Program, *link.KprobeOptions) (link.Link, error)

var errNoKprobes = errors.New("this kernel has no kprobes")

const noKprobes = "it is built without CONFIG_KPROBES; use a tracepoint: SEC(\"tracepoint/category/name\") or SEC(\"raw_tracepoint/name\")"

// kprobe attaches to "function" or "function+offset".
func kprobe(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	return probeAt(link.Kprobe, program, target, env)
}

func kretprobe(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	return probeAt(link.Kretprobe, program, target, env)
}

func probeAt(attach probe, program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	if !env.Kernel.HasKprobes() {
		return nil, failed(target, errNoKprobes, noKprobes)
	}
	function, plus, _ := strings.Cut(target.Name, "+")
	offset := uint64(0)
	if plus != "" {
		var err error
		if offset, err = strconv.ParseUint(plus, 0, 64); err != nil {
			return nil, failed(target, errors.New("the offset is no number"), "")
		}
	}
	if strings.ContainsAny(function, " \t*?,") {
		return nil, failed(target, errors.New("this is not the name of one function"), "a pattern is for SEC(\"kprobe.multi/pattern\"), from 5.18")
	}
	return enter(attach, function, offset, program, target, env, func(error) (error, string) {
		cause, hint := why(function, env)
		if offset != 0 && errors.Is(cause, errUnprobeable) {
			hint = "is the offset that of an instruction?"
		}
		return cause, hint
	})
}

// enter attaches to a function; explain says what is wrong where neither kernel nor library knows it.
func enter(attach probe, function string, offset uint64, program *ebpf.Program, target Target, env Env,
	explain func(error) (error, string)) (io.Closer, error) {
	// The library may look for tracefs, and remembers for ever when it was not there. Where it cannot
	// be mounted there are other ways.
	env.Kernel.Tracefs()
	l, err := attach(function, program, &link.KprobeOptions{Offset: offset})
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EADDRNOTAVAIL):
		cause, hint := explain(err)
		return nil, failed(target, cause, hint)
	case errors.Is(err, unix.EACCES):
		return nil, failed(target, unix.EACCES, paranoid)
	}
	return nil, failed(target, err, "")
}

var errUnprobeable = errors.New("this function cannot be probed")

// paranoid is about Debian and others, where CAP_PERFMON does not do.
const paranoid = "run as root or with CAP_SYS_ADMIN; CAP_PERFMON is enough after: sysctl kernel.perf_event_paranoid=2"

// why explains the kernel's and the library's answers, which do not tell these cases apart.
func why(function string, env Env) (cause error, hint string) {
	table, err := env.Symbols.Kernel()
	if err != nil {
		return errors.New("it cannot be probed"), err.Error()
	}
	switch one, several := table.Has(function); {
	case several:
		return errors.New("several functions have this name"), "the kernel cannot tell which is meant; probe another function, or a tracepoint"
	case one:
		return errUnprobeable, "see blacklist in /sys/kernel/debug/kprobes; probe what calls it, or what it calls"
	}
	return errors.New("no such symbol"), nearby(function, table)
}

// nearby names the forms that the compiler made of a function, or the function of the closest name.
func nearby(function string, table *symbols.Kernel) string {
	if twins := table.Twins(function); len(twins) > 0 {
		return "the compiler made it " + strings.Join(twins, ", ")
	}
	if closest := fault.Closest(function, table.Names()); closest != "" {
		return "closest: " + closest
	}
	return "see /proc/kallsyms; functions that were inlined are not there"
}
