package symbols

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"coolbpf/core/fault"
)

// Where says where a binary is looked for.
type Where struct {
	PID  int    // in the mount namespace of this process, and among what it has mapped; not positive: here
	Path string // ":"-separated directories of programs
}

// Locate opens a program or a shared library: by its path, relative to the current directory too; by
// its name among the programs of Path, the libraries, where "libc" means libc.so.6, or in the current
// directory, last: others may have filled it; "" is the program that the process runs. A file that the
// process does not see may be given by its path here.
func Locate(name string, where Where) (*os.File, string, error) {
	r := root(max(0, where.PID))
	if name == "" && r != 0 {
		return running(r)
	}
	var first error
	for _, at := range candidates(name, r, where.Path) {
		file, err := at.root.openFile(at.path)
		if err == nil {
			return file, at.path, nil
		}
		if first == nil || !errors.Is(err, fs.ErrNotExist) {
			first = err
		}
	}
	if r != 0 && errors.Is(first, fs.ErrNotExist) {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", r)); err != nil {
			return nil, "", gone(int(r))
		}
	}
	return nil, "", notFound(name, first)
}

func running(r root) (*os.File, string, error) {
	link := fmt.Sprintf("/proc/%d/exe", r)
	path, err := os.Readlink(link)
	if err != nil {
		return nil, "", gone(int(r))
	}
	file, err := root(0).openFile(link)
	return file, path, err
}

// spot is a path in the file system of a process.
type spot struct {
	root root
	path string
}

func candidates(name string, r root, path string) []spot {
	if filepath.IsAbs(name) {
		return []spot{{r, name}, {0, name}}
	}
	var here, spots []spot
	if path, err := filepath.Abs(name); err == nil {
		here = []spot{{0, path}}
	}
	if name == "" || strings.Contains(name, "/") {
		return here
	}
	for _, found := range mapped(name, int(r)) {
		spots = append(spots, spot{r, found})
	}
	for _, dir := range filepath.SplitList(path) {
		if filepath.IsAbs(dir) {
			spots = append(spots, spot{r, filepath.Join(dir, name)})
		}
	}
	for _, found := range libraries(name, r) {
		spots = append(spots, spot{r, found})
	}
	return append(spots, here...)
}

// mapped are the libraries of that name that a process uses.
func mapped(name string, pid int) (paths []string) {
	if pid == 0 {
		return nil
	}
	all, err := mappings(pid)
	if err != nil {
		return nil
	}
	for _, m := range all {
		if m.code && isLibrary(filepath.Base(m.path), name) {
			paths = append(paths, m.path)
		}
	}
	return paths
}

// isLibrary tells whether a file is what a short name means: libc.so.6 or libc-2.31.so for libc.
func isLibrary(file, name string) bool {
	rest, ok := strings.CutPrefix(file, name)
	return ok && (rest == "" || strings.HasPrefix(rest, ".so") || strings.HasPrefix(name, "lib") && versioned(rest))
}

func versioned(rest string) bool {
	return len(rest) > 1 && rest[0] == '-' && rest[1] >= '0' && rest[1] <= '9' && strings.Contains(rest, ".so")
}

// libraries are the files that the loader would take for a short name.
func libraries(name string, r root) (paths []string) {
	if data, err := r.read("/etc/ld.so.cache"); err == nil {
		for _, library := range parseCache(data) {
			if isLibrary(library[0], name) {
				paths = append(paths, library[1])
			}
		}
	}
	for _, dir := range []string{"/lib64", "/usr/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/local/lib", "/lib", "/usr/lib"} {
		if !strings.ContainsAny(name, `*?[\`) {
			paths = append(paths, r.list(dir, name+".so*")...)
		}
	}
	return paths
}

func notFound(name string, cause error) error {
	kind := fault.Invalid
	if !errors.Is(cause, fs.ErrNotExist) {
		kind = fault.System
	}
	if p := (*fs.PathError)(nil); errors.As(cause, &p) {
		cause = p.Err
	}
	return &fault.Error{Kind: kind, Op: "find binary", Subject: name, Cause: cause,
		Hint: "its path, a program on PATH, or a library such as libc is needed"}
}

func gone(pid int) error {
	return &fault.Error{Kind: fault.Invalid, Op: "look at process", Subject: fmt.Sprint(pid), Cause: errors.New("there is none of this number")}
}
