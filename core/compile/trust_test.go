package compile

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"
)

const nobody = 65534

func root(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: sudo go test ./core/compile")
	}
}

func TestDamagedFile(t *testing.T) {
	b := newBench(t).source(tracer)
	whole := string(b.make("compiled").Artefact)
	self, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"truncated":              {whole[:len(whole)/2], "truncated"},
		"without its last byte":  {whole[:len(whole)-1], "truncated"},
		"empty":                  {"", "empty"},
		"garbage":                {"garbage", "not an ELF file"},
		"of another machine":     {string(self), "a shared object without a BPF object in it"},
		"with one byte too many": {whole + "x", "foreign data"},
	} {
		b.write("t.so", c.text)
		if r := b.make("compiled"); len(r.Report.Notes) != 0 {
			t.Errorf("%s: %v", name, r.Report.Notes)
		}
		b.make("reused")
		b.write("t.so", c.text)
		text := b.Source
		b.Source = nil
		b.fails(fault.Invalid, "read "+b.at("t.so")+": not a BPF object of coolbpf", c.want)
		b.Source = text
	}
}

func TestDirectoryInItsPlace(t *testing.T) {
	b := newBench(t).source(tracer)
	if err := os.Mkdir(b.at("t.so"), 0o755); err != nil {
		t.Fatal(err)
	}
	if r := b.make("compiled"); len(r.Report.Notes) == 0 || !strings.Contains(strings.Join(r.Report.Notes, "\n"), "not kept") {
		t.Errorf("%v", r.Report.Notes)
	}
	b.Source = nil
	b.fails(fault.System, b.at("t.so"), "is a directory")
}

func TestFileOfSomebodyElse(t *testing.T) {
	root(t)
	b := newBench(t).source(tracer)
	b.make("compiled")
	foreign := func(name string) {
		t.Helper()
		if err := os.Chown(b.at(name), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	foreign("t.so")
	if r := b.make("compiled"); len(r.Report.Notes) != 1 || !strings.Contains(r.Report.Notes[0], "belongs to nobody") {
		t.Errorf("%v", r.Report.Notes)
	}
	if r := b.make("reused"); len(r.Report.Notes) != 0 {
		t.Errorf("%v", r.Report.Notes)
	}
	text := b.Source
	b.Source = nil
	foreign("t.so")
	b.fails(fault.Invalid, "read "+b.at("t.so"), "belongs to nobody")
	b.write("t.bpf.c", tracer)
	foreign("t.bpf.c")
	b.fails(fault.Invalid, "read "+b.at("t.bpf.c"), "belongs to nobody")
	b.Source = text
	b.write("x.h", "")
	foreign("x.h")
	b.source("#include \"x.h\"\n"+tracer).fails(fault.Invalid, "read "+b.at("x.h"), "belongs to nobody")
}

func TestLinks(t *testing.T) {
	b := newBench(t).source(tracer)
	b.make("compiled")
	for _, name := range []string{"t.so", "t.bpf.c"} {
		b.write("target", *b.Source)
		if err := errors.Join(os.RemoveAll(b.at(name)), os.Symlink("target", b.at(name))); err != nil {
			t.Fatal(err)
		}
	}
	b.make("compiled")
	if s, err := os.Lstat(b.at("t.so")); err != nil || !s.Mode().IsRegular() {
		t.Errorf("the link was not replaced: %v", err)
	}
	if text, err := os.ReadFile(b.at("target")); err != nil || string(text) != tracer {
		t.Errorf("the link's target was written: %v", err)
	}
	b.Source = nil
	b.fails(fault.Invalid, "read "+b.at("t.bpf.c"), "symbolic link")
}

// A header may be a link to one that its directory's owner could have written.
func TestLinkedHeader(t *testing.T) {
	root(t)
	b, other := newBench(t), filepath.Join(t.TempDir(), "real.h")
	if err := errors.Join(os.WriteFile(other, []byte("#define ZERO 0\n"), 0o644), os.Symlink(other, b.at("x.h"))); err != nil {
		t.Fatal(err)
	}
	b.source("#include \"x.h\"\nint zero = ZERO;\n" + tracer).make("compiled")
	if err := os.WriteFile(other, []byte("#define ZERO 00\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.make("compiled")
	if err := errors.Join(os.Chown(other, nobody, nobody), os.Chown(filepath.Dir(other), nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	b.fails(fault.Invalid, "read "+b.at("x.h"), "belongs to nobody")
}

// What we have not read counts for no key.
func TestIncludeThatIsNotFollowed(t *testing.T) {
	b, other := newBench(t), filepath.Join(t.TempDir(), "a b.h")
	if err := os.WriteFile(other, []byte("int x;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.source("#define H \""+other+"\"\n#include H\n"+tracer).fails(fault.Compile, "compile t.bpf.c: it includes "+other+" by a name")
	outside := strings.Repeat("../", 30) + other[1:]
	b.source("#define H \""+outside+"\"\n#include H\n"+tracer).fails(fault.Compile, "compile t.bpf.c: it includes ")
	b.source("#include \"" + other + "\"\n" + tracer).make("compiled")
}

func TestWhereNothingCanBeKept(t *testing.T) {
	root(t)
	mount := func(b *bench, args ...string) {
		b.Helper()
		if out, err := exec.Command("mount", append(args, b.Work)...).CombinedOutput(); err != nil {
			b.Skipf("mount: %v %s(needs CAP_SYS_ADMIN)", err, out)
		}
		b.Cleanup(func() {
			if out, err := exec.Command("umount", b.Work).CombinedOutput(); err != nil {
				b.Errorf("umount: %v %s", err, out)
			}
		})
	}
	check := func(b *bench, why string) {
		b.Helper()
		for range 2 {
			r := b.make("compiled")
			if len(r.Report.Notes) != 1 || !strings.Contains(r.Report.Notes[0], "write "+b.at("t.so")+": "+why) ||
				!strings.Contains(r.Report.Notes[0], "not kept") {
				b.Errorf("%v", r.Report.Notes)
			}
		}
		if entries, err := os.ReadDir(b.Work); err != nil || len(entries) != 0 {
			b.Errorf("left behind: %v, %v", entries, err)
		}
	}
	t.Run("full", func(t *testing.T) {
		b := newBench(t).source(tracer)
		mount(b, "-t", "tmpfs", "-o", "size=4k", "tmpfs")
		check(b, "no space left on device")
	})
	t.Run("read-only", func(t *testing.T) {
		b := newBench(t).source(tracer)
		mount(b, "-t", "tmpfs", "-o", "ro", "tmpfs")
		check(b, "read-only file system")
	})
	t.Run("no such directory", func(t *testing.T) {
		b := newBench(t).source(tracer)
		b.Work += "/none"
		if r := b.make("compiled"); len(r.Report.Notes) != 1 || !strings.Contains(r.Report.Notes[0], "no such file") {
			t.Errorf("%v", r.Report.Notes)
		}
	})
}

func TestPrivateDirectory(t *testing.T) {
	b := newBench(t).source(tracer)
	temp := t.TempDir()
	b.Temp = temp
	b.make("compiled")
	b.source("int x = ;").fails(fault.Compile, "t.bpf.c:1:9")
	if entries, err := os.ReadDir(temp); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	b.Temp = "/nonexistent"
	b.source(tracer+" ").fails(fault.System, "private directory", "/nonexistent", "no such file", "TMPDIR")
	root(t)
	for _, size := range []string{"4k", "64k", "4096k", "8192k"} {
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", temp).CombinedOutput(); err != nil {
			t.Skipf("mount: %v %s", err, out)
		}
		b.Temp = temp
		// The needed header is small: make the object large.
		f := b.source("char a[8<<20] = {1};\n"+tracer).fails(fault.System, "private directory", "no space left on device", "TMPDIR")
		if !errors.Is(f, syscall.ENOSPC) {
			t.Errorf("size %s: %v", size, f)
		}
		if out, err := exec.Command("umount", temp).CombinedOutput(); err != nil {
			t.Fatalf("umount: %v %s", err, out)
		}
	}
}

// What a killed process left is taken away after an hour, and nothing else.
func TestSweep(t *testing.T) {
	b := newBench(t).source(tracer)
	b.Temp = t.TempDir()
	for name, age := range map[string]time.Duration{private + "old": 2 * time.Hour, private + "new": 0, "coolbpf-1.0": 2 * time.Hour} {
		path := filepath.Join(b.Temp, name)
		if err := os.MkdirAll(filepath.Join(path, "ours"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	b.make("compiled")
	entries, err := os.ReadDir(b.Temp)
	if err != nil || len(entries) != 2 || entries[0].Name() != private+"new" || entries[1].Name() != "coolbpf-1.0" {
		t.Errorf("%v, %v", entries, err)
	}
	// One that is old and in use stays.
	used := filepath.Join(b.Temp, private+"used")
	if err := errors.Join(os.Mkdir(used, 0o700), os.Chtimes(used, time.Now(), time.Now().Add(-time.Hour))); err != nil {
		t.Fatal(err)
	}
	f, err := lock(used)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b.source(tracer + " ").make("compiled")
	if _, err := os.Stat(used); err != nil {
		t.Error(err)
	}
}

// Who owns the directory could put another file in place of ours while we work there.
func TestPrivateDirectoryOfSomebodyElse(t *testing.T) {
	root(t)
	b := newBench(t).source(tracer)
	place := t.TempDir()
	b.Temp = filepath.Join(place, "temp")
	if err := os.Mkdir(b.Temp, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []func() error{
		func() error { return os.Chmod(b.Temp, 0o777) },
		func() error { return errors.Join(os.Chown(b.Temp, 0, 12345), os.Chmod(b.Temp, 0o770)) },
		func() error { return os.Chown(b.Temp, nobody, nobody) },
		func() error { return errors.Join(os.Chown(b.Temp, 0, 0), os.Chown(place, nobody, nobody)) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		b.fails(fault.System, "private directory under "+b.Temp, "somebody else could have written it", "TMPDIR")
	}
	if err := os.Chown(place, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(b.Temp, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	b.make("compiled")
}

func TestCompilerOfSomebodyElse(t *testing.T) {
	root(t)
	b := newBench(t).source(tracer)
	b.withoutCompiler()
	fake := filepath.Join(t.TempDir(), "clang")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\ntouch "+b.at("was-run")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(fake, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	b.Path = filepath.Dir(fake)
	if f := b.fails(fault.Missing, "no compiler"); !strings.Contains(f.Detail, "read "+fake) || !strings.Contains(f.Detail, "nobody") {
		t.Errorf("%s", f.Detail)
	}
	b.Clang = fake
	b.fails(fault.Missing, "LBC_CLANG", fake, "belongs to nobody")
	// Headers beside a link that leads to a compiler are not the compiler's.
	real, link := filepath.Join(home(t), "bpf-clang"), filepath.Join(filepath.Dir(fake), "link")
	if _, err := os.Stat(real); err != nil {
		t.Skip("no bpf-clang: make wheel builds it")
	}
	if err := errors.Join(os.Symlink(real, link), os.Chown(filepath.Dir(fake), nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	b.Clang, b.Home = link, home(t)
	if r := b.make("compiled"); r.Report.Compiler != real {
		t.Errorf("%s was run", r.Report.Compiler)
	}
	if _, err := os.Stat(b.at("was-run")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was run: %v", err)
	}
}

// Processes that build one name at once, two of them from another source.
func TestProcessesAtOnce(t *testing.T) {
	b := newBench(t).source(tracer)
	var all []*exec.Cmd
	for i := range 4 {
		c := exec.Command("/proc/self/exe", "-test.run", "^TestOneOfTheProcesses$", "-test.v")
		c.Env = append(os.Environ(), "ONE_OF="+b.Work, "LBC_TEST_HOME="+b.Home)
		if i%2 == 1 {
			c.Env = append(c.Env, "OTHER=1")
		}
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, c := range all {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	data, err := os.ReadFile(b.at("t.so"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := artefact.Decode(data); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(b.Work); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestOneOfTheProcesses(t *testing.T) {
	work := os.Getenv("ONE_OF")
	if work == "" {
		return // it is a part of TestProcessesAtOnce
	}
	b := &bench{t, Request{Name: "t", Home: home(t), Work: work}}
	text := tracer
	if os.Getenv("OTHER") != "" {
		text += "int other;\n"
	}
	for range 5 {
		r, err := Make(t.Context(), b.source(text).Request)
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := artefact.Decode(r.Artefact)
		if err != nil || strings.Contains(string(object), "other") != (os.Getenv("OTHER") != "") {
			t.Errorf("somebody else's program: %v", err)
		}
	}
}
