package compile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"
	"coolbpf/core/kernel"

	"github.com/cilium/ebpf"
)

// NAME.bpf.o is an object that any loader of BPF takes, made anew each time.
func TestObject(t *testing.T) {
	b := newBench(t)
	b.Bare = true
	b.fails(fault.Missing, "t.bpf.c")
	b.write("t.bpf.c", tracer)
	for range 2 {
		r, err := Make(t.Context(), b.Request)
		if err != nil {
			t.Fatal(err)
		}
		if r.Report.Action != "compiled" || r.Report.Path != b.at("t.bpf.o") || !r.Report.Kept {
			t.Errorf("%+v", r.Report)
		}
	}
	data, err := os.ReadFile(b.at("t.bpf.o"))
	if err != nil {
		t.Fatal(err)
	}
	if spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data)); err != nil || spec.Programs["on_fork"] == nil {
		t.Errorf("%v, %v", spec, err)
	}
	if plain, meta, err := artefact.Decode(data); err != nil || len(plain) != len(data) || meta != (artefact.Meta{}) {
		t.Errorf("it is more than an object: %+v, %v", meta, err)
	}
	if _, err := os.Stat(b.at("t.so")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("t.so: %v", err)
	}
	if err := os.Mkdir(b.at("gone"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.Work = b.at("gone/x")
	b.source(tracer).fails(fault.System, "write "+b.Work+"/t.bpf.o")
}

const probe = `#include "lbc.h"
int arch =
#if defined(__TARGET_ARCH_arm64)
	64;
#elif defined(__TARGET_ARCH_x86)
	86;
#endif
SEC("kprobe/do_exit") int BPF_KPROBE(f, long code) { return code + PT_REGS_IP(ctx); }
char _license[] SEC("license") = "GPL";
`

// For another machine the registers are those of its ABI, whatever kernel types are here.
func TestOtherMachine(t *testing.T) {
	facts, err := kernel.This()
	if err != nil {
		t.Fatal(err)
	}
	for arch, want := range map[string]struct {
		number byte
		offset int // of the first argument in the context
	}{"x86_64": {86, 112}, "aarch64": {64, 0}} {
		b := newBench(t).source(probe)
		b.Arch = arch
		r := b.make("compiled")
		plain, meta, err := artefact.Decode(r.Artefact)
		if err != nil || meta.Arch != arch || meta.Header != "needed" && arch != facts.Arch {
			t.Fatalf("%+v, %v", meta, err)
		}
		f, err := elf.NewFile(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		if data, err := f.Section(".data").Data(); err != nil || data[0] != want.number {
			t.Errorf("%s: % x, %v", arch, data, err)
		}
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		read := false
		for _, ins := range spec.Programs["f"].Instructions {
			read = read || ins.OpCode.Class().IsLoad() && int(ins.Offset) == want.offset
		}
		if !read {
			t.Errorf("%s: nothing is read at %d:\n%v", arch, want.offset, spec.Programs["f"].Instructions)
		}
	}
	b := newBench(t).source(probe)
	b.Arch = "sparc"
	b.fails(fault.Invalid, "compile for sparc: unknown machine", "aarch64, x86_64")
}

// The types of another kernel are used where a file has them; else it is said that they are not.
func TestOtherRelease(t *testing.T) {
	facts, err := kernel.This()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t).source(tracer)
	b.Release = "4.19.0-none"
	r := b.make("compiled").Report
	if r.Release != facts.Release || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "no BTF of kernel 4.19.0-none is here") {
		t.Errorf("%+v", r)
	}
	b.make("reused")
	b.Release = ""
	b.make("reused")
	raw, err := kernel.LoadBTF("", facts.Release)
	if err != nil {
		t.Fatal(err)
	}
	b.write("btf", string(raw.Data))
	b.BTF, b.Release = b.at("btf"), "4.19.0-none"
	if r := b.make("compiled").Report; r.Release != "4.19.0-none" || len(r.Notes) != 0 {
		t.Errorf("%+v", r)
	}
}

// A NAME.so of an old compile server serves without a source, and is built again with one.
func TestOldSharedObject(t *testing.T) {
	b := newBench(t).source(tracer)
	plain, _, err := artefact.Decode(b.make("compiled").Artefact)
	if err != nil {
		t.Fatal(err)
	}
	old := shared(t, plain)
	b.write("t.so", old)
	b.Source = nil
	r := b.make("loaded")
	if got, meta, err := artefact.Decode(r.Artefact); err != nil || !bytes.Equal(got, plain) || meta != (artefact.Meta{}) {
		t.Errorf("%+v, %v", meta, err)
	}
	if err := os.Chmod(b.at("t.so"), 0o666); err != nil {
		t.Fatal(err)
	}
	b.fails(fault.Invalid, "everybody may")
	b.write("t.bpf.c", tracer)
	if r := b.make("compiled").Report; len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "everybody may") {
		t.Errorf("%+v", r)
	}
	b.write("t.so", old)
	if r := b.make("compiled").Report; len(r.Notes) != 0 {
		t.Errorf("%+v", r)
	}
	b.make("reused")
}

// shared is an ELF shared object with an object among its data.
func shared(t *testing.T, object []byte) string {
	header := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64, Shentsize: 64}
	copy(header.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	return fmt.Sprintf("%s%s%s", encoded(t, header), strings.Repeat("code", 100), object)
}

func encoded(t *testing.T, header elf.Header64) []byte {
	b := make([]byte, 64)
	if _, err := binary.Encode(b, binary.LittleEndian, header); err != nil {
		t.Fatal(err)
	}
	return b
}
