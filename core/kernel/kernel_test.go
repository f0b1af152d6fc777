package kernel

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coolbpf/core/fault"
)

func TestThis(t *testing.T) {
	f, err := This()
	if err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string]string{"-r": f.Release, "-m": f.Arch} {
		out, err := exec.Command("uname", flag).Output()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("uname %s: %s, want %s (%v)", flag, out, want, err)
		}
	}
}

func TestLoadBTF(t *testing.T) {
	f, err := This()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := LoadBTF("", f.Release)
	if err != nil {
		t.Skip(err)
	}
	spec, err := LoadSpec("", f.Release)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spec.AnyTypeByName("task_struct"); err != nil {
		t.Error(err)
	}
	// A file that the caller names is read instead, be it raw or inside an ELF file.
	copied := filepath.Join(t.TempDir(), "btf")
	if err := os.WriteFile(copied, raw.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := LoadBTF(copied, "none"); err != nil || len(again.Data) != len(raw.Data) {
		t.Error(err)
	}
}

func TestLoadBTFErrors(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "damaged")
	if err := os.WriteFile(damaged, []byte("\x9f\xeb\x01\x00garbage that is longer than a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, release string
		kind          fault.Kind
		parts         []string
	}{
		{"/nonexistent/btf", "1.2.3", fault.Missing, []string{"read BTF /nonexistent/btf: no such file"}},
		{damaged, "1.2.3", fault.Invalid, []string{"read BTF " + damaged}},
		{"/proc/self/exe", "1.2.3", fault.Invalid, []string{"no .BTF section"}},
		{"/", "1.2.3", fault.System, []string{"is a directory"}},
	} {
		_, err := LoadBTF(c.path, c.release)
		f := (*fault.Error)(nil)
		if !errors.As(err, &f) || f.Kind != c.kind {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		for _, part := range c.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q lacks %q", err, part)
			}
		}
	}
}

func FuzzRawBTF(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, data []byte) { rawBTF(data) })
}

func TestTracefs(t *testing.T) {
	f, err := This()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := f.Tracefs()
	if err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "events")); err != nil {
		t.Error(err)
	}
}

func TestPrivilege(t *testing.T) {
	f, err := This()
	if err != nil {
		t.Fatal(err)
	}
	err = f.Privilege()
	if root := os.Getuid() == 0; root && err != nil {
		t.Error(err)
	} else if !root && !strings.Contains(err.Error(), "CAP_BPF") {
		t.Error(err)
	}
}
