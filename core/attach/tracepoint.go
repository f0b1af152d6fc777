package attach

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// tracepoint attaches to "category/name".
func tracepoint(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	category, name, ok := strings.Cut(target.Name, "/")
	if !ok {
		return nil, failed(target, errors.New("no category"), "the section is tracepoint/category/name")
	}
	dir, err := env.Kernel.Tracefs()
	if err != nil {
		return nil, err
	}
	l, err := link.Tracepoint(category, name, program, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failed(target, errors.New("no such tracepoint"), closest(target.Name, tracepoints(dir), allTracepoints))
	}
	if errors.Is(err, unix.EACCES) {
		return nil, failed(target, unix.EACCES, paranoid)
	}
	if err != nil {
		return nil, failed(target, err, "")
	}
	return l, nil
}

// tracepoints lists "category/name" of all that tracefs has.
func tracepoints(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, "events", "*", "*", "id"))
	for i, path := range found {
		found[i], _ = filepath.Rel(filepath.Join(dir, "events"), filepath.Dir(path))
	}
	return found
}

// rawTracepoint attaches to "name"; a category before it is left out.
func rawTracepoint(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: filepath.Base(target.Name), Program: program})
	if errors.Is(err, os.ErrNotExist) {
		var names []string
		if dir, err := env.Kernel.Tracefs(); err == nil {
			for _, name := range tracepoints(dir) {
				names = append(names, filepath.Base(name))
			}
		}
		return nil, failed(target, errors.New("no such tracepoint"), closest(filepath.Base(target.Name), names, allTracepoints))
	}
	if err != nil {
		return nil, failed(target, err, "")
	}
	return l, nil
}

const allTracepoints = "see events/ in tracefs"

func closest(name string, names []string, otherwise string) string {
	if near := fault.Closest(name, slices.Values(names)); near != "" {
		return "closest: " + near
	}
	return otherwise
}
