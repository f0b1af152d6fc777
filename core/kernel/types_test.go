package kernel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// made is BTF of our own, and a file with it.
func made(t *testing.T) (*btf.Spec, string) {
	t.Helper()
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	long := &btf.Int{Name: "long unsigned int", Size: 8}
	outer := &btf.Struct{Name: "outer", Size: 64}
	pair := []btf.Member{{Name: "a", Type: integer}, {Name: "b", Type: integer, Offset: 32}}
	callback := &btf.FuncProto{Return: integer, Params: []btf.FuncParam{{Type: &btf.Pointer{Target: outer}}, {Type: long}}}
	outer.Members = []btf.Member{
		{Name: "name", Type: &btf.Array{Index: integer, Type: char, Nelems: 16}},
		{Name: "", Type: &btf.Union{Size: 8, Members: pair[:1]}, Offset: 128},
		{Name: "in", Type: &btf.Struct{Size: 8, Members: pair}, Offset: 192},
		{Name: "low", Type: integer, Offset: 256, BitfieldSize: 3},
		{Name: "high", Type: integer, Offset: 259, BitfieldSize: 5},
		{Name: "next", Type: &btf.Pointer{Target: outer}, Offset: 320},
		{Name: "text", Type: &btf.Pointer{Target: &btf.Pointer{Target: &btf.Const{Type: char}}}, Offset: 384},
		{Name: "call", Type: &btf.Pointer{Target: callback}, Offset: 448},
	}
	function := func(name string) *btf.Func {
		return &btf.Func{Name: name, Linkage: btf.StaticFunc, Type: &btf.FuncProto{Return: &btf.Void{}, Params: []btf.FuncParam{
			{Name: "o", Type: &btf.Pointer{Target: outer}}, {Name: "p", Type: &btf.Const{Type: &btf.Pointer{Target: &btf.Void{}}}}}}}
	}
	b, err := btf.NewBuilder([]btf.Type{function("do_it"), function("do_that"), callback, &btf.Typedef{Name: "outer_t", Type: outer}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "btf")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	types, err := LoadSpec(path, "")
	if err != nil {
		t.Fatal(err)
	}
	return types, path
}

func TestTargets(t *testing.T) {
	_, path := made(t)
	for prefix, want := range map[string]string{"": "[do_it do_that]", "do_": "[it that]", "outer": "[_t]", "x": "[]"} {
		if names, err := Targets(path, "", prefix); err != nil || fmt.Sprint(names) != want {
			t.Errorf("%q: %v, want %s; %v", prefix, names, want, err)
		}
	}
}

func TestAnswer(t *testing.T) {
	types, _ := made(t)
	function := `{"func":"%s","args":["struct outer *","void *const"],"ret":"void","line":0,"file":""}`
	it, that := fmt.Sprintf(function, "do_it"), fmt.Sprintf(function, "do_that")
	for query, want := range map[Query]string{
		{Func: "do_it"}:                             "[" + it + "]",
		{Func: "do_%"}:                              "[" + it + "," + that + "]",
		{Func: "%at", Arg: "struct outer *"}:        "[" + that + "]",
		{Ret: "int"}:                                "[]",
		{Func: "int"}:                               "[]",
		{Func: "absent"}:                            "[]",
		{Struct: "struct absent"}:                   "null",
		{Struct: "union outer"}:                     "null",
		{Struct: "int"}:                             "null",
		{Struct: "struct out%"}:                     `[{"name":"struct outer","members":8,"size":64}]`,
		{Type: "unsigned long"}:                     `{"name":"unsigned long","type":"long unsigned int","size":8}`,
		{Type: "outer_t"}:                           `{"name":"outer_t","type":"struct outer","size":64}`,
		{Type: "const struct outer"}:                `{"name":"const struct outer","type":"struct outer","size":64}`,
		{Type: "struct absent *"}:                   `{"name":"struct absent *","type":"struct absent *","size":8}`,
		{Type: "absent"}:                            "null",
		{Type: "outer"}:                             "null",
		{Struct: "struct outer"}:                    "",
		{Struct: "const outer_t"}:                   "",
		{Struct: "struct outer", Func: "unnoticed"}: "",
	} {
		answer, err := (&Types{spec: types}).Find(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = `"members":8,"size":64,"cell":[` +
				`{"type":"char","offset":0,"size":16,"bits":"","name":"name[16]"},` +
				`{"type":"int","offset":16,"size":4,"bits":"","name":"a"},` +
				`{"type":"int","offset":24,"size":4,"bits":"","name":"in.a"},{"type":"int","offset":28,"size":4,"bits":"","name":"in.b"},` +
				`{"type":"int","offset":32,"size":4,"bits":"0:3","name":"low"},{"type":"int","offset":32,"size":4,"bits":"3:5","name":"high"},` +
				`{"type":"struct outer *","offset":40,"size":8,"bits":"","name":"next"},` +
				`{"type":"const char **","offset":48,"size":8,"bits":"","name":"text"},` +
				`{"type":"int (*)(struct outer *, long unsigned int)","offset":56,"size":8,"bits":"","name":"call"}]}`
			_, rest, _ := bytes.Cut(got, []byte(","))
			got = rest
		}
		if string(got) != want {
			t.Errorf("%+v:\n%s, want\n%s", query, got, want)
		}
	}
}

func TestIntegers(t *testing.T) {
	for name, want := range map[string]string{
		"unsigned": "unsigned int", "long": "long int", "unsigned long long": "long long unsigned int", "long long int": "long long int",
		"short": "short int", "unsigned short int": "short unsigned int", "char": "char", "unsigned char": "unsigned char", "signed char": "signed char",
		"u64": "u64", "int": "int", "signed": "int",
	} {
		if got := integer(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestAnswersOfThisKernel(t *testing.T) {
	types, err := OpenTypes("")
	if err != nil {
		t.Skip(err)
	}
	answer, err := types.Find(Query{Struct: "struct task_struct"})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, c := range answer.(Struct).Cells {
		found[c.Name] = c.Type
	}
	for name, typ := range map[string]string{"comm[16]": "char", "mm": "struct mm_struct *", "pid": "pid_t", "tasks": "struct list_head"} {
		if found[name] != typ {
			t.Errorf("%s is %q, want %q", name, found[name], typ)
		}
	}
	if answer, err := types.Find(Query{Func: "wake_up_new_task"}); err != nil || answer.([]Function)[0].Args[0] != "struct task_struct *" {
		t.Errorf("%v, %v", answer, err)
	}
}

// A struct or a prototype that contains itself over and over, as damaged BTF may have it.
func TestBroadTypes(t *testing.T) {
	long := &btf.Int{Name: "long int", Size: 8}
	loop := &btf.Struct{Size: 8}
	loop.Members = []btf.Member{{Type: loop}, {Type: loop}}
	if s := layout(&btf.Struct{Name: "s", Size: 8, Members: []btf.Member{{Name: "m", Type: long}, {Type: loop}}}); len(s.Cells) == 0 || len(s.Cells) > mostMembers || s.Members != 2 {
		t.Errorf("%d members", len(s.Cells))
	}
	call := &btf.FuncProto{Return: long}
	pointer := btf.FuncParam{Type: &btf.Pointer{Target: call}}
	call.Params = []btf.FuncParam{pointer, pointer}
	if name := spell(call); len(name) > 64*mostWords {
		t.Errorf("%d bytes", len(name))
	}
}
