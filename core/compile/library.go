package compile

import (
	"os"
	"path/filepath"
	"strings"

	"coolbpf/core/header"
)

// library is the headers that a source may include without having them.
type library struct {
	embedded map[string]string // ours, by name
	libbpf   string            // directory of bpf_helpers.h, or ""
	clang    string            // directory of stdbool.h and the like, which need not be there
}

func newLibrary(home string) library {
	l := library{embedded: header.Files(), clang: filepath.Join(home, "include", "clang")}
	for _, dir := range []string{filepath.Join(home, "include", "bpf"), "/usr/include/bpf"} {
		if filepath.IsAbs(dir) && isFile(filepath.Join(dir, "bpf_helpers.h")) {
			l.libbpf = dir
			break
		}
	}
	return l
}

// open returns the text of a header, and whether there is one of that name. The text of vmlinux.h
// depends on the source, so it has none here.
func (l library) open(name string) (string, bool) {
	if name == "vmlinux.h" {
		return "", true
	}
	if text, ok := l.embedded[name]; ok {
		return text, true
	}
	dir, base := l.clang, name
	if inner, ok := strings.CutPrefix(name, "bpf/"); ok {
		dir, base = l.libbpf, inner
	}
	if !filepath.IsAbs(dir) || !filepath.IsLocal(base) {
		return "", false
	}
	text, err := os.ReadFile(filepath.Join(dir, base))
	return string(text), err == nil
}
