package kernel

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf/btf"
)

// places are where distributions keep a kernel's BTF, in the order in which libbpf looks.
func places(release string) []string {
	return []string{
		"/sys/kernel/btf/vmlinux",
		"/boot/vmlinux-" + release,
		"/lib/modules/" + release + "/vmlinux-" + release,
		"/lib/modules/" + release + "/build/vmlinux",
		"/usr/lib/modules/" + release + "/kernel/vmlinux",
		"/usr/lib/debug/boot/vmlinux-" + release,
		"/usr/lib/debug/boot/vmlinux-" + release + ".debug",
		"/usr/lib/debug/lib/modules/" + release + "/vmlinux",
	}
}

// LoadBTF reads a kernel's type information: from path, or where the kernel of that release has it.
// It returns the raw bytes and the same parsed.
func LoadBTF(path, release string) ([]byte, *btf.Spec, error) {
	looked := []string{path}
	if path == "" {
		looked = places(release)
	}
	for _, path := range looked {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, &fault.Error{Kind: fault.System, Op: "read BTF", Subject: path, Cause: err}
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
	return nil, nil, &fault.Error{Kind: fault.Missing, Op: "find BTF", Subject: "of kernel " + release,
		Cause: fmt.Errorf("looked for %s", strings.Join(looked, ", ")),
		Hint:  "the kernel needs CONFIG_DEBUG_INFO_BTF=y, or its vmlinux with BTF in /boot"}
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
