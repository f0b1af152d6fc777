package header

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"coolbpf/core/types"

	"github.com/cilium/ebpf/btf"
)

func TestLex(t *testing.T) {
	m := lex([]string{`
#define ONE 1 /* struct no */
#define call(x) x
// struct no *p;
struct used *pointer; struct value here; struct key { int a; };
typedef struct { int b; } anonymous_t, *other_t[3];
enum color { RED, GREEN = 2, }; enum { LAST };
#ifdef MAYBE
struct maybe { int x; };
#endif
struct surely { int x; };
char *text = "struct no \" more"; char c = '"'; kernel_t x; sizeof(struct sized);
`})
	check := func(what string, set map[string]bool, in, out string) {
		for _, name := range strings.Fields(in) {
			if !set[name] {
				t.Errorf("%s lacks %s: %v", what, name, slices.Sorted(maps.Keys(set)))
			}
		}
		for _, name := range strings.Fields(out) {
			if set[name] {
				t.Errorf("%s has %s", what, name)
			}
		}
	}
	check("names", m.names, "ONE used pointer kernel_t", "no more")
	check("tags", m.tags, "used value key color sized", "no pointer")
	check("values", m.values, "value sized kernel_t", "used key")
	check("defined", m.defined, "ONE call key anonymous_t other_t color RED GREEN LAST maybe surely", "used value kernel_t")
	check("macros", m.macros, "ONE", "call")
	check("conditional", m.conditional, "maybe", "surely key")
	m = strict([]string{"#ifndef GUARD_H\n#define GUARD_H\nstruct guarded { int x; };\n#if 0\nstruct skipped { int x; };\n#endif\n#endif\n"})
	check("defined", m.defined, "guarded", "skipped")
}

// smallKernel is the BTF of a few types.
func smallKernel(t testing.TB) []byte {
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	u64 := &btf.Int{Name: "unsigned long", Size: 8}
	inner := &btf.Struct{Name: "inner", Size: 8, Members: []btf.Member{{Name: "wide", Type: u64}}}
	member := func(name string, t btf.Type, offset btf.Bits) btf.Member {
		return btf.Member{Name: name, Type: t, Offset: 8 * offset}
	}
	task := &btf.Struct{Name: "task", Size: 64, Members: []btf.Member{
		member("a", u64, 0), member("b", u64, 8), member("c", u32, 16), member("d", u32, 20), member("e", u64, 24),
		member("next", &btf.Pointer{Target: inner}, 32), member("f", u32, 40), member("by_value", inner, 48), member("last", u32, 60),
	}}
	e := &btf.Enum{Name: "state", Size: 1, Values: []btf.EnumValue{{Name: "IDLE"}, {Name: "BUSY", Value: 3}}}
	b, err := btf.NewBuilder([]btf.Type{task, e, &btf.Typedef{Name: "word_t", Type: u32}, &btf.Struct{Name: "state", Size: 4,
		Members: []btf.Member{member("x", u32, 0)}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func smallHeader(t *testing.T) *Header {
	t.Helper()
	raw, err := types.New(smallKernel(t))
	if err != nil {
		t.Fatal(err)
	}
	return New(raw)
}

func printed(t *testing.T, text string) string {
	t.Helper()
	out, err := smallHeader(t).Needed(text)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(out, prologue)
	return strings.ReplaceAll(strings.TrimSuffix(body, epilogue), relocated, "")
}

func TestNeeded(t *testing.T) {
	for text, want := range map[string]string{
		"int x;":              "",
		"word_t x;":           "typedef unsigned int word_t;\n",
		"int x = BUSY;":       "enum __attribute__((packed)) state {\n\tIDLE = 0,\n\tBUSY = 3,\n\t__lbc_enum1 = 0,\n};\n",
		"struct inner *p;":    "struct inner {\n\tunsigned long wide;\n};\n",
		"struct task *p;p->c": "struct task {\n\tchar __lbc_pad0[16];\n\tunsigned int c;\n\tchar __lbc_pad1[44];\n} __attribute__((aligned(8)));\n",
		"struct task *p;p->next->wide": "struct inner;\nstruct task {\n\tchar __lbc_pad0[32];\n\tstruct inner *next;\n\tchar __lbc_pad1[24];\n};\n" +
			"struct inner {\n\tunsigned long wide;\n};\n",
		"struct task { int own; } *p;":  "",
		"typedef int word_t; word_t x;": "",
	} {
		if got := printed(t, text); got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", text, got, want)
		}
	}
}

func TestClosest(t *testing.T) {
	h := smallHeader(t)
	if got := h.ClosestType("tsk"); got != "task" {
		t.Error(got)
	}
	if got := h.ClosestField("task", "by_valeu"); got != "by_value" {
		t.Error(got)
	}
	if got := h.ClosestName("BUZY"); got != "BUSY" {
		t.Error(got)
	}
}

// Neither damaged BTF nor odd C make a panic.
func FuzzNeeded(f *testing.F) {
	f.Add(smallKernel(f), "struct task *p; p->next->wide; enum state s; /*")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		lex([]string{text})
		whole, err := types.New(raw)
		if err != nil {
			return
		}
		h := New(whole)
		h.Needed(text)
		h.Whole()
		h.ClosestField("task", "x")
	})
}
