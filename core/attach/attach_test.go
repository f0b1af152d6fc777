package attach

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/symbols"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

func env(t *testing.T) Env {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("programs are for root")
	}
	facts, err := kernel.This()
	if err != nil {
		t.Fatal(err)
	}
	return Env{Kernel: facts, Symbols: &symbols.Book{}}
}

// counting is a program of a type, and how often it ran.
func counting(t *testing.T, typ ebpf.ProgramType) (*ebpf.Program, func() uint64) {
	t.Helper()
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: typ, License: "GPL", Instructions: asm.Instructions{
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program, func() (n uint64) {
		if err := m.Lookup(uint32(0), &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func TestAttachAndDetach(t *testing.T) {
	for _, c := range []struct {
		hook, target string
		typ          ebpf.ProgramType
	}{
		{"tracepoint", "sched/sched_process_fork", ebpf.TracePoint},
		{"raw_tracepoint", "sched_process_fork", ebpf.RawTracepoint},
		{"raw_tracepoint", "sched/sched_process_fork", ebpf.RawTracepoint},
		{"kprobe", "wake_up_new_task", ebpf.Kprobe},
		{"kprobe", "wake_up_new_task+0x0", ebpf.Kprobe},
		{"kretprobe", "wake_up_new_task", ebpf.Kprobe},
	} {
		t.Run(c.hook+"/"+strings.ReplaceAll(c.target, "/", ":"), func(t *testing.T) {
			env := env(t)
			if c.typ == ebpf.Kprobe && !env.Kernel.HasKprobes() {
				t.Skip("kprobe: not in this kernel; tests/vm/run boots one that has them")
			}
			program, runs := counting(t, c.typ)
			l, err := Attach(program, Target{Hook: c.hook, Name: c.target}, env)
			if err != nil {
				t.Fatal(err)
			}
			if err := exec.Command("true").Run(); err != nil || runs() == 0 {
				t.Errorf("ran %d times; %v", runs(), err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			before := runs()
			if err := exec.Command("true").Run(); err != nil || runs() != before {
				t.Errorf("ran %d times after it was detached; %v", runs()-before, err)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	env := env(t)
	for _, c := range []struct {
		hook, target string
		typ          ebpf.ProgramType
		want         string
	}{
		{"tracepoint", "sched/sched_process_frok", ebpf.TracePoint, "no such tracepoint (closest: sched/sched_process_fork)"},
		{"tracepoint", "sched_process_fork", ebpf.TracePoint, "no category (the section is tracepoint/category/name)"},
		{"tracepoint", "../../etc/passwd", ebpf.TracePoint, ""},
		{"raw_tracepoint", "sched_process_frok", ebpf.RawTracepoint, "no such tracepoint (closest: sched_process_fork)"},
		{"kprobe", "wake_up_new_tsk", ebpf.Kprobe, "no such symbol (closest: wake_up_new_task)"},
		{"kretprobe", "wake_up_new_tsk", ebpf.Kprobe, "no such symbol (closest: wake_up_new_task)"},
		{"kprobe", "wake_up_new_task+0x1", ebpf.Kprobe, "this function cannot be probed (is the offset that of an instruction?)"},
		{"kprobe", "wake_up_*", ebpf.Kprobe, "this is not the name of one function (a pattern is for SEC(\"kprobe.multi/pattern\"), from 5.18)"},
		{"kprobe", "wake_up_new_task+x", ebpf.Kprobe, "the offset is no number"},
		{"fexit", "f", ebpf.Kprobe, "no such hook"},
	} {
		t.Run(c.hook+"/"+strings.ReplaceAll(c.target, "/", ":"), func(t *testing.T) {
			program, _ := counting(t, c.typ)
			want := c.want
			if strings.HasSuffix(c.hook, "probe") && !env.Kernel.HasKprobes() {
				want = "this kernel has no kprobes (it is built without CONFIG_KPROBES; use a tracepoint"
			}
			l, err := Attach(program, Target{Hook: c.hook, Name: c.target}, env)
			f := (*fault.Error)(nil)
			if l != nil || !errors.As(err, &f) || f.Kind != fault.Attach || !strings.HasPrefix(err.Error(), "attach "+c.hook+" "+c.target+": "+want) {
				t.Errorf("%v, %v", l, err)
			}
		})
	}
}

const user = `
__attribute__((noinline)) int shown(int x) { __asm__ volatile(""); return x + 1; }
int main(void) { return shown(1) + shown(2) + shown(3) - 9; }
`

func TestUprobe(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc")
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/user.c", []byte(user), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-o", dir+"/user", dir+"/user.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := env(t)
	env.Path = dir
	for _, c := range []struct {
		target Target
		want   uint64
	}{
		{Section("uprobe", "user:shown"), 3},
		{Section("uretprobe", dir+"/user:shown"), 3},
		{Section("uprobe", dir+"/user:main+0"), 1},
		{Target{Hook: "uprobe", Name: "user", Symbol: "shown", PID: 0}, 0}, // of this process
	} {
		t.Run(c.target.Hook+c.target.Symbol, func(t *testing.T) {
			program, runs := counting(t, ebpf.Kprobe)
			l, err := Attach(program, c.target, env)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if err := exec.Command(dir + "/user").Run(); err != nil || runs() != c.want {
				t.Errorf("ran %d times, want %d; %v", runs(), c.want, err)
			}
		})
	}
	for target, want := range map[string]string{
		"user:shwon": "attach uprobe user:shwon: no such function (closest: shown)",
		"nobody:f":   "attach uprobe nobody:f: no such file or directory (its path, a program on PATH, or a library such as libc is needed)",
		dir + ":f":   "attach uprobe " + dir + ":f: it is no regular file (its path, a program on PATH, or a library such as libc is needed)",
	} {
		program, _ := counting(t, ebpf.Kprobe)
		if _, err := Attach(program, Section("uprobe", target), env); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	// No offset is not one that may be searched for.
	program, _ := counting(t, ebpf.Kprobe)
	_, err := Attach(program, Target{Hook: "uretprobe", Name: "user", PID: -1}, env)
	if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid ||
		err.Error() != "attach uretprobe user+0x0: an offset in the file, or a function, is needed" {
		t.Error(err)
	}
}

func TestMany(t *testing.T) {
	env := env(t)
	if !env.Kernel.HasKprobes() {
		t.Skip("kprobe: not in this kernel; tests/vm/run boots one that has them")
	}
	functions, err := traceable(env, "wake_up_new_tas?")
	if err != nil || len(functions) != 1 || functions[0] != "wake_up_new_task" {
		t.Errorf("%v, %v", functions, err)
	}
}

func TestMatching(t *testing.T) {
	const listed = "schedule\n__ftrace_invalid_address___628\n__ftrace_invalid_address___1720\ndo_it [nf_nat]\ntwice\ntwice [ext4]\n"
	if names, err := matching(strings.NewReader(listed), "*"); err != nil || !slices.Equal(names, []string{"schedule", "do_it"}) {
		t.Errorf("%q, %v", names, err)
	}
	if names, err := matching(strings.NewReader(listed+strings.Repeat("x", 1<<20)), "*"); !errors.Is(err, bufio.ErrTooLong) {
		t.Errorf("%q, %v", names, err)
	}
}

func TestWhyNotTraced(t *testing.T) {
	for err, want := range map[error]string{ebpf.ErrNotSupported: "this", unix.EINVAL: "this", unix.EPERM: "", unix.E2BIG: "too many programs are attached to it"} {
		if got := whyNotTraced(fmt.Errorf("attach: %w", err), "this"); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestImpossibleEvent(t *testing.T) {
	env := env(t)
	program, _ := counting(t, ebpf.PerfEvent)
	target := Target{Hook: "perf_event", PID: -1, CPU: -1, FD: -1, Event: map[string]uint64{"type": 1, "sample_freq": 10}}
	if _, err := Attach(program, target, env); err == nil || !strings.Contains(err.Error(), "invalid argument (every process on every CPU is not one event") {
		t.Error(err)
	}
	target.Event = map[string]uint64{"type": 1 << 32}
	if _, err := Attach(program, target, env); err == nil || !strings.HasSuffix(err.Error(), ": type has 32 bits, 4294967296 is too large") {
		t.Error(err)
	}
}

func TestAttributes(t *testing.T) {
	for range 50 { // the order of a map is another each time
		attr, err := attributes(map[string]uint64{"type": 1, "config": 0, "sample_freq": 50, "sample_period": 0, "bp_addr": 0x1000, "config1": 0})
		if err != nil || attr.Sample != 50 || attr.Ext1 != 0x1000 || attr.Type != 1 || attr.Bits != 1<<10 {
			t.Fatalf("%+v, %v", attr, err)
		}
	}
	attr, err := attributes(map[string]uint64{"precise_ip": 3, "clockid": 1<<32 - 1, "config": 1<<64 - 1})
	if err != nil || attr.Bits != 3<<15 || attr.Clockid != -1 || attr.Config != 1<<64-1 {
		t.Errorf("%+v, %v", attr, err)
	}
	for name, bits := range map[string]int{"precise_ip": 2, "sample_max_stack": 16, "wakeup_events": 32, "clockid": 32} {
		if _, err := attributes(map[string]uint64{name: 1 << bits}); err == nil || !strings.HasPrefix(err.Error(), name+" has ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = attributes(map[string]uint64{"sample_freq": 50, "sample_period": 1})
	if err == nil || err.Error() != "sample_period and sample_freq exclude one another" {
		t.Error(err)
	}
}
