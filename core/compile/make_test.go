package compile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"
)

const tracer = `#include "lbc.h"
SEC("raw_tracepoint/sched_process_fork")
int on_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx->args[0];
	return _(parent->tgid);
}
char _license[] SEC("license") = "GPL";
`

// home is a directory with libbpf's headers, and bpf-clang where it was built.
func home(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("LBC_TEST_HOME")
	if dir == "" {
		dir = "../../build/native"
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if newLibrary(dir).libbpf == "" {
		t.Skipf("no libbpf headers in %s: make wheel, or set LBC_TEST_HOME to a directory with include/bpf", dir)
	}
	if _, err := findCompiler(t.Context(), Request{Home: dir, Path: os.Getenv("PATH"), Temp: os.TempDir()}); err != nil {
		t.Skip(err)
	}
	return dir
}

// bench makes programs named t in a directory of its own.
type bench struct {
	*testing.T
	Request
}

func newBench(t *testing.T) *bench {
	return &bench{t, Request{Name: "t", Home: home(t), Work: t.TempDir(), Path: os.Getenv("PATH"), Temp: os.TempDir()}}
}

func (b *bench) at(name string) string { return filepath.Join(b.Work, name) }

func (b *bench) write(name, text string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(b.at(name)), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(b.at(name), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// source sets the text and returns the bench.
func (b *bench) source(text string) *bench {
	b.Source = &text
	return b
}

// make expects an action and returns the result.
func (b *bench) make(action string) *Result {
	b.Helper()
	r, err := Make(b.Context(), b.Request)
	if err != nil {
		if f := (*fault.Error)(nil); errors.As(err, &f) {
			b.Fatalf("%v\n%s", err, f.Detail)
		}
		b.Fatal(err)
	}
	if r.Report.Action != action {
		b.Errorf("%s, want %s", r.Report.Action, action)
	}
	if r.Report.Path != b.at("t.so") {
		b.Errorf("path %s", r.Report.Path)
	}
	if _, _, err := artefact.Decode(r.Artefact); err != nil {
		b.Error(err)
	}
	return r
}

// fails expects an error of this kind, of one line with these parts.
func (b *bench) fails(kind fault.Kind, parts ...string) *fault.Error {
	b.Helper()
	r, err := Make(b.Context(), b.Request)
	f := (*fault.Error)(nil)
	if r != nil || !errors.As(err, &f) {
		b.Fatalf("got %+v, %v", r, err)
	}
	if f.Kind != kind {
		b.Errorf("kind %d, want %d: %v", f.Kind, kind, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			b.Errorf("%q lacks %q\n%s", err, part, f.Detail)
		}
	}
	if strings.Contains(err.Error()+f.Detail, private) {
		b.Errorf("shows the private directory: %v\n%s", err, f.Detail)
	}
	return f
}

// withoutCompiler takes all compilers away.
func (b *bench) withoutCompiler() {
	b.Path, b.Clang = "", ""
	b.Home = b.TempDir()
}

// change passes NAME.so through a change of its meta data.
func (b *bench) change(f func(*artefact.Meta)) {
	b.Helper()
	data, err := os.ReadFile(b.at("t.so"))
	if err != nil {
		b.Fatal(err)
	}
	object, meta, err := artefact.Decode(data)
	if err != nil {
		b.Fatal(err)
	}
	f(&meta)
	if data, err = artefact.Encode(object, meta); err != nil {
		b.Fatal(err)
	}
	if err := artefact.Write(b.at("t.so"), data); err != nil {
		b.Fatal(err)
	}
}

func TestCompileThenReuse(t *testing.T) {
	b := newBench(t).source(tracer)
	first := b.make("compiled")
	if r := first.Report; r.Header != "needed" || r.Compiler == "" || r.Release == "" || len(r.Notes) != 0 || r.Warnings != "" {
		t.Errorf("%+v", r)
	}
	kept, err := os.ReadFile(b.at("t.so"))
	if err != nil || !bytes.Equal(kept, first.Artefact) {
		t.Errorf("what was kept is not what was given: %v", err)
	}
	if err := os.Chtimes(b.at("t.so"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	b.Name = "t.bpf.c"
	b.withoutCompiler()
	again := b.make("reused")
	if !bytes.Equal(again.Artefact, first.Artefact) || again.Report.Header != "needed" || again.Report.Compiler != first.Report.Compiler {
		t.Errorf("%+v", again.Report)
	}
	report, err := json.Marshal(again.Report)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(report, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"path", "action", "header", "compiler", "release", "warnings", "notes"} {
		if members[name] == nil {
			t.Errorf("the report lacks %s: %s", name, report)
		}
	}
}

func TestWhatCausesACompilation(t *testing.T) {
	b := newBench(t)
	b.write("x.h", "#define X 1\n#include \"sub/y.h\"\n")
	b.write("sub/y.h", "#include \"z.h\"\n")
	b.write("sub/z.h", "#define Z 1\n")
	text := "#include \"x.h\"\n  #include <sub/y.h>\n" + tracer + "int z = Z + X;\n"
	b.source(text).make("compiled")
	b.make("reused")
	b.write("sub/z.h", "#define Z 2\n")
	b.make("compiled")
	b.source(text + " ").make("compiled")
	b.Env = "-DLBC_DEBUG"
	b.make("compiled")
	b.make("reused")
	b.Arch = "aarch64"
	b.make("compiled")
	b.Arch = ""
	b.make("compiled")
	for _, f := range []func(*artefact.Meta){
		func(m *artefact.Meta) { m.Release = "4.18.0" },
		func(m *artefact.Meta) { m.Engine = "0" },
		func(m *artefact.Meta) { m.Key = "0" },
	} {
		b.change(f)
		b.make("compiled")
		b.make("reused")
	}
}

func TestWithoutCompiler(t *testing.T) {
	b := newBench(t).source(tracer)
	b.make("compiled")
	b.change(func(m *artefact.Meta) { m.Release = "4.18.0" })
	b.withoutCompiler()
	if r := b.make("reused").Report; r.Release != "4.18.0" || len(r.Notes) != 0 {
		t.Errorf("%+v", r)
	}
	b.source(tracer+" ").fails(fault.Missing, "no compiler", "pip install coolbpf", "LBC_CLANG")
	b.Clang = "/nonexistent/clang"
	b.fails(fault.Missing, "LBC_CLANG", "/nonexistent/clang", "no such file")
	b.source(tracer)
	if r := b.make("reused").Report; len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "not built again for this kernel") {
		t.Errorf("%+v", r)
	}
}

func TestSourceFile(t *testing.T) {
	b := newBench(t)
	f := b.fails(fault.Missing, b.at("t.so"), b.at("t.bpf.c"))
	if !errors.Is(f, os.ErrNotExist) {
		t.Errorf("not an ErrNotExist: %v", f)
	}
	b.write("t.bpf.c", tracer)
	first := b.make("compiled")
	b.make("reused")
	if again := b.source(tracer).make("reused"); !bytes.Equal(again.Artefact, first.Artefact) {
		t.Error("a string and a file of the same text differ")
	}
	b.Source = nil
	if err := os.Remove(b.at("t.bpf.c")); err != nil {
		t.Fatal(err)
	}
	b.change(func(m *artefact.Meta) { m.Release = "4.18.0" })
	b.make("loaded")
	b.Arch = "aarch64"
	b.fails(fault.Invalid, b.at("t.so"), "x86_64", "aarch64")
}

func TestPlainObject(t *testing.T) {
	b := newBench(t).source(tracer)
	object, _, err := artefact.Decode(b.make("compiled").Artefact)
	if err != nil {
		t.Fatal(err)
	}
	b.write("t.so", string(object))
	b.make("compiled")
	b.write("t.so", string(object))
	b.Source = nil
	if r := b.make("loaded"); !bytes.Equal(r.Artefact, object) || r.Report.Compiler != "" {
		t.Errorf("%+v", r.Report)
	}
}

func TestTextForms(t *testing.T) {
	for name, text := range map[string]string{
		"CRLF":             strings.ReplaceAll(tracer, "\n", "\r\n"),
		"UTF-8":            "// größer 内核\n" + tracer,
		"byte order mark":  "\ufeff" + tracer,
		"no final newline": strings.TrimSuffix(tracer, "\n"),
		"indented include": "  \t" + tracer,
	} {
		t.Run(name, func(t *testing.T) { newBench(t).source(text).make("compiled") })
	}
}

func TestIncludes(t *testing.T) {
	b := newBench(t)
	b.write("cycle.h", "#pragma once\n#include \"cycle2.h\"\n#define A 1\n")
	b.write("cycle2.h", "#include \"cycle.h\"\n")
	b.write("work/t.h", "#include \"../up.h\"\n")
	b.write("up.h", "#define UP 1\n")
	b.write("inc/x.h", "#define X 1\n")
	b.write("inc2/x.h", "#error the second directory came first\n")
	b.write("inc2/y.h", "#define Y 1\n")
	b.write("inc3/e.h", "#define E 1\n")
	b.write("inc4/f.h", "#define F 1\n")
	b.write("lbc.h", "#error not this one\n")
	b.write("twice.h", "int N;\n")
	b.Include = []string{"inc", b.at("inc2")}
	b.Env = "-I inc3 -I" + b.at("inc4")
	b.source(`#include "cycle.h"
#include "work/t.h"
#include "x.h"
#include <y.h>
#include "e.h"
#include "f.h"
#include "` + b.at("inc4/f.h") + `"
#define N a
#include "twice.h"
#undef N
#define N b
#include "twice.h"
int sum = A + UP + X + Y + E + F + sizeof(a) + sizeof(b);
` + tracer).make("compiled")
	b.make("reused")
	b.write("inc3/e.h", "#define E 2\n")
	b.make("compiled")
	b.Env = ""
	b.fails(fault.Compile, "t.bpf.c:5:10", "'e.h' file not found", "searched: "+b.Work+", "+b.at("inc"))
}

func TestSameObjectWhereverItIsMade(t *testing.T) {
	b := newBench(t).source(tracer)
	first := b.make("compiled")
	if err := os.Remove(b.at("t.so")); err != nil {
		t.Fatal(err)
	}
	b.Temp = b.TempDir()
	second := b.make("compiled")
	if !bytes.Equal(first.Artefact, second.Artefact) {
		t.Error("the same source gives two objects")
	}
	if bytes.Contains(first.Artefact, []byte(private)) {
		t.Error("the object names the private directory")
	}
	if !bytes.Contains(first.Artefact, []byte(b.at("t.bpf.c"))) && !bytes.Contains(first.Artefact, []byte(b.Work)) {
		t.Error("the object does not name the source")
	}
}

func TestWholeHeader(t *testing.T) {
	// Names that come from two halves are not found by a look at the source.
	b := newBench(t).source("#define JOIN(a, b) a##b\n" + tracer + "struct JOIN(task_, struct) *p; unsigned long n = sizeof(struct JOIN(vm_area_, struct));\n")
	if r := b.make("compiled").Report; r.Header != "whole" {
		t.Errorf("%+v", r)
	}
	b = newBench(t).source("#define GET(what) bpf_get_##what()\n" + strings.Replace(tracer, "return", "return GET(smp_processor_id) +", 1))
	if r := b.make("compiled").Report; r.Header != "whole" {
		t.Errorf("%+v", r)
	}
	b = newBench(t).source("int x;\n")
	if r := b.make("compiled").Report; r.Header != "none" {
		t.Errorf("%+v", r)
	}
}

// A type that the source defines on a condition which does not hold is the kernel's.
func TestTypesBehindConditions(t *testing.T) {
	for _, text := range []string{
		"#ifndef __VMLINUX_H__\nstruct pid { int no; };\n#endif\n",
		"#if 0\nstruct pid { int no; };\n#endif\n",
		"#ifdef OLD\nenum pid_type { NONE };\n#endif\nint n = PIDTYPE_TGID + sizeof(enum pid_type);",
	} {
		b := newBench(t).source(tracer + text + "\nint size = sizeof(struct pid);\n")
		b.make("compiled")
	}
}

// What a flag reads counts for the key, and must be trusted.
func TestFlagsThatReadHeaders(t *testing.T) {
	for _, c := range []struct{ env, include string }{
		{"-isystem more", "#include <x.h>\n"}, {"-iquote more", "#include \"x.h\"\n"}, {"-idirafter more", "#include <x.h>\n"},
		{"-Imore", "#include <x.h>\n"}, {"-include more/x.h", ""}, {"-includemore/x.h", ""},
	} {
		t.Run(c.env, func(t *testing.T) {
			b := newBench(t).source(c.include + "int x = X;\n")
			b.Env = c.env
			b.write("more/x.h", "#define X 1\n")
			b.make("compiled")
			b.make("reused")
			b.write("more/x.h", "#define X 2\n")
			b.make("compiled")
			if err := os.Chmod(b.at("more/x.h"), 0o666); err != nil {
				t.Fatal(err)
			}
			b.fails(fault.Invalid, "read "+b.at("more/x.h"), "not used")
		})
	}
	b := newBench(t).source("int x;\n")
	for _, env := range []string{"-o other", "-fplugin=x.so", "@file", "x.c", "-Xclang -load", "-include-pch x", "--sysroot=/", "-imacros x", "-Wp,-MD,x", "-mllvm x"} {
		b.Env = env
		b.fails(fault.Invalid, "use env "+env+": ", "is not for a BPF object")
	}
	for _, env := range []string{"-I", "-DX -I -DY"} {
		b.Env = env
		b.fails(fault.Invalid, "use env "+env+": -I needs a value")
	}
	b.Env = "-include none.h"
	b.fails(fault.Missing, "include none.h: ", "searched: "+b.Work)
}

func TestIncludeByMacro(t *testing.T) {
	b := newBench(t).source("#define H \"mac.h\"\n#include H\n")
	b.write("mac.h", "")
	b.fails(fault.Compile, "'mac.h' file not found", "not a macro")
}

func TestWarnings(t *testing.T) {
	b := newBench(t).source(tracer + `
static inline void add(struct bpf_map_def *map, int n) {}
SEC("perf_event") int f(void *ctx) {
	struct task_struct *t = bpf_get_current_task();
	add((int *)ctx, 1);
	add(&_license, t->pid);
}
`)
	r := b.make("compiled").Report
	if !strings.Contains(r.Warnings, "t.bpf.c:") || !strings.Contains(r.Warnings, "warning:") {
		t.Errorf("%+v", r)
	}
	if again := b.make("reused").Report; again.Warnings != r.Warnings {
		t.Errorf("%q", again.Warnings)
	}
}

func TestMapsArePassedWithoutAWarning(t *testing.T) {
	b := newBench(t).source(tracer + `
LBC_HASH(counts, u32, u64, 8);
static inline void add(struct bpf_map_def *map, int n) { incr_hist(map, n); }
SEC("perf_event") int f(void *ctx) {
	add(&counts, 1);
	incr_hist(&counts, 1);
	return 0;
}
`)
	if r := b.make("compiled").Report; r.Warnings != "" {
		t.Error(r.Warnings)
	}
	b.source(strings.Replace(*b.Source, "return 0;\n}", "add(ctx, 1); add((int *)ctx, 1); add(&counts, 2);\n\treturn 0;\n}", 1))
	if r := b.make("compiled").Report; strings.Count(r.Warnings, "warning:") != 1 || !strings.Contains(r.Warnings, "'int *'") {
		t.Error(r.Warnings)
	}
}

func TestRequest(t *testing.T) {
	b := newBench(t).source(tracer)
	for _, c := range []struct {
		set  func(*Request)
		want string
	}{
		{func(r *Request) { r.Name = "" }, `use the name "": it is empty`},
		{func(r *Request) { r.Name = ".bpf.c" }, `use the name ".bpf.c": it is empty`},
		{func(r *Request) { r.Name = "a/b" }, `use the name "a/b": it contains a /`},
		{func(r *Request) { r.Name = "a\x00" }, `use the name "a\x00": it contains a NUL`},
		{func(r *Request) { r.Name = ".." }, `use the name "..": it is a directory`},
		{func(r *Request) { r.Name = strings.Repeat("x", 300) }, `longer than 200 bytes`},
		{func(r *Request) { r.Name = "-o" }, "option of the compiler"},
		{func(r *Request) { r.Env = "-D'" }, "split env -D': a quote is not closed"},
		{func(r *Request) { r.Env = "-D\x00" }, "NUL"},
		{func(r *Request) { r.Arch = "pdp11" }, "compile for pdp11: unknown machine (known: aarch64, x86_64)"},
		{func(r *Request) { empty := " \n"; r.Source = &empty }, "compile t.bpf.c: the source is empty"},
	} {
		c2 := *b
		c.set(&c2.Request)
		c2.fails(fault.Invalid, c.want)
	}
	b.Source = nil
	b.write("t.bpf.c", "")
	b.fails(fault.Invalid, "compile t.bpf.c: the source is empty")
}

func TestCancel(t *testing.T) {
	b := newBench(t).source(tracer)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Make(ctx, b.Request); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
