package symbols

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"coolbpf/core/fault"

	"golang.org/x/sys/unix"
)

const listing = `0000000000000000 A fixed_percpu_data
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

// called is what Lines says of an address, without the letter and the address of the function.
func (k *Kernel) called(address uint64) string {
	line := string(k.Lines([]uint64{address}))
	if line == "" {
		return ""
	}
	return strings.SplitN(line, " ", 3)[2]
}

func TestNames(t *testing.T) {
	k, err := ParseKernel(strings.NewReader(listing))
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

func TestHiddenAddresses(t *testing.T) {
	_, err := ParseKernel(strings.NewReader("0000000000000000 T _stext\n0000000000000000 t f\n"))
	if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Privilege || !strings.Contains(err.Error(), "kptr_restrict") {
		t.Error(err)
	}
}

// Each function of this kernel is found by its own address.
func TestThisKernel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("addresses are for root")
	}
	k, err := LoadKernel()
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
}

func FuzzParseKernel(f *testing.F) {
	f.Add(listing, uint64(0xffffffff81001234))
	f.Fuzz(func(t *testing.T, text string, address uint64) {
		k, err := ParseKernel(strings.NewReader(text))
		if err != nil {
			return
		}
		k.called(address)
		k.Twins("a")
	})
}

// What was known is not lost when the kernel's list cannot be read again.
func TestKernelKept(t *testing.T) {
	known := &Kernel{}
	book := Book{kernel: known, modules: "others"}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	got, err := book.Kernel()
	_, failed := LoadKernel()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if failed == nil || err != nil || got != known {
		t.Errorf("%v, %v; %v", got, err, failed)
	}
}
