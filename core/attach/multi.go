package attach

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// kprobeMulti attaches to every function of the kernel that a pattern of * and ? matches, at once.
func kprobeMulti(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	return toMany(link.KprobeMulti, program, target, env)
}

func kretprobeMulti(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	return toMany(link.KretprobeMulti, program, target, env)
}

func toMany(attach func(*ebpf.Program, link.KprobeMultiOptions) (link.Link, error),
	program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	if !env.Kernel.HasKprobes() {
		return nil, failed(target, errNoKprobes, noKprobes)
	}
	functions, err := traceable(env, target.Name)
	if err != nil {
		return nil, failed(target, err, "")
	}
	wanted := functions
	if len(functions) == 0 {
		wanted = []string{target.Name} // a kernel that cannot says so before it looks
	}
	l, err := attach(program, link.KprobeMultiOptions{Symbols: wanted})
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, ebpf.ErrNotSupported):
		return nil, failed(target, err, "this needs Linux 5.18, built with CONFIG_FPROBE")
	case len(functions) > 0:
		return nil, failed(target, err, "")
	case strings.ContainsAny(target.Name, "*?"):
		return nil, failed(target, errors.New("no function matches"), "available_filter_functions in tracefs lists them")
	}
	cause, hint := why(target.Name, env)
	return nil, failed(target, cause, hint)
}

// traceable lists the functions that match, of those that can be traced. A name that several have
// is left out: the kernel would refuse it.
func traceable(env Env, pattern string) ([]string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, err
	}
	dir, err := env.Kernel.Tracefs()
	if err != nil {
		return nil, err
	}
	file, err := os.Open(dir + "/available_filter_functions")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return matching(file, pattern)
}

// invalid begins what the kernel lists in place of a weak function that was left out (from 6.0).
const invalid = "__ftrace_invalid_address___"

func matching(listed io.Reader, pattern string) ([]string, error) {
	times := map[string]int{}
	var names []string
	lines := bufio.NewScanner(listed)
	for lines.Scan() {
		name, _, _ := strings.Cut(lines.Text(), " ")
		if ok, _ := path.Match(pattern, name); ok && !strings.HasPrefix(name, invalid) {
			if times[name]++; times[name] == 1 {
				names = append(names, name)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	kept := names[:0]
	for _, name := range names {
		if times[name] == 1 {
			kept = append(kept, name)
		}
	}
	return kept, nil
}
