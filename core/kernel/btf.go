package kernel

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf/btf"
)

// places are where a kernel's BTF may be, in the order in which libbpf looks: the running one has it
// itself, for all of them distributions have files.
func places(release string) []string {
	files := []string{
		"/boot/vmlinux-" + release,
		"/lib/modules/" + release + "/vmlinux-" + release,
		"/lib/modules/" + release + "/build/vmlinux",
		"/usr/lib/modules/" + release + "/kernel/vmlinux",
		"/usr/lib/debug/boot/vmlinux-" + release,
		"/usr/lib/debug/boot/vmlinux-" + release + ".debug",
		"/usr/lib/debug/lib/modules/" + release + "/vmlinux",
	}
	if f, err := This(); err == nil && f.Release == release {
		return append([]string{"/sys/kernel/btf/vmlinux"}, files...)
	}
	return files
}

// HasBTF tells whether a file is where LoadBTF looks for the types of that kernel.
func HasBTF(release string) bool {
	return slices.ContainsFunc(places(release), func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	})
}

// LoadBTF reads a kernel's type information: from path, or where the kernel of that release has it.
// It returns the raw bytes and the same parsed.
func LoadBTF(path, release string) ([]byte, *btf.Spec, error) {
	_, raw, spec, err := findBTF(path, release)
	return raw, spec, err
}

// findBTF says also which file it is.
func findBTF(path, release string) (string, []byte, *btf.Spec, error) {
	if path != "" {
		raw, spec, err := readBTF(path)
		return path, raw, spec, err
	}
	var looked []string
	for _, path := range places(release) {
		raw, spec, err := readBTF(path)
		if err == nil {
			return path, raw, spec, nil
		}
		if f := (*fault.Error)(nil); errors.As(err, &f) && !errors.Is(err, fs.ErrNotExist) {
			path += " (" + f.Cause.Error() + ")"
		}
		looked = append(looked, path)
	}
	return "", nil, nil, &fault.Error{Kind: fault.Missing, Op: "find BTF", Subject: "of kernel " + release,
		Cause: fmt.Errorf("looked for %s", strings.Join(looked, ", ")),
		Hint:  "the kernel needs CONFIG_DEBUG_INFO_BTF=y, or its vmlinux with BTF in /boot"}
}

func readBTF(path string) ([]byte, *btf.Spec, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	raw, err := rawBTF(data)
	if err != nil {
		return nil, nil, damaged(path, err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, damaged(path, err)
	}
	return raw, spec, nil
}

func unreadable(path string, err error) error {
	kind := fault.System
	if errors.Is(err, fs.ErrNotExist) {
		kind = fault.Missing
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	return &fault.Error{Kind: kind, Op: "read BTF", Subject: path, Cause: err}
}

func damaged(path string, cause error) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read BTF", Subject: path, Cause: cause}
}

// rawBTF is the data itself, or the .BTF section when it is an ELF file such as vmlinux.
func rawBTF(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte(elf.ELFMAG)) {
		return data, nil
	}
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := file.Section(".BTF")
	if section == nil {
		return nil, errors.New("it has no .BTF section")
	}
	return section.Data()
}

// Targets are the names that a program can be loaded for, without the prefix: functions, with
// btf_trace_ tracepoints, with bpf_lsm_ hooks of the security modules.
func Targets(path, release, prefix string) ([]string, error) {
	_, spec, err := LoadBTF(path, release)
	if err != nil {
		return nil, err
	}
	var names []string
	for typ, err := range spec.All() {
		if err != nil {
			return nil, err
		}
		_, function := typ.(*btf.Func)
		_, typedef := typ.(*btf.Typedef) // of a tracepoint
		if name, ok := strings.CutPrefix(typ.TypeName(), prefix); ok && (function || typedef && prefix != "") {
			names = append(names, name)
		}
	}
	return names, nil
}
