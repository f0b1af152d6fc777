package types

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// built is the BTF of types.
func built(t testing.TB, types ...btf.Type) []byte {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func some(t testing.TB) []byte {
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	far := &btf.Struct{Name: "far", Size: 4, Members: []btf.Member{{Name: "deep", Type: number}}}
	near := &btf.Struct{Name: "near", Size: 4, Members: []btf.Member{{Name: "inner", Type: number}}}
	anonymous := &btf.Struct{Size: 4, Members: []btf.Member{{Name: "shown", Type: number}}}
	called := &btf.FuncProto{Return: number, Params: []btf.FuncParam{{Name: "of", Type: &btf.Pointer{Target: far}}}}
	outer := &btf.Struct{Name: "outer", Size: 48, Members: []btf.Member{
		{Name: "near", Type: near},
		{Name: "to", Type: &btf.Pointer{Target: &btf.Const{Type: far}}, Offset: 64},
		{Name: "list", Type: &btf.Array{Index: number, Type: &btf.Const{Type: near}, Nelems: 2}, Offset: 128},
		{Name: "call", Type: &btf.Pointer{Target: called}, Offset: 192},
		{Name: "nameless", Type: &btf.Pointer{Target: anonymous}, Offset: 256},
		{Name: "bits", Type: number, Offset: 320, BitfieldSize: 3},
	}}
	return built(t, outer, &btf.Struct{Name: "outer___old", Size: 1}, &btf.Struct{Name: "other", Size: 1},
		&btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: "ONE", Value: 1}}},
		&btf.Enum{Name: "large", Size: 8, Values: []btf.EnumValue{{Name: "LARGE", Value: 1 << 40}}},
		&btf.Typedef{Name: "word_t", Type: number}, &btf.Func{Name: "f", Type: called, Linkage: btf.StaticFunc})
}

func opened(t testing.TB, data []byte) *Raw {
	t.Helper()
	r, err := New(data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func set(names ...string) map[string]bool {
	all := map[string]bool{}
	for _, name := range names {
		all[name] = true
	}
	return all
}

func TestNames(t *testing.T) {
	r := opened(t, some(t))
	names := set("outer", "ONE", "LARGE", "word_t", "inner", "absent", "")
	found := func(each func(Visit)) (all []string) {
		each(func(_ ID, kind Kind, name []byte, enumerator bool) {
			all = append(all, fmt.Sprint(string(name), kind, enumerator))
		})
		slices.Sort(all)
		return all
	}
	if got, want := fmt.Sprint(found(r.Among(names).Each)), "[LARGE19 true ONE6 true outer4 false word_t8 false]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if all := found(r.Each); len(all) != 11 { // int, far, near, outer, outer___old, other, ONE, large, LARGE, word_t, f
		t.Error(all)
	}
	if all := r.Flavours(names); !all["outer___old"] || len(all) != len(names)+1 {
		t.Error(all)
	}
}

// ids are the IDs of types of a name.
func (r *Raw) ids(name string) (all []ID) {
	r.Among(set(name)).Each(func(id ID, _ Kind, _ []byte, enumerator bool) {
		if !enumerator {
			all = append(all, id)
		}
	})
	return all
}

func reduced(t testing.TB, r *Raw, roots []ID, follow *Names) *btf.Spec {
	t.Helper()
	data, err := r.Reduce(roots, follow)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestReduce(t *testing.T) {
	r := opened(t, some(t))
	for follow, members := range map[string]int{"": 0, "to": 1, "deep": 0} {
		spec := reduced(t, r, r.ids("outer"), r.Among(set(follow)))
		var outer, near, far *btf.Struct
		if err := errors.Join(spec.TypeByName("outer", &outer), spec.TypeByName("near", &near), spec.TypeByName("far", &far)); err != nil {
			t.Fatal(err)
		}
		if len(outer.Members) != 6 || outer.Size != 48 || outer.Members[5].BitfieldSize != 3 || len(near.Members) != 1 {
			t.Errorf("%+v, %+v", outer, near)
		}
		if far.Size != 4 || len(far.Members) != members {
			t.Errorf("following %q: %+v", follow, far)
		}
		nameless := outer.Members[4].Type.(*btf.Pointer).Target.(*btf.Struct)
		if len(nameless.Members) != 1 || nameless.Members[0].Name != "shown" {
			t.Errorf("%+v", nameless)
		}
		if _, err := spec.AnyTypeByName("other"); !errors.Is(err, btf.ErrNotFound) {
			t.Error("a type is kept that nobody asked for")
		}
	}
}

// Structs of this kernel are the same in a part of its types, as deep as they are made of others.
func TestThisKernel(t *testing.T) {
	data, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Skip(err)
	}
	r := opened(t, data)
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	all, err := btf.LoadSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"task_struct", "sk_buff", "net_device", "bpf_attr", "inode"} {
		ids := r.ids(name)
		part := reduced(t, r, ids, nil)
		want, got := typesOf(t, all, name), typesOf(t, part, name)
		if len(ids) == 0 || len(got) != len(want) {
			t.Fatalf("%s: %d, %d of %d", name, len(ids), len(got), len(want))
		}
		for i := range want {
			if want, got := spelled(want[i]), spelled(got[i]); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
}

func typesOf(t *testing.T, spec *btf.Spec, name string) []btf.Type {
	t.Helper()
	types, err := spec.AnyTypesByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// spelled writes a type with all that it holds by value, and what that points to by kind and name.
func spelled(t btf.Type) string {
	var members []btf.Member
	switch v := t.(type) {
	case *btf.Struct:
		members = v.Members
	case *btf.Union:
		members = v.Members
	case *btf.Pointer:
		return fmt.Sprintf("*%T %s", v.Target, v.Target.TypeName())
	case *btf.Array:
		return fmt.Sprintf("[%d]%s", v.Nelems, spelled(v.Type))
	case *btf.Typedef:
		return v.Name + "=" + spelled(v.Type)
	case *btf.Const:
		return "const " + spelled(v.Type)
	case *btf.Volatile:
		return "volatile " + spelled(v.Type)
	case *btf.FuncProto:
		return fmt.Sprint(len(v.Params), spelled(v.Return))
	}
	size, _ := btf.Sizeof(t)
	text := fmt.Sprintf("%T %s %d{", t, t.TypeName(), size)
	for _, m := range members {
		text += fmt.Sprint(m.Name, " ", m.Offset, " ", m.BitfieldSize, " ", spelled(m.Type), ";")
	}
	return text + "}"
}

func TestMalformed(t *testing.T) {
	good := some(t)
	for what, data := range map[string][]byte{"empty": nil, "cut": good[:len(good)/2], "another byte order": {0xeb, 0x9f, 23: 0}} {
		if _, err := New(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := opened(t, good).Reduce([]ID{1 << 30}, nil); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}

// A compiler may point from a type to itself; what is in itself, or points to itself alone, never ends.
func TestCheck(t *testing.T) {
	number := &btf.Int{Name: "int", Size: 4}
	list := &btf.Struct{Name: "list", Size: 8}
	list.Members = []btf.Member{{Name: "next", Type: &btf.Pointer{Target: &btf.Const{Type: list}}}}
	whole := &btf.Struct{Name: "whole", Size: 8}
	whole.Members = []btf.Member{{Name: "part", Type: &btf.Array{Index: number, Type: whole, Nelems: 2}}}
	loop := &btf.Const{}
	loop.Type = &btf.Volatile{Type: loop}
	handler := &btf.Typedef{Name: "handler_t"}
	handler.Type = &btf.Pointer{Target: &btf.FuncProto{Return: number, Params: []btf.FuncParam{{Name: "self", Type: handler}}}}
	for _, c := range []struct {
		of   btf.Type
		ends bool
	}{{list, true}, {&btf.Typedef{Name: "list_t", Type: list}, true}, {whole, false}, {loop, false}, {handler, false}} {
		if err := opened(t, built(t, c.of)).Check(); (err == nil) != c.ends || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%v: %v", c.of, err)
		}
	}
	if err := opened(t, some(t)).Check(); err != nil {
		t.Error(err)
	}
}

// Damaged BTF makes no panic, and no endless loop.
func FuzzReduce(f *testing.F) {
	f.Add(some(f), "outer")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		r, err := New(data)
		if err != nil {
			return
		}
		r.Flavours(set(name))
		var roots []ID
		r.Each(func(id ID, _ Kind, _ []byte, _ bool) { roots = append(roots, id) })
		part, err := r.Reduce(roots, r.Among(set(name)))
		if err != nil {
			return
		}
		if _, err := New(part); err != nil {
			t.Error(err)
		}
	})
}
