package object

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"coolbpf/core/artefact"
	"coolbpf/core/compile"
	"coolbpf/core/fault"
)

const program = `
#include "lbc.h"
struct inner { char name[8]; };
struct value {
	u8 one; s16 two; unsigned int three : 3, five : 5;
	enum { RED, GREEN = 7 } color;
	union { u64 wide; u32 halves[2]; };
	struct inner nested[2];
	struct task_struct *task;
	_Bool flag;
};
LBC_PERF_OUTPUT(e_out, struct value, 128);
LBC_HASH(h, struct inner, struct value, 64);
LBC_PERCPU_ARRAY(pa, u32, u64, 2);
LBC_STACK(stacks, 16);
SEC("kprobe/f+0x10") int a(struct pt_regs *ctx) { return 0; }
SEC("tp/sched/sched_switch") int b(void *ctx) { return 0; }
SEC("raw_tp/sys_enter") int c(void *ctx) { return 0; }
SEC("perf_event") int d(void *ctx) { return 0; }
SEC("kprobe/*") int e(void *ctx) { return 0; }
SEC("kretprobe/f") int f(void *ctx) { return bpf_map_lookup_elem(&h, ctx) || bpf_map_lookup_elem(&pa, ctx) ||
	bpf_perf_event_output(ctx, &e_out, 0, ctx, 1) || bpf_get_stackid(ctx, &stacks, 0); }
char _license[] SEC("license") = "GPL";
`

func compiled(t testing.TB, program string) []byte {
	home, err := filepath.Abs("../../build/native")
	if err != nil {
		t.Fatal(err)
	}
	r, err := compile.Make(t.Context(), compile.Request{Name: "t", Source: &program, Work: t.TempDir(), Home: home,
		Path: os.Getenv("PATH"), Temp: os.TempDir()})
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Kind == fault.Missing {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	elf, _, err := artefact.Decode(r.Artefact)
	if err != nil {
		t.Fatal(err)
	}
	return elf
}

// What tells a ring buffer's counter is neither the kernel's nor the user's.
func TestRings(t *testing.T) {
	o, err := Parse(compiled(t, `
#include "lbc.h"
struct value { u32 one; };
LBC_RINGBUF(first, struct value, 4096);
LBC_RINGBUF(second, u64, 8192);
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __type(value, struct value); } third SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); __type(key, char[2]); __type(value, u32); } fourth SEC(".maps");
enum { a = __COUNTER__ + 100, b = __COUNTER__ };
LBC_RINGBUF(fifth, u64, 4096);
LBC_RINGBUF(of, u64, 4096);
SEC("raw_tp/sys_enter") int f(void *ctx) { u64 x = 1; return lbc_ringbuf_output(&second, &x, 8, 0) + bpf_ringbuf_output(&third, &x, 4, 0); }
char _license[] SEC("license") = "GPL";
`), "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range o.Maps {
		number := "none"
		if m.Ring != nil {
			number = fmt.Sprint(*m.Ring)
		}
		got = append(got, fmt.Sprint(m.Name, " ", m.Type, " ", m.KeySize, m.Key == nil, " ", o.Types[*m.Value].Name, " ", number))
	}
	if want := []string{"fifth ringbuf 0 true u64 32", "first ringbuf 0 true value 0", "fourth ringbuf 0 true u32 none", "of ringbuf 0 true u64 48", "second ringbuf 0 true u64 16",
		"third ringbuf 0 true value none"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if o.Spec.Maps[Rings] == nil {
		t.Error("there is no counter")
	}
}

func TestParse(t *testing.T) {
	elf := compiled(t, program)
	o, err := Parse(elf, "")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []string
	for _, p := range o.Programs {
		hooks = append(hooks, p.Name+" "+p.Hook+" "+p.Target)
	}
	if want := []string{"a kprobe f+0x10", "b tracepoint sched/sched_switch", "c raw_tracepoint sys_enter", "d  ", "e  ", "f kretprobe f"}; !slices.Equal(hooks, want) {
		t.Errorf("%q", hooks)
	}
	names := map[string]Map{}
	for _, m := range o.Maps {
		names[m.Name] = m
	}
	if m := names["h"]; len(names) != 4 || m.Type != "hash" || m.KeySize != 8 || m.ValueSize != 56 || m.MaxEntries != 64 || m.PerCPU {
		t.Errorf("%+v", names)
	}
	if m := names["pa"]; m.Type != "percpu_array" || !m.PerCPU {
		t.Errorf("%+v", m)
	}
	if m := names["e_out"]; m.Type != "perf_event_array" || m.Value == nil || *m.Value != *names["h"].Value {
		t.Errorf("%+v", m)
	}
	value := o.Types[*names["h"].Value]
	got, err := json.Marshal(value.Members)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, m := range value.Members {
		kinds = append(kinds, m.Name+" "+o.Types[m.Type].Kind)
	}
	if want := []string{"one int", "two int", "three int", "five int", "color enum", " union", "nested array", "task pointer", "flag int"}; !slices.Equal(kinds, want) {
		t.Errorf("%q", kinds)
	}
	if three := value.Members[2]; three.BitOffset != 32 || three.BitSize != 3 || value.Members[3].BitOffset != 35 || value.Members[3].BitSize != 5 {
		t.Errorf("%s", got)
	}
	if color := o.Types[value.Members[4].Type]; color.Values["GREEN"] != uint64(7) || color.Size != 4 {
		t.Errorf("%+v", color)
	}
	if task := o.Types[value.Members[7].Type]; task.Name != "struct task_struct *" || task.Size != 8 {
		t.Errorf("%+v", task)
	}
	if flag := o.Types[value.Members[8].Type]; !flag.Bool || flag.Size != 1 {
		t.Errorf("%+v", flag)
	}
}

func TestSameBytesSameAnswer(t *testing.T) {
	elf := compiled(t, program)
	var first string
	for range 20 {
		o, err := Parse(elf, "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(text)
		}
		if string(text) != first {
			t.Fatalf("%s\n%s", text, first)
		}
	}
}

// A damaged file is an error, never a panic.
func TestDamage(t *testing.T) {
	elf := compiled(t, program)
	for at := 0; at < len(elf); at += 61 {
		for _, damaged := range [][]byte{elf[:at], slices.Concat(elf[:at], []byte{elf[at] ^ 0xff}, elf[at+1:])} {
			if _, err := Parse(damaged, ""); err != nil {
				if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid {
					t.Fatalf("at %d: %v", at, err)
				}
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Fuzz(func(t *testing.T, elf []byte) { Parse(elf, "") })
}

func TestMistypedSection(t *testing.T) {
	_, err := Parse(compiled(t, "#include \"lbc.h\"\nSEC(\"tracepont/sched/sched_switch\") int f(void *ctx) { return 0; }\n"), "")
	if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid ||
		err.Error() != `load program f: its section "tracepont/sched/sched_switch" names no kind of program (closest: tracepoint)` {
		t.Error(err)
	}
}
