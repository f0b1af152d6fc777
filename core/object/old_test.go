package object

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// What an old compile server said of the maps of oldProgram.
const oldTypes = `{"hash": "00", "kern_version": "4.19.91", "arch": "x86_64", "maps": {
	"e_out": {"type": "event", "ktype": null, "vtype": {"type": "struct data_t", "array": 0, "offset": 0, "size": 24, "cells": [
		{"type": "u32", "member": "c_pid", "array": 0, "format": "I", "offset": 0, "size": 4},
		{"type": "char", "member": "c_comm", "array": 16, "format": "cccccccccccccccc", "offset": 4, "size": 1}]}},
	"counts": {"type": "hash", "ktype": {"type": "u8", "member": "value", "array": 0, "format": "H", "size": 2},
		"vtype": {"type": "s64", "member": "value", "array": 0, "format": "q", "size": 8}},
	"hist": {"type": "hist2", "ktype": {"type": "int", "member": "value", "array": 0, "format": "i", "size": 4},
		"vtype": {"type": "long", "member": "value", "array": 0, "format": "l", "size": 8}},
	"nonsense": {"type": "hash", "ktype": {"type": "struct x", "size": 4, "cells": [{"type": "u64", "member": "m", "offset": 0, "size": 8}]},
		"vtype": {"type": "u32", "array": 7, "size": 4}},
	"none": {"type": "hash"}}}`

const oldProgram = `
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
struct bpf_map_def { unsigned int type, key_size, value_size, max_entries, map_flags; };
struct bpf_map_def SEC("maps") e_out = { BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 128 };
struct bpf_map_def SEC("maps") counts = { BPF_MAP_TYPE_HASH, 1, 8, 64 };
struct bpf_map_def SEC("maps") hist = { BPF_MAP_TYPE_ARRAY, 4, 8, 64 };
struct bpf_map_def SEC("maps") nonsense = { BPF_MAP_TYPE_HASH, 4, 4, 64 };
SEC("kprobe/f") int a(struct pt_regs *ctx) { return 0; }
char _license[] SEC("license") = "GPL";
`

func TestOldTypes(t *testing.T) {
	o, err := Parse(compiled(t, oldProgram), oldTypes)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, m := range o.Maps {
		for part, index := range map[string]*int{"key": m.Key, "value": m.Value} {
			if index != nil {
				text, _ := json.Marshal(o.Types[*index])
				named[m.Name+" "+part] = string(text)
			}
		}
	}
	for name, want := range map[string]string{
		"e_out value":  `"kind":"struct","name":"data_t","size":24`,
		"counts key":   `"kind":"int","name":"u8","size":1`,
		"counts value": `"name":"s64","size":8,"signed":true`,
		"hist key":     `"name":"__lbc_hist2"`,
	} {
		if !strings.Contains(named[name], want) {
			t.Errorf("%s: %s, want %s", name, named[name], want)
		}
	}
	if named["nonsense key"]+named["nonsense value"] != "" {
		t.Errorf("believed: %v", named)
	}
	if _, err := Parse(compiled(t, oldProgram), "{"); err == nil || !strings.Contains(err.Error(), "its description of the maps") {
		t.Error(err)
	}
}

func TestPrints(t *testing.T) {
	const text = "#include \"lbc.h\"\nint g = 1;\nSEC(\"kprobe/f\") int a(void *ctx) { %s; return 0; }\nchar _license[] SEC(\"license\") = \"GPL\";\n"
	for call, want := range map[string][]string{
		"g++":                       nil,
		`bpf_printk("one %d\n", g)`: {"one %d"},
		`bpf_printk("two"); bpf_printk("one %d %d %d %d", g, g, g, 7)`: {"one %d %d %d %d", "two"},
	} {
		o, err := Parse(compiled(t, strings.Replace(text, "%s", call, 1)), "")
		if err != nil || !reflect.DeepEqual(o.Prints, want) {
			t.Errorf("%s: %q, want %q; %v", call, o.Prints, want, err)
		}
	}
}

// usdt.bpf.h declares its maps weak.
func TestWeakMaps(t *testing.T) {
	elf := compiled(t, `
#include "lbc.h"
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, long);
	__type(value, u32);
} ids SEC(".maps") __weak;
SEC("kprobe/f") int a(struct pt_regs *ctx) { long k = 0; return !!bpf_map_lookup_elem(&ids, &k); }
`)
	o, err := Parse(elf, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Maps) != 1 || o.Maps[0].Name != "ids" {
		t.Errorf("%+v", o.Maps)
	}
}

func FuzzOldTypes(f *testing.F) {
	f.Add(oldTypes)
	f.Fuzz(func(t *testing.T, old string) {
		spec := &ebpf.CollectionSpec{Maps: map[string]*ebpf.MapSpec{
			"e_out":    {Name: "e_out", Type: ebpf.PerfEventArray, KeySize: 4, ValueSize: 4},
			"counts":   {Name: "counts", Type: ebpf.Hash, KeySize: 1, ValueSize: 8},
			"nonsense": {Name: "nonsense", Type: ebpf.Hash, KeySize: 4, ValueSize: 4},
		}}
		if tell(spec, old) != nil {
			return
		}
		types := typeTable{seen: map[any]int{}}
		for _, m := range spec.Maps {
			newMap(m, &ebpf.CollectionSpec{}, &types)
		}
		for _, typ := range types.list {
			for _, m := range typ.Members {
				if m.BitOffset/8+types.list[m.Type].Size > typ.Size {
					t.Errorf("%+v is outside of %+v", m, typ)
				}
			}
		}
	})
}
