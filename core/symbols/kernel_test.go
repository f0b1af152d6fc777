package symbols

import (
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"coolbpf/core/fault"

	"golang.org/x/sys/unix"
)

const lines = `0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff81001000 T do_fork
ffffffff81001000 t do_fork_alias
ffffffff81002000 t helper.isra.0
ffffffff81002800 t helper.constprop.0.cold
ffffffff81003000 D some_data
ffffffffc0000100 t walk	[9pnet]
ffffffff81000800 W weak_one
not a line
`

// parsed reads all of a text in the form of /proc/kallsyms.
func parsed(text string) (*Kernel, error) {
	l, err := newListing(io.NopCloser(strings.NewReader(text)))
	if err == nil {
		err = l.upTo(math.MaxUint64)
	}
	if err != nil {
		return nil, err
	}
	return &l.Kernel, nil
}

// called is what Lines says of an address, without the letter and the address of the function.
func (k *Kernel) called(address uint64) string {
	line := string(k.Lines([]uint64{address}))
	if line == "" {
		return ""
	}
	return strings.SplitN(line, " ", 3)[2]
}

func TestNames(t *testing.T) {
	k, err := parsed(lines)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[uint64]string{
		0xffffffff80ffffff: "", 0xffffffff81000000: "_stext", 0xffffffff810007ff: "_stext", 0xffffffff81000800: "weak_one",
		0xffffffff81001234: "do_fork", 0xffffffff81002001: "helper.isra.0", 0xffffffffc0000100: "walk [9pnet]",
		0xffffffffffffffff: "", 0: "",
	} {
		if got := k.called(address); got != want {
			t.Errorf("%#x: %q, want %q", address, got, want)
		}
	}
	if got := string(k.Lines([]uint64{0xffffffffc0000101, 1, 0xffffffff81001234})); got != "ffffffffc0000100 t walk [9pnet]\n\nffffffff81001000 T do_fork" {
		t.Errorf("lines %q", got)
	}
	if got := k.Twins("helper"); !slices.Equal(got, []string{"helper.isra.0", "helper.constprop.0.cold"}) {
		t.Errorf("twins %v", got)
	}
	if names := slices.Collect(k.Names()); !slices.Contains(names, "walk") || slices.Contains(names, "some_data") {
		t.Errorf("names %v", names)
	}
}

// byLine reads a line at a time, and parts of lines.
type byLine struct {
	rest   string
	closed bool
}

func (r *byLine) Read(p []byte) (int, error) {
	if r.rest == "" {
		return 0, io.EOF
	}
	n := copy(p, r.rest[:min(len(r.rest), strings.IndexByte(r.rest, '\n')+5)])
	r.rest = r.rest[n:]
	return n, nil
}

func (r *byLine) Close() error { r.closed = true; return nil }

// No more is read than a question needs, and what was handed out stays as it is.
func TestKernelAt(t *testing.T) {
	r := &byLine{rest: lines}
	l, err := newListing(r)
	if err != nil {
		t.Fatal(err)
	}
	book := Book{kernel: l, asked: time.Now().Add(time.Hour)}
	first, err := book.KernelAt(0xffffffff81001234)
	if err != nil || first.called(0xffffffff81001234) != "do_fork" || !strings.Contains(r.rest, "walk") || r.closed {
		t.Errorf("%v, %q is left", err, r.rest)
	}
	before := slices.Clone(first.list)
	all, err := book.KernelAt(0xffffffff81001234, 0xffffffffc0000100)
	if err != nil || all.called(0xffffffffc0000100) != "walk [9pnet]" || all.called(0xffffffff81000801) != "weak_one" || r.rest != "" || !r.closed {
		t.Errorf("%v, %q is left", err, r.rest)
	}
	if !slices.Equal(first.list, before) || first.called(0xffffffff81001234) != "do_fork" {
		t.Errorf("%v has become %v", before, first.list)
	}
	core, _, _ := strings.Cut(lines, "ffffffffc")
	lower := &byLine{rest: core + "ffffffffc0900000 t high\t[loop]\nffffffffc0500000 t low\t[9p]\n"}
	if book.kernel, err = newListing(lower); err != nil {
		t.Fatal(err)
	}
	if k, err := book.KernelAt(0xffffffffc0500010); err != nil || k.called(0xffffffffc0500010) != "low [9p]" {
		t.Errorf("a module below one that is named before: %v, %v", k.called(0xffffffffc0500010), err)
	}
	unread := &byLine{rest: lines}
	if book.kernel, err = newListing(unread); err != nil {
		t.Fatal(err)
	}
	if book.Close(); !unread.closed {
		t.Error("the file stays open")
	}
}

func TestHiddenAddresses(t *testing.T) {
	_, err := parsed("0000000000000000 T _stext\n0000000000000000 t f\n")
	if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Privilege || !strings.Contains(err.Error(), "kptr_restrict") {
		t.Error(err)
	}
}

// Each function of this kernel is found by its own address.
func TestThisKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("addresses are for root")
	}
	var book Book
	k, err := book.Kernel()
	if err != nil {
		t.Fatal(err)
	}
	if len(k.list) < 10000 {
		t.Errorf("%d functions", len(k.list))
	}
	for i, f := range k.list {
		if i > 0 && k.list[i-1].address == f.address {
			continue
		}
		if got := k.called(f.address); got != k.name(i) {
			t.Fatalf("%#x: %s, want %s", f.address, got, k.name(i))
		}
	}
	// The same is said by who asks for one alone, here for the first function of each module. Programs and
	// trampolines come and go, by tests that run beside this one.
	seen := map[string]bool{}
	for i, f := range k.list {
		_, module, _ := strings.Cut(k.name(i), " ")
		if seen[module] || module == "[bpf]" || strings.HasPrefix(module, "[__builtin__") {
			continue
		}
		seen[module] = true
		var other Book
		alone, err := other.KernelAt(f.address)
		if err != nil || alone.called(f.address) != k.called(f.address) {
			t.Errorf("%#x: %q, want %q (%v)", f.address, alone.called(f.address), k.name(i), err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParseKernel(f *testing.F) {
	f.Add(lines, uint64(0xffffffff81001234))
	f.Fuzz(func(t *testing.T, text string, address uint64) {
		k, err := parsed(text)
		if err != nil {
			return
		}
		k.called(address)
		k.Twins("a")
	})
}

// What was known is not lost when the kernel's list cannot be read again.
func TestKernelKept(t *testing.T) {
	known := entry{1, 0, 't'}
	book := Book{kernel: &listing{Kernel: Kernel{list: []entry{known}, text: []byte("f\n")}}, modules: "others"}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	got, err := book.Kernel()
	_, failed := openKernel()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if failed == nil || err != nil || len(got.list) != 1 || got.list[0] != known {
		t.Errorf("%v, %v; %v", got, err, failed)
	}
}
