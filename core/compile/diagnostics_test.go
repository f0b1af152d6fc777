package compile

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"coolbpf/core/fault"
)

func TestErrorsAreAboutTheUsersLines(t *testing.T) {
	b := newBench(t)
	b.write("x.h", "#pragma once\nint y = ;\n")
	b.write("sub/s.h", "\n\n#error no such luck\n")
	outside := t.TempDir()
	if err := os.WriteFile(outside+"/o.h", []byte("#error outside\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Include = []string{"sub", outside}
	for _, c := range []struct{ text, want, detail string }{
		{tracer + "int x = ;\n", "compile t.bpf.c:9:9: expected expression", "int x = ;"},
		{strings.ReplaceAll(tracer+"int x = ;\n", "\n", "\r\n"), "compile t.bpf.c:9:9: expected expression", ""},
		{"#include \"x.h\"\n" + tracer, "compile x.h:2:9: expected expression", "In file included from t.bpf.c:1:\nx.h:2:9:"},
		{"#include <s.h>\n" + tracer, "compile sub/s.h:3:2: no such luck", "In file included from t.bpf.c:1:\nsub/s.h:3"},
		{"#include <o.h>\n" + tracer, "compile " + outside + "/o.h:1:2: outside", ""},
		{"#include \"nothere.h\"\n" + tracer,
			"compile t.bpf.c:1:10: 'nothere.h' file not found (searched: " + b.Work + ", " + b.at("sub") + ", " + outside + ", then the headers that coolbpf brings)", ""},
		{"int f(void) { return bpf_ktime_get_n(); }\n", "compile t.bpf.c:1:22: ", "bpf_ktime_get_n"},
		{"SEC(\"x\") int f(void) { return 0; }\n", "compile t.bpf.c:1:", ""},
	} {
		f := b.source(c.text).fails(fault.Compile, c.want)
		if !strings.Contains(f.Detail, c.detail) || !strings.Contains(f.Detail, "error generated") && !strings.Contains(f.Detail, "errors generated") {
			t.Errorf("detail lacks %q:\n%s", c.detail, f.Detail)
		}
	}
	b.Env = "-fno-such-flag"
	b.source(tracer).fails(fault.Compile, "compile t.bpf.c: ", "-fno-such-flag")
	b.Env = "-fsyntax-only"
	b.fails(fault.Compile, "compile t.bpf.c: ", "BPF object")
}

func TestNothingIncluded(t *testing.T) {
	newBench(t).source("u32 x;\n").fails(fault.Compile, "compile t.bpf.c:1:1: unknown type name 'u32'", `#include "lbc.h"`)
}

func TestClosestNames(t *testing.T) {
	b := newBench(t)
	inside := func(line string) string {
		return strings.Replace(tracer, "\treturn _(parent->tgid);", line, 1)
	}
	for line, c := range map[string]struct{ unknown, closest string }{
		"struct task_strct *t = parent; return _(t->tgid);": {"struct task_strct", "task_struct"},
		"struct task_strct t; return 0;":                    {"struct task_strct", "task_struct"},
		"return sizeof(struct task_strct);":                 {"struct task_strct", "task_struct"},
		"return _(parent->tgidd);":                          {"tgidd", "tgid"},
		"return BPF_CORE_READ(parent, mm, ownr);":           {"ownr", "owner"},
		"return sizeof(atomic_tt);":                         {"atomic_tt", "atomic_t"},
		"return BPF_MAP_TYPE_HASHS;":                        {"BPF_MAP_TYPE_HASHS", "BPF_MAP_TYPE_HASH"},
		"return bpf_ktime_get_nss();":                       {"bpf_ktime_get_nss", "bpf_ktime_get_ns"},
	} {
		// clang offers names that it has seen itself, we those of the kernel.
		f := b.source(inside(line)).fails(fault.Compile, "compile t.bpf.c:6:", "'"+c.unknown+"'")
		if got := f.Error(); !strings.HasSuffix(got, "(closest: "+c.closest+")") && !strings.HasSuffix(got, "did you mean '"+c.closest+"'?") {
			t.Errorf("%s: does not offer %s", got, c.closest)
		}
	}
}

func TestTypeOfAMap(t *testing.T) {
	b := newBench(t).source("#include \"lbc.h\"\nstruct data_t { u32 pid; };\nLBC_PERF_OUTPUT(e_out, struct data, 128);\n")
	b.fails(fault.Compile, "compile t.bpf.c:3:1: ", "incomplete type 'struct data'", "closest: data_t")
}

func TestMisspeltMacro(t *testing.T) {
	for line, closest := range map[string]string{
		"LBC_HAHS(h, u32, u64, 10);":             "LBC_HASH",
		"LBC_PERF_OUTPT(e, struct data_t, 128);": "LBC_PERF_OUTPUT",
		"LBC_STAK(stacks, 1024);":                "LBC_STACK",
		"LBC_HITS10(h);":                         "LBC_HIST10",
	} {
		newBench(t).source("#include \"lbc.h\"\nstruct data_t { u32 pid; };\n"+line+"\n").fails(fault.Compile, "compile t.bpf.c:3:", "closest: "+closest)
	}
	f := newBench(t).source("#include \"lbc.h\"\nLBC_HIST2(h, 3);\n").fails(fault.Compile, "compile t.bpf.c:2:")
	if strings.Contains(f.Error(), "closest") {
		t.Errorf("offers another macro: %s", f)
	}
}

func TestMapThatIsNoRing(t *testing.T) {
	for _, member := range []string{"", "__type(key, char[1]);"} {
		for _, other := range []string{"", "LBC_RINGBUF(other, u64, 4096);"} {
			b := newBench(t).source("#include \"lbc.h\"\nstruct { __uint(type, BPF_MAP_TYPE_RINGBUF); " + member + " } plain SEC(\".maps\");" + other +
				"\nint f(void) { return lbc_ringbuf_output(&plain, \"x\", 1, 0); }\n")
			b.fails(fault.Compile, "compile t.bpf.c:3:", "take &NAME of an LBC_RINGBUF")
		}
	}
}

func TestFailureLeavesTheOldFileAlone(t *testing.T) {
	b := newBench(t).source(tracer)
	old := b.make("compiled").Artefact
	b.source(tracer + "int x = ;").fails(fault.Compile)
	if now, err := os.ReadFile(b.at("t.so")); err != nil || !bytes.Equal(now, old) {
		t.Errorf("it changed: %v", err)
	}
	b.source(tracer).make("reused")
}

func TestFirstError(t *testing.T) {
	for output, want := range map[string]diagnostic{
		"In file included from a.c:1:\nb.h:3:4: warning: w\nb.h:5:6: error: e: f\na.c:7:8: error: g\n": {"a.c:7:8", "a.c", "g"},
		"b.h:5:6: error: e: f\nb.h:7:8: error: g\n":                                                    {"b.h:5:6", "b.h", "e: f"},
		"/w o/a.c:1:10: fatal error: 'x.h' file not found\n":                                           {"/w o/a.c:1:10", "/w o/a.c", "'x.h' file not found"},
		"clang: error: unknown argument: '-x'\n":                                                       {"", "", "unknown argument: '-x'"},
		"/usr/bin/clang-16: error: no\n":                                                               {"", "", "no"},
		"bpf-clang: stopped\n":                                                                         {"", "", "stopped"},
		"fatal error: error in backend: b\n":                                                           {"", "", "error in backend: b"},
		"one\ntwo\n":                                                                                   {"", "", "the compiler failed: two"},
		"":                                                                                             {"", "", "the compiler failed:"},
	} {
		if got := firstError(output, func(file string) bool { return file == "a.c" || file == "/w o/a.c" }); got != want {
			t.Errorf("%q: %+v", output, got)
		}
	}
}
