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
	"sync"

	"coolbpf/core/fault"
	"coolbpf/core/types"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
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
		return append([]string{own}, files...)
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
func LoadBTF(path, release string) (*types.Raw, error) {
	_, raw, err := findBTF(path, release)
	return raw, err
}

// LoadSpec reads and parses it: all of its types, which takes ten times longer.
func LoadSpec(path, release string) (*btf.Spec, error) {
	path, raw, err := findBTF(path, release)
	if err != nil {
		return nil, err
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw.Data))
	if err != nil {
		return nil, damaged(path, err)
	}
	return spec, nil
}

// LoadPart reads and parses those types alone that have one of the names, also with a flavour
// ("name___old"), and what they are made of. complete: each name is there.
func LoadPart(path, release string, names map[string]bool) (spec *btf.Spec, complete bool, err error) {
	path, raw, err := findBTF(path, release)
	if err != nil {
		return nil, false, err
	}
	flavours, roots, found := raw.Flavours(names), []types.ID{}, map[string]bool{}
	raw.Among(flavours).Each(func(id types.ID, _ types.Kind, name []byte, enumerator bool) {
		if !enumerator {
			roots = append(roots, id)
			found[string(name)] = true
		}
	})
	part, err := raw.Reduce(roots, nil)
	if err == nil {
		spec, err = btf.LoadSpecFromReader(bytes.NewReader(part))
	}
	if err != nil {
		return nil, false, damaged(path, err)
	}
	for name := range names {
		if !found[name] {
			return spec, false, nil
		}
	}
	return spec, true, nil
}

// findBTF says also which file it is.
func findBTF(path, release string) (string, *types.Raw, error) {
	if path != "" {
		raw, err := readBTF(path)
		return path, raw, err
	}
	var looked []string
	for _, path := range places(release) {
		raw, err := readBTF(path)
		if err == nil {
			return path, raw, nil
		}
		if f := (*fault.Error)(nil); errors.As(err, &f) && !errors.Is(err, fs.ErrNotExist) {
			path += " (" + f.Cause.Error() + ")"
		}
		looked = append(looked, path)
	}
	return "", nil, &fault.Error{Kind: fault.Missing, Op: "find BTF", Subject: "of kernel " + release,
		Cause: fmt.Errorf("looked for %s", strings.Join(looked, ", ")),
		Hint:  "the kernel needs CONFIG_DEBUG_INFO_BTF=y, or its vmlinux with BTF in /boot"}
}

func readBTF(path string) (*types.Raw, error) {
	data, err := content(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if data, err = rawBTF(data); err != nil {
		return nil, damaged(path, err)
	}
	raw, err := types.New(data)
	if err != nil {
		return nil, damaged(path, err)
	}
	return raw, nil
}

// own is where the running kernel has its BTF.
const own = "/sys/kernel/btf/vmlinux"

func content(path string) ([]byte, error) {
	if path == own {
		if data := mapped(); data != nil {
			return data, nil
		}
	}
	return os.ReadFile(path)
}

// mapped is the memory in which the kernel has its BTF (Linux 6.16), nil where it cannot be seen. It
// takes none of this process and never changes: it is mapped once and stays.
var mapped = sync.OnceValue(func() []byte {
	file, err := os.Open(own)
	if err != nil {
		return nil
	}
	defer file.Close()
	var system unix.Statfs_t
	info, err := file.Stat()
	if err != nil || unix.Fstatfs(int(file.Fd()), &system) != nil || system.Type != unix.SYSFS_MAGIC || info.Size() == 0 {
		return nil // a file that somebody put there may change
	}
	data, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return data
})

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
	spec, err := LoadSpec(path, release)
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
