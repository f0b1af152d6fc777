package build

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// compile runs the bundled compiler on source, and returns the object, what it printed and its
// exit code.
func compile(t *testing.T, source string, flags ...string) (object, output string, code int) {
	t.Helper()
	compiler := built(t, "build/native/bpf-clang")
	include := built(t, "build/native/include")
	dir := write(t, "in.c", source)
	args := append([]string{"-target", "bpf", "-mcpu=v2", "-O2", "-g", "-c", "-D__TARGET_ARCH_x86",
		"-nostdinc", "-isystem", include + "/clang", "-I", include}, flags...)
	command := exec.Command(compiler, append(args, "-o", "out.o", "in.c")...)
	command.Dir = dir
	printed, err := command.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
	return filepath.Join(dir, "out.o"), string(printed), command.ProcessState.ExitCode()
}

func TestCompilerMakesRelocatableObjects(t *testing.T) {
	object, output, code := compile(t, `
#include <stdbool.h>
#include <stdint.h>
typedef uint8_t __u8; typedef uint16_t __u16; typedef uint32_t __u32; typedef uint64_t __u64;
typedef int32_t __s32; typedef int64_t __s64; typedef __u16 __be16; typedef __u32 __be32; typedef __u32 __wsum;
enum { BPF_MAP_TYPE_HASH = 1 };
struct pt_regs;
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
struct task_struct { int pid; int tgid; } __attribute__((preserve_access_index));
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 16); } seen SEC(".maps");
SEC("kprobe/wake_up_new_task")
int probe(struct task_struct *t)
{
	__u32 key = BPF_CORE_READ(t, tgid);
	__u64 *count = bpf_map_lookup_elem(&seen, &key);
	return count ? *count : t->pid;
}
char _license[] SEC("license") = "GPL";
`)
	if code != 0 || output != "" {
		t.Fatalf("exit code %d:\n%s", code, output)
	}
	spec, err := ebpf.LoadCollectionSpec(object)
	if err != nil {
		t.Fatal(err)
	}
	if seen := spec.Maps["seen"]; seen == nil || seen.Type != ebpf.Hash || seen.KeySize != 4 || seen.ValueSize != 8 {
		t.Errorf("map: %v", seen)
	}
	var task *btf.Struct
	if err := spec.Types.TypeByName("task_struct", &task); err != nil || len(task.Members) != 2 {
		t.Errorf("type: %v, %v", task, err)
	}
	probe := spec.Programs["probe"]
	if probe == nil || probe.SectionName != "kprobe/wake_up_new_task" {
		t.Fatalf("program: %v", probe)
	}
	relocations, lines := 0, 0
	for _, instruction := range probe.Instructions {
		if btf.CORERelocationMetadata(&instruction) != nil {
			relocations++
		}
		if instruction.Source() != nil {
			lines++
		}
		if class := instruction.OpCode.Class(); class == asm.Jump32Class {
			t.Errorf("%v: not for -mcpu=v2", instruction)
		}
	}
	if relocations != 2 || lines == 0 {
		t.Errorf("%d CO-RE relocations, %d source lines", relocations, lines)
	}
}

func TestCompilerHeadersStandAlone(t *testing.T) {
	include := built(t, "build/native/include/clang")
	headers, err := filepath.Glob(include + "/[a-z]*.h")
	if err != nil || len(headers) == 0 {
		t.Fatalf("headers in %s: %v, %v", include, headers, err)
	}
	for _, header := range headers {
		name := filepath.Base(header)
		if _, output, code := compile(t, "#include <"+name+">\nint x;\n", "-Wall", "-Wsystem-headers"); code != 0 || output != "" {
			t.Errorf("%s: exit code %d\n%s", name, code, output)
		}
	}
}

func TestCompilerExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		flags  []string
		code   int
		says   string
	}{
		"syntax":    {"int f(void)\n{ return y; }\n", nil, 1, "in.c:2:10: error: use of undeclared identifier 'y'"},
		"header":    {"#include <stdio.h>\n", nil, 1, "'stdio.h' file not found"},
		"code":      {"double f(double a) { return a * a; }\n", nil, 1, "not supported"},
		"warning":   {"int f(void) { int unused; return 0; }\n", []string{"-Wall"}, 0, "unused variable 'unused'"},
		"flag":      {"int x;\n", []string{"-frobnicate"}, 2, "unknown argument: '-frobnicate'"},
		"target":    {"int x;\n", []string{"-target", "x86_64", "-mcpu="}, 2, "x86_64"},
		"assembly":  {"int x;\n", []string{"-S"}, 2, "it makes BPF objects alone"},
		"deep":      {"int x = " + strings.Repeat("(", 300000) + "1" + strings.Repeat(")", 300000) + ";", []string{"-fbracket-depth=1000000"}, 2, "crashed"},
		"huge":      {"char x[100 << 20] = {1};\n", nil, 2, "64 MiB"},
		"memory":    {"#define A(x) x x x x x x x x x x\nA(A(A(A(A(A(A(A(A(A(int y;))))))))))\n", nil, 2, "out of memory"},
		"no colour": {"#error red\n", nil, 1, "in.c:1:2: error: red"},
		"passes":    {"int x;\n", []string{"-mllvm", "-nonsense"}, 2, "-nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			_, output, code := compile(t, c.source, c.flags...)
			if code != c.code || !strings.Contains(output, c.says) {
				t.Errorf("exit code %d, want %d and %q:\n%.2000s", code, c.code, c.says, output)
			}
			if strings.Contains(output, "\x1b") {
				t.Errorf("coloured output: %q", output)
			}
		})
	}
}

func TestCompilerStops(t *testing.T) {
	lines := strings.Repeat("int f(void) { return y; }\n", 1000)
	_, output, code := compile(t, lines)
	if n := strings.Count(output, "error: "); code != 1 || n < 20 || n > 22 {
		t.Errorf("exit code %d, %d errors", code, n)
	}
}

func TestCompilerVersion(t *testing.T) {
	printed, err := exec.Command(built(t, "build/native/bpf-clang"), "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if text := string(printed); !strings.Contains(text, "clang version 19.") || strings.Count(text, "\n") != 1 {
		t.Errorf("%q", text)
	}
}
