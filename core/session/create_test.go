package session

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"coolbpf/core/kernel"
	"coolbpf/core/object"

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
	adapted := 0
	for _, name := range []string{"bitfields", "byvalue", "chains", "core_read", "flavours", "scheduler", "sockets"} {
		text, err := os.ReadFile(filepath.Join("../compile/testdata", name+".bpf.c"))
		if err != nil {
			t.Fatal(err)
		}
		o, part := adaptable(t, string(text))
		if part == nil {
			t.Errorf("%s: all types are asked for", name)
			continue
		}
		for name, program := range o.Spec.Programs {
			var relocations []*btf.CORERelocation
			for i := range program.Instructions {
				if r := btf.CORERelocationMetadata(&program.Instructions[i]); r != nil {
					relocations = append(relocations, r)
				}
			}
			adapted += len(relocations)
			if got, want := fixed(t, relocations, part), fixed(t, relocations, all); got != want {
				t.Errorf("%s:\n%s, want\n%s", name, got, want)
			}
		}
	}
	if adapted < 20 {
		t.Errorf("only %d relocations", adapted)
	}
	for what, source := range map[string]string{
		"the number of a type":   "return bpf_core_type_id_kernel(struct task_struct);",
		"what may be a module's": "struct nothing_has_this_name { int x; }; return bpf_core_type_exists(struct nothing_has_this_name);",
	} {
		if _, part := adaptable(t, "SEC(\"raw_tracepoint/sched_switch\") int f(void *ctx) { "+source+" }"); part != nil {
			t.Errorf("%s is asked of a part of the types", what)
		}
	}
}

// adaptable is a program, with the types to adapt it by.
func adaptable(t *testing.T, text string) (*object.Object, *btf.Spec) {
	t.Helper()
	o, _, _, err := read(made(t, text))
	if err != nil {
		t.Fatal(err)
	}
	facts, err := kernel.This()
	if err != nil {
		t.Fatal(err)
	}
	part, err := kernelTypes(facts, o, "")
	if err != nil {
		t.Fatal(err)
	}
	return o, part
}
