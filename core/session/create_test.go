package session

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coolbpf/core/kernel"

	"github.com/cilium/ebpf/btf"
)

// fixed says what becomes of the instructions of a program that depend on kernel types.
func fixed(t *testing.T, relocations []*btf.CORERelocation, types *btf.Spec) string {
	t.Helper()
	ids := func(btf.Type) (btf.TypeID, error) { return 1, nil }
	fixups, err := btf.CORERelocate(relocations, []*btf.Spec{types}, binary.LittleEndian, ids)
	return fmt.Sprint(fixups, err)
}

// A part of the kernel's types adapts programs as all of them do.
func TestKernelTypes(t *testing.T) {
	facts, err := kernel.This()
	if err != nil {
		t.Fatal(err)
	}
	all, err := kernel.LoadSpec("", facts.Release)
	if err != nil {
		t.Skip(err)
	}
	adapted, elsewhere := 0, 0
	for _, name := range strings.Fields("bitfields byvalue chains core_exists core_read enums filesystem flavours networking scheduler sockets") {
		path := filepath.Join("../compile/testdata", name+".bpf.c")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o, _, _, err := read(made(t, string(text)))
		if err != nil {
			t.Fatal(err)
		}
		part, err := kernelTypes(facts, o, "")
		if err != nil {
			t.Fatal(err)
		}
		for name, program := range o.Spec.Programs {
			var relocations []*btf.CORERelocation
			for i := range program.Instructions {
				if r := btf.CORERelocationMetadata(&program.Instructions[i]); r != nil {
					relocations = append(relocations, r)
				}
			}
			if part == nil {
				elsewhere += len(relocations)
				continue
			}
			adapted += len(relocations)
			if got, want := fixed(t, relocations, part), fixed(t, relocations, all); got != want {
				t.Errorf("%s, %s:\n%s, want\n%s", path, name, got, want)
			}
		}
	}
	t.Logf("%d relocations by a part of the types, %d that need all", adapted, elsewhere)
	if adapted < 50 || elsewhere == 0 {
		t.Error("too few")
	}
}
