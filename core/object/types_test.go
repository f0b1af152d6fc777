package object

import (
	"encoding/json"
	"testing"

	"github.com/cilium/ebpf/btf"
)

var integer = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}

func described(t *testing.T, typ btf.Type) (Type, []Type) {
	t.Helper()
	types := typeTable{seen: map[any]int{}}
	i := types.index(typ, 0)
	return types.list[i], types.list
}

// Types of damaged BTF may have no end.
func TestEndlessTypes(t *testing.T) {
	self := &btf.Const{}
	self.Type = self
	if got, _ := described(t, self); got.Kind != "unknown" {
		t.Errorf("%+v", got)
	}
	inner := &btf.Const{}
	pointer := &btf.Pointer{Target: inner}
	inner.Type = pointer
	if got, _ := described(t, pointer); got.Kind != "pointer" || got.Name != "void *" || got.Size != 8 {
		t.Errorf("%+v", got)
	}
	last := &btf.Struct{Name: "last", Size: 4, Members: []btf.Member{{Name: "m", Type: integer}}}
	for range 1 << 20 {
		last = &btf.Struct{Name: "s", Size: 4, Members: []btf.Member{{Name: "m", Type: last}}}
	}
	got, all := described(t, last)
	if got.Kind != "struct" || len(all) > 2*deepest || all[len(all)-1].Kind != "unknown" {
		t.Errorf("%+v, %d", got, len(all))
	}
}

func TestPointerNames(t *testing.T) {
	for want, target := range map[string]btf.Type{
		"void *": &btf.Void{}, "int *": integer, "int **": &btf.Pointer{Target: &btf.Const{Type: integer}}, "struct s *": &btf.Struct{Name: "s"},
		"void **": &btf.Const{Type: &btf.Pointer{Target: &btf.Void{}}}, "union u *": &btf.Volatile{Type: &btf.Union{Name: "u"}},
		"struct f ***": &btf.Pointer{Target: &btf.Pointer{Target: &btf.Fwd{Name: "f"}}},
	} {
		if got := pointerName(&btf.Pointer{Target: target}); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestMembersOutside(t *testing.T) {
	got, all := described(t, &btf.Struct{Name: "s", Size: 8, Members: []btf.Member{
		{Name: "in", Type: integer, Offset: 32}, {Name: "out", Type: integer, Offset: 40},
		{Name: "bits", Type: integer, Offset: 60, BitfieldSize: 4}, {Name: "more", Type: integer, Offset: 60, BitfieldSize: 5},
		{Name: "flexible", Type: &btf.Array{Index: integer, Type: integer}, Offset: 64}, {Name: "far", Type: integer, Offset: 1<<32 - 8}}})
	for i, want := range []string{"int", "unknown", "int", "unknown", "array", "unknown"} {
		if m := got.Members[i]; all[m.Type].Kind != want {
			t.Errorf("%s is %s, want %s", m.Name, all[m.Type].Kind, want)
		}
	}
	// The sum of this offset and the size of the member is negative.
	o := &oldType{}
	text := `{"type": "struct s", "size": 8, "cells": [{"type": "u64", "member": "m", "offset": 9223372036854775807, "size": 8}]}`
	if err := json.Unmarshal([]byte(text), o); err != nil || o.btf(8) != nil {
		t.Errorf("believed: %+v; %v", o.btf(8), err)
	}
}
