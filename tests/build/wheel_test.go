package build

import (
	"archive/zip"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

// packages are the names that scripts import.
var packages = []string{"coolbpf", "pylcc", "surftrace"}

func TestWheel(t *testing.T) {
	name := built(t, "dist/coolbpf-*.whl")
	wheel, err := zip.OpenReader(name)
	if err != nil {
		t.Fatal(err)
	}
	defer wheel.Close()
	if !strings.HasSuffix(name, "-py2.py3-none-manylinux1_x86_64.manylinux2014_x86_64.whl") {
		t.Errorf("tags of %s", name)
	}
	modes := map[string]fs.FileMode{}
	for _, file := range wheel.File {
		modes[file.Name] = file.Mode()
	}
	for _, wanted := range []string{
		"pylcc/__init__.py",
		"surftrace/__init__.py",
		"coolbpf/coolbpf.py",
		"coolbpf/coolbpf.pyi",
		"coolbpf/py.typed",
		"pylcc/lbcBase.pyi",
		"pylcc/py.typed",
		"surftrace/surftrace.pyi",
		"surftrace/py.typed",
		"pylcc/native/liblcc.so",
		"pylcc/native/bpf-clang",
		"pylcc/native/include/bpf/bpf_helpers.h",
		"pylcc/native/include/bpf/usdt.bpf.h",
		"pylcc/native/include/clang/stddef.h",
		"pylcc/native/licences/libbpf",
		"pylcc/native/licences/clang-headers",
		"pylcc/native/licences/liblcc/go",
		"pylcc/native/licences/liblcc/zig",
		"pylcc/native/licences/liblcc/github.com/cilium/ebpf",
		"pylcc/native/licences/bpf-clang/libclang-19-dev",
		"pylcc/native/licences/bpf-clang/libc6-dev",
		"pylcc/native/licences/bpf-clang/relink.txt",
	} {
		if _, ok := modes[wanted]; !ok {
			t.Errorf("%s is not in it", wanted)
		}
	}
	// pip gives the right to execute to what has it here.
	if mode := modes["pylcc/native/bpf-clang"]; mode.Perm() != 0o755 {
		t.Errorf("bpf-clang has mode %v", mode)
	}
	for name := range modes {
		if top, _, _ := strings.Cut(name, "/"); !slices.Contains(packages, top) && !strings.HasSuffix(top, ".dist-info") {
			t.Errorf("%s is outside of %s", name, packages)
		}
		if strings.HasPrefix(name, "pylcc/compat") {
			t.Errorf("%s is there a second time", name)
		}
		if ext := path.Ext(name); ext == ".pyc" || ext == ".go" {
			t.Errorf("%s does not belong there", name)
		}
	}
}
