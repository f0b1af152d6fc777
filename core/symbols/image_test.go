//go:build !kernel

// What a file contains is the same on every kernel: tests/run.sh leaves this out on others.

package symbols

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coolbpf/core/fault"
)

var marks = []byte{0xde, 0xc0, 0xed, 0xfe, 0x11, 0x22}

func TestOffsets(t *testing.T) {
	for name, flags := range map[string][]string{"PIE": {"-pie", "-fPIE"}, "not PIE": {"-no-pie"}, "static": {"-static"},
		"shared": {"-shared", "-fPIC"}, "far": {"-no-pie", "-Wl,-Ttext=0x7770000"}} {
		t.Run(name, func(t *testing.T) {
			path := built(t, "gcc", "p.c", source, flags...)
			b := opened(t, path)
			f, err := b.Resolve("marked+0x2")
			if err != nil {
				t.Fatal(err)
			}
			offset, err := b.CodeOffset(f)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if offset < 2 || !bytes.Equal(data[offset-2:offset+4], marks) {
				t.Errorf("%#x, but it is at %#x", offset-2, bytes.Index(data, marks))
			}
			if back, ok := b.Address(offset); !ok || back != f.Address {
				t.Errorf("offset %#x is address %#x, not %#x", offset, back, f.Address)
			}
			if place := b.place(f.Address); place.Name != "marked" || place.Offset != 2 {
				t.Errorf("%+v", place)
			}
		})
	}
}

func TestStripped(t *testing.T) {
	for _, id := range []string{"-Wl,--build-id=sha1", "-Wl,--build-id=none"} {
		t.Run(id, func(t *testing.T) {
			path := built(t, "gcc", "p.c", source, "-g", id)
			dir := filepath.Dir(path)
			whole := opened(t, path)
			run(t, dir, "objcopy", "--only-keep-debug", "built", "built.debug")
			run(t, dir, "objcopy", "--strip-all", "--add-gnu-debuglink=built.debug", "built", "bare")
			bare := filepath.Join(dir, "bare")
			want, err := whole.Resolve("hidden")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := opened(t, bare).Resolve("hidden"); err != nil || got != want {
				t.Errorf("%v, want %v; %v", got, want, err)
			}
			if err := os.Mkdir(filepath.Join(dir, ".debug"), 0o755); err != nil {
				t.Fatal(err)
			}
			run(t, dir, "mv", "built.debug", ".debug/built.debug")
			if got, err := opened(t, bare).Resolve("hidden"); err != nil || got != want {
				t.Errorf("%v, want %v; %v", got, want, err)
			}
			// That of another program is not taken.
			other := built(t, "gcc", "p.c", strings.Replace(source, "x + 1", "x + 2", 1), "-g", id)
			run(t, dir, "objcopy", "--only-keep-debug", other, ".debug/built.debug")
			_, err = opened(t, bare).Resolve("hidden")
			if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid ||
				!strings.HasPrefix(err.Error(), "find function hidden in "+bare+": the file has no symbols (it is stripped;") {
				t.Error(err)
			}
		})
	}
}

func TestDebugFiles(t *testing.T) {
	m := Image{buildID: "abcdef", link: "p.debug"}
	var paths []string
	for _, s := range m.debugFiles("/opt/x/p", 0) {
		paths = append(paths, s.path)
	}
	want := "[/usr/lib/debug/.build-id/ab/cdef.debug /opt/x/p.debug /opt/x/.debug/p.debug /usr/lib/debug/opt/x/p.debug]"
	if fmt.Sprint(paths) != want {
		t.Errorf("%v, want %v", paths, want)
	}
	if m.link = "../../etc/passwd"; len(m.debugFiles("/opt/x/p", 0)) != 1 {
		t.Error("a link leads out of the directory")
	}
}

func TestNoSuchFunction(t *testing.T) {
	b := opened(t, built(t, "gcc", "p.c", source))
	for function, want := range map[string]string{
		"shwon":     "no such function (closest: shown)",
		"shown+x":   "no such function (closest: shown)",
		"marked+6":  "the function has 6 bytes",
		"zzzzzzzzz": "no such function (functions that were inlined are not there)",
	} {
		if f, err := b.Resolve(function); err == nil || !strings.Contains(err.Error(), function+" in ") || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%s: %v, %v", function, f, err)
		}
	}
	exports := opened(t, built(t, "gcc", "p.c", source, "-shared", "-fPIC", "-s"))
	if f, err := exports.Resolve("hidden"); err == nil || !strings.Contains(err.Error(), "only what it exports is known: it is stripped") {
		t.Error(f, err)
	}
	if _, err := exports.Resolve("shown"); err != nil {
		t.Error(err)
	}
}

const plusplus = `
namespace shape {
template <typename T> struct circle { T r; __attribute__((noinline)) T area(T by) const { __asm__ volatile(""); return r * by; } };
__attribute__((noinline)) int twice(int x) { __asm__ volatile(""); return 2 * x; }
__attribute__((noinline)) int twice(long x) { __asm__ volatile(""); return 3 * x; }
}
int operator+(shape::circle<int> a, int b) { return a.r + b; }
int main() { return shape::circle<int>{2}.area(3) + shape::twice(1) + shape::twice(1L); }
`

func TestCPlusPlus(t *testing.T) {
	b := opened(t, built(t, "g++", "p.cc", plusplus))
	for function, mangled := range map[string]string{
		"shape::circle<int>::area(int) const": "_ZNK5shape6circleIiE4areaEi",
		"shape::circle<int>::area":            "_ZNK5shape6circleIiE4areaEi",
		"shape::twice(long)":                  "_ZN5shape5twiceEl",
		"operator+":                           "_ZplN5shape6circleIiEEi",
		"_ZN5shape5twiceEi":                   "_ZN5shape5twiceEi",
	} {
		f, err := b.Resolve(function)
		if err != nil || f.Name != mangled {
			t.Errorf("%s: %v, %v", function, f, err)
		}
		if function == "shape::twice(long)" && b.place(f.Address+1) != (Place{Name: function, Offset: 1}) {
			t.Errorf("%+v", b.place(f.Address+1))
		}
	}
	if _, err := b.Resolve("shape::twice"); err == nil || !strings.Contains(err.Error(), "several functions have this name (give the whole name or an offset: shape::twice(int) at 0x") {
		t.Error(err)
	}
	if _, err := b.Resolve("shape::twize"); err == nil || !strings.HasSuffix(err.Error(), "(closest: shape::twice)") {
		t.Error(err)
	}
}

func TestRust(t *testing.T) {
	text := "mod shape { #[inline(never)] pub fn area(x: u64) -> u64 { std::hint::black_box(x) * 2 } }\nfn main() { std::process::exit(shape::area(2) as i32 - 4) }\n"
	for _, mangling := range []string{"legacy", "v0"} {
		t.Run(mangling, func(t *testing.T) {
			flags := []string{"--crate-name", "geometry", "-C", "symbol-mangling-version=" + mangling}
			if mangling == "legacy" {
				flags = append(flags, "-Z", "unstable-options")
				t.Setenv("RUSTC_BOOTSTRAP", "1")
			}
			b := opened(t, built(t, "rustc", "p.rs", text, flags...))
			f, err := b.Resolve("geometry::shape::area")
			if err != nil {
				t.Fatal(err)
			}
			if place := b.place(f.Address); !strings.HasPrefix(place.Name, "geometry::shape::area") || strings.HasPrefix(f.Name, "geometry") {
				t.Errorf("%+v %s", place, f.Name)
			}
		})
	}
}

// The first answer of a large program comes in a tenth of a second, in one of ten attempts on a busy machine.
func TestLarge(t *testing.T) {
	var text strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&text, ".globl f%d\n.type f%d, @function\nf%d: ret\n.size f%d, .-f%d\n", i, i, i, i, i)
	}
	path := built(t, "gcc", "p.s", ".text\n"+text.String(), "-shared")
	for attempt := 1; ; attempt++ {
		begin := time.Now()
		b := opened(t, path)
		f, err := b.Resolve("f19999")
		if err != nil || b.place(f.Address).Name != "f19999" {
			t.Error(f, err)
		}
		if took := time.Since(begin); took <= 500*time.Millisecond {
			t.Logf("%v for %d functions", took, len(b.list))
			return
		} else if attempt == 10 {
			t.Fatalf("it took %v", took)
		}
	}
}

func TestWhatIsNoELF(t *testing.T) {
	for text, want := range map[string]string{"#!/bin/sh\n": "it is a script; its interpreter is the program", "": "it is no ELF file",
		"\x7fELF": "malformed ELF file", "hello": "it is no ELF file"} {
		path := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := new(Book).Binary(path, Where{}); err == nil || !strings.HasPrefix(err.Error(), "read symbols "+path+": "+want) {
			t.Error(err)
		}
	}
}

// A damaged file is an error or has fewer symbols, but never a panic.
func TestDamage(t *testing.T) {
	elf, err := os.ReadFile(built(t, "gcc", "p.c", source))
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(elf); at += 1 + at/256 {
		for _, flip := range []byte{0xff, 0x80, 0x01} {
			damaged := bytes.Clone(elf)
			damaged[at] ^= flip
			use(damaged)
		}
		use(elf[:at])
	}
}

func use(elf []byte) {
	image, err := ParseImage(bytes.NewReader(elf))
	if err != nil {
		return
	}
	b := Binary{image, "p"}
	for _, f := range b.list {
		b.place(f.Address)
		b.Offset(f.Address)
	}
	b.find("main")
	b.debugFiles("/p", 0)
}

// Names may be as deep as a file is large.
func TestDeepNames(t *testing.T) {
	for _, name := range []string{"_Z1f" + strings.Repeat("P", 1<<24) + "i", "_Z1f" + strings.Repeat("P", 4000) + "i",
		"_Z" + strings.Repeat("N1a", 1300) + "1bE", "_RNvC" + strings.Repeat("I", 4000)} {
		pretty(name)
		written("f")(name)
	}
}

func FuzzParseImage(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	for _, path := range []string{"/proc/self/exe", "/bin/true"} {
		if elf, err := os.ReadFile(path); err == nil && len(elf) < 1<<20 {
			f.Add(elf)
		}
	}
	f.Add(small())
	f.Fuzz(func(t *testing.T, elf []byte) { use(elf) })
}

// small is a program of one segment and no symbols.
func small() []byte {
	elf := make([]byte, 256)
	copy(elf, "\x7fELF\x02\x01\x01")
	elf[16], elf[18], elf[20] = 2, 62, 1 // ET_EXEC, x86-64, version
	elf[32], elf[52], elf[54], elf[56] = 64, 64, 56, 1
	elf[64], elf[68], elf[80+1], elf[96] = 1, 5, 0x10, 128 // PT_LOAD, r-x, address, size
	return elf
}

// Of two versions of a function new programs call the one that "f" is.
func TestVersions(t *testing.T) {
	const text = `
__asm__(".symver old_f,f@V1"); __asm__(".symver new_f,f@@V2");
int old_f(void) { return 1; }
int other(void) { return 3; }
int new_f(void) { return 2; }
`
	for _, strip := range []string{"-g", "-s"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "map"), []byte("V1 { global: f; other; local: *; };\nV2 { global: f; } V1;\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		b := opened(t, built(t, "gcc", "p.c", text, "-shared", "-fPIC", "-Wl,--version-script="+dir+"/map", strip))
		other, err := b.Resolve("other")
		if err != nil {
			t.Fatal(err)
		}
		if f, err := b.Resolve("f"); err != nil || f.Address <= other.Address {
			t.Errorf("%s: %+v, %v", strip, f, err)
		}
	}
}
