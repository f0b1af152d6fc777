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
}

func newLibrary(home string) library {
	l := library{embedded: header.Files()}
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
	if base, ok := strings.CutPrefix(name, "bpf/"); ok && l.libbpf != "" && filepath.IsLocal(base) {
		text, err := os.ReadFile(filepath.Join(l.libbpf, base))
		return string(text), err == nil
	}
	return "", false
}
