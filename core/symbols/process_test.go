package symbols

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// It prints where two of its functions lie.
const waiting = `
#include <stdio.h>
__attribute__((noinline)) static int hidden(int x) { __asm__ volatile(""); return x + 1; }
int shown(int x) { return hidden(x) * 3; }
int main(void) { printf("%lx %lx\n", (long)hidden, (long)shown); fflush(stdout); getchar(); return 0; }
`

func hexes(t *testing.T, line string) (numbers []uint64) {
	t.Helper()
	for word := range strings.FieldsSeq(line) {
		n, err := strconv.ParseUint(word, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	return numbers
}

func TestPlaces(t *testing.T) {
	for name, flags := range map[string][]string{"PIE": {"-pie", "-fPIE"}, "not PIE": {"-no-pie"}} {
		t.Run(name, func(t *testing.T) {
			path := built(t, "gcc", "p.c", waiting, flags...)
			pid, line := child(t, path)
			at := hexes(t, line)
			var book Book
			places, err := book.Places(pid, []uint64{at[0] + 1, 8, at[1]})
			want := []Place{{Name: "hidden", Module: path, Offset: 1}, {}, {Name: "shown", Module: path}}
			if err != nil || !slices.Equal(places, want) {
				t.Errorf("%+v, %v", places, err)
			}
			// What runs is known when its file has gone, or was replaced.
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			want[0].Module, want[2].Module = path+" (deleted)", path+" (deleted)"
			if places, err = book.Places(pid, []uint64{at[0] + 1, 8, at[1]}); err != nil || !slices.Equal(places, want) {
				t.Errorf("%+v, %v", places, err)
			}
		})
	}
}

func TestOtherMountNamespace(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mount namespaces are for root")
	}
	path := built(t, "gcc", "p.c", waiting)
	place := t.TempDir()
	inner := filepath.Join(place, "inner")
	// The link leads to a file that only its namespace has.
	pid, line := child(t, "unshare", "-m", "sh", "-c", "mount -t tmpfs none "+place+" && cp "+path+" "+inner+" && ln -s "+inner+" "+place+"/link && exec "+inner)
	at := hexes(t, line)
	var book Book
	if places, err := book.Places(pid, at); err != nil || !slices.Equal(places, []Place{{Name: "hidden", Module: inner}, {Name: "shown", Module: inner}}) {
		t.Errorf("%+v, %v", places, err)
	}
	for name, want := range map[string]string{inner: inner, place + "/link": place + "/link", "": inner} {
		b, err := book.Binary(name, Where{PID: pid})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Resolve("hidden"); err != nil || b.Path != want {
			t.Error(b.Path, err)
		}
	}
	if _, err := book.Binary(inner, Where{}); err == nil || !strings.HasPrefix(err.Error(), "find binary "+inner+": no such file or directory") {
		t.Error(err)
	}
}

func TestVDSO(t *testing.T) {
	maps, err := mappings(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(maps, func(m mapping) bool { return m.path == "[vdso]" })
	if i < 0 {
		t.Skip("this kernel has no vDSO")
	}
	var addresses []uint64
	for at := maps[i].start; at < maps[i].end; at += 16 {
		addresses = append(addresses, at)
	}
	places, err := new(Book).Places(os.Getpid(), addresses)
	if err != nil || !slices.ContainsFunc(places, func(p Place) bool { return strings.Contains(p.Name, "clock_gettime") && p.Module == "[vdso]" }) {
		t.Errorf("%+v, %v", places, err)
	}
}

func TestJIT(t *testing.T) {
	pid := os.Getpid()
	path := fmt.Sprintf("/tmp/perf-%d.map", pid)
	t.Cleanup(func() { os.Remove(path) })
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var book Book
	space := Space{Of: "jit", PID: pid}
	if _, err := book.Find(space, "x"); err == nil || !strings.Contains(err.Error(), "perf map of process") || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
	write("1000 20 first one\n0x2000 0x10 LFoo;::bar\nnonsense\n3000 0 empty\n1000 30 made later\n4000 8 half")
	for address, want := range map[uint64]Place{0x1000: {Name: "made later"}, 0x102f: {Name: "made later", Offset: 0x2f}, 0x2008: {Name: "LFoo;::bar", Offset: 8}, 0x2010: {}, 0x4000: {}} {
		if places, err := book.At(space, []uint64{address}); err != nil || places[0] != want {
			t.Errorf("%#x: %+v, %v", address, places, err)
		}
	}
	if f, err := book.Find(space, "LFoo;::bar"); err != nil || f.Address != 0x2000 || f.Size != 0x10 {
		t.Error(f, err)
	}
	if _, err := book.Find(space, "LFoo;::baz"); err == nil || !strings.HasSuffix(err.Error(), "(closest: LFoo;::bar)") {
		t.Error(err)
	}
	// What the runtime adds is seen.
	write("5000 20 new\n")
	if f, err := book.Find(space, "new"); err != nil || f.Address != 0x5000 {
		t.Error(f, err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(path, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if _, err := book.Find(space, "new"); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Error(err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "map")
	if err := os.WriteFile(other, []byte("5000 20 new\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, path); err != nil {
		t.Fatal(err)
	}
	if _, err := book.Find(space, "new"); err == nil || !strings.Contains(err.Error(), "symbolic links") {
		t.Error(err)
	}
}

func TestNoProcess(t *testing.T) {
	const nobody = 1 << 30
	var book Book
	if _, err := book.Places(nobody, []uint64{1}); err == nil || err.Error() != "look at process 1073741824: there is none of this number" {
		t.Error(err)
	}
	if _, err := book.Binary("/bin/true", Where{PID: nobody}); err != nil {
		t.Error(err) // it is here
	}
	if _, err := book.Binary("/no/such", Where{PID: nobody}); err == nil || !strings.HasPrefix(err.Error(), "look at process") {
		t.Error(err)
	}
	if _, err := book.JIT(nobody); err == nil || !strings.Contains(err.Error(), "no such process") {
		t.Error(err)
	}
	if _, err := book.At(Space{Of: "nothing"}, nil); err == nil {
		t.Error("a space of nothing")
	}
}

func TestLocate(t *testing.T) {
	path := built(t, "gcc", "p.c", source)
	dir := filepath.Dir(path)
	t.Chdir(dir)
	for name, want := range map[string]string{path: path, "./built": path, "built": path} {
		if b, err := new(Book).Binary(name, Where{}); err != nil || b.Path != want {
			t.Error(b, err)
		}
	}
	// What lies where others may write is not taken for the program of a name.
	if err := os.WriteFile("true", nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if b, err := new(Book).Binary("true", Where{Path: "/bin"}); err != nil || b.Path != "/bin/true" {
		t.Error(b, err)
	}
	t.Chdir("/")
	if b, err := new(Book).Binary("built", Where{Path: "relative:/nonexistent:" + dir}); err != nil || b.Path != path {
		t.Error(b, err)
	}
	if _, err := new(Book).Binary("built", Where{}); err == nil || !strings.HasPrefix(err.Error(), "find binary built: no such file or directory (its path, a program on PATH, or a library such as libc is needed)") {
		t.Error(err)
	}
	if _, err := new(Book).Binary("/tmp", Where{}); err == nil || !strings.Contains(err.Error(), "it is no regular file") {
		t.Error(err)
	}
}

// "libc" is the library that this process's child has mapped.
func TestLibrary(t *testing.T) {
	pid, _ := child(t, built(t, "gcc", "p.c", waiting))
	maps, err := mappings(pid)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(maps, func(m mapping) bool { return isLibrary(filepath.Base(m.path), "libc") })
	if i < 0 {
		t.Fatal("a program without libc")
	}
	want, err := os.Stat(maps[i].path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"libc", "libc.so.6"} {
		for _, pid := range []int{0, pid} {
			b, err := new(Book).Binary(name, Where{PID: pid})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.Stat(b.Path); err != nil || !os.SameFile(got, want) {
				t.Errorf("%s is %s, not %s; %v", name, b.Path, maps[i].path, err)
			}
			if _, err := b.Resolve("getppid"); err != nil {
				t.Error(err)
			}
		}
	}
	for file, name := range map[string]string{"libc.so.6": "libc", "libc-2.31.so": "libc", "libstdc++.so.6.0.33": "libstdc++"} {
		if !isLibrary(file, name) {
			t.Errorf("%s is not %s", file, name)
		}
	}
	for file, name := range map[string]string{"libcap.so.2": "libc", "libc-client.so": "libc", "bash-5.so": "bash"} {
		if isLibrary(file, name) {
			t.Errorf("%s is %s", file, name)
		}
	}
}

func TestMaps(t *testing.T) {
	maps, err := parseMaps(strings.NewReader("00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a name (deleted)\n7f00-8f00 rw-p 00000000 00:00 0 \n"))
	want := []mapping{{0x400000, 0x452000, 0x1000, true, "/usr/bin/a name (deleted)"}, {start: 0x7f00, end: 0x8f00}}
	if err != nil || !slices.Equal(maps, want) {
		t.Errorf("%+v, %v", maps, err)
	}
	for _, line := range []string{"", "x-y r-xp 0 0:0 0", "10-5 r-xp 0 0:0 0", "5-10", "5-10 r-xp z 0:0 0 /p"} {
		if maps, err := parseMaps(strings.NewReader(line + "\n")); err == nil {
			t.Errorf("%q: %+v", line, maps)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a name\n", uint64(0x400010))
	f.Add("1000 20 first\n1000 30 second\n", uint64(0x1008))
	f.Add("1000 ffffffffffffffff all\n0 1 nothing\n", uint64(1)<<63)
	f.Fuzz(func(t *testing.T, text string, address uint64) {
		if maps, err := parseMaps(strings.NewReader(text)); err == nil {
			if m, ok := mappingAt(maps, address); ok && (address < m.start || address >= m.end) {
				// Lines need not be sorted here; in /proc they are.
				t.Skip()
			}
		}
		table, err := parseJIT(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if found, ok := table.At(address); ok && !found.has(address) {
			t.Fatalf("%+v lacks %#x", found, address)
		}
	})
}

func FuzzParseCache(f *testing.F) {
	if data, err := os.ReadFile("/etc/ld.so.cache"); err == nil {
		f.Add(data)
	}
	f.Add([]byte("glibc-ld.so.cache1.1"))
	f.Fuzz(func(t *testing.T, data []byte) { parseCache(data) })
}
