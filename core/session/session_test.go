package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"coolbpf/core/compile"
	"coolbpf/core/events"
	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/object"
	"coolbpf/core/tables"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// made is the artefact of a program that includes lbc.h and is licensed, or of a whole text.
func made(t *testing.T, text string) []byte {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("programs are for root")
	}
	home, err := filepath.Abs("../../build/native")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "lbc.h") {
		text = "#include \"lbc.h\"\n" + text + "\nchar _license[] SEC(\"license\") = \"GPL\";\n"
	}
	result, err := compile.Make(t.Context(), compile.Request{Name: "t", Source: &text, Work: t.TempDir(), Home: home,
		Path: os.Getenv("PATH"), Temp: os.TempDir()})
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Kind == fault.Missing {
		t.Skip(err)
	} else if err != nil {
		t.Fatalf("%v\n%s", err, f.Detail)
	}
	return result.Artefact
}

func load(t *testing.T, text string) *Session {
	t.Helper()
	s, err := Load(made(t, text), Options{Attach: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

const counter = `
LBC_HASH(counts, u32, u64, 16);
LBC_PERF_OUTPUT(e_out, u64, 16);
SEC("tracepoint/raw_syscalls/sys_enter")
int on_enter(struct trace_event_raw_sys_enter *ctx)
{
	u32 key = 7;
	u64 one = 1, *n = bpf_map_lookup_elem(&counts, &key);

	if (bpf_get_current_pid_tgid() >> 32 != FILTER || ctx->id != GETPPID)
		return 0;
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &one, sizeof(one));
	return 0;
}
`

func mine(text string) string {
	return strings.NewReplacer("FILTER", fmt.Sprint(os.Getpid()), "GETPPID", fmt.Sprint(syscall.SYS_GETPPID)).Replace(text)
}

func TestLoadCountClose(t *testing.T) {
	data := made(t, mine(counter))
	before := descriptors(t)
	s, err := Load(data, Options{Attach: true})
	if err != nil {
		t.Fatal(err)
	}
	described, err := s.Describe()
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Maps     []struct{ Name, Type string }
		Programs []struct {
			Name, Hook, Target string
			Attached           bool
		}
		Types []struct{ Kind string }
	}
	if err := json.Unmarshal(described, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Maps) != 2 || d.Maps[0].Name != "counts" || d.Maps[0].Type != "hash" || d.Maps[1].Type != "perf_event_array" {
		t.Errorf("%+v", d.Maps)
	}
	if len(d.Programs) != 1 || !d.Programs[0].Attached || d.Programs[0].Target != "raw_syscalls/sys_enter" {
		t.Errorf("%+v", d.Programs)
	}
	for range 5 {
		syscall.Getppid()
	}
	err = s.UseTable(0, func(table *tables.Table) error {
		value := make([]byte, 8)
		found, err := table.Lookup([]byte{7, 0, 0, 0}, value, false)
		if !found || value[0] != 5 {
			t.Errorf("% x, %v", value, found)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d file descriptors, %d before", after, before)
	}
	closed := s.UseTable(0, func(*tables.Table) error { return nil })
	if f := (*fault.Error)(nil); !errors.As(closed, &f) || f.Kind != fault.Closed {
		t.Error(closed)
	}
	if _, err := s.OpenEvents(1, 0); !errors.As(err, new(*fault.Error)) {
		t.Error(err)
	}
}

// Close wakes a Read that waits, and waits for it.
func TestCloseWakesRead(t *testing.T) {
	s := load(t, mine(counter))
	reader, err := s.OpenEvents(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenEvents(1, 0); err == nil || !strings.Contains(err.Error(), "open already") {
		t.Error(err)
	}
	if _, err := s.OpenEvents(0, 0); err == nil || !strings.Contains(err.Error(), "open perf buffer counts") {
		t.Error(err)
	}
	ended := make(chan error)
	go func() {
		for {
			if _, err := reader.Read(make([]byte, 4096), make([]events.Run, 16), time.Minute); err != nil {
				ended <- err
				return
			}
		}
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Closed {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Read goes on after Close")
	}
}

// A reader that is opened while the one before is being closed has its rings in the map.
func TestOpenWhileClosing(t *testing.T) {
	s := load(t, mine(counter))
	for round := range 200 {
		r, err := s.OpenEvents(1, 0)
		if err != nil {
			t.Fatal(err)
		}
		go r.Close()
		for !r.Closed() {
			runtime.Gosched()
		}
		next, err := s.OpenEvents(1, 0)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		if err := s.collection.Maps["e_out"].Delete(uint32(0)); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

const probe = "SEC(\"raw_tracepoint/sys_enter\")\nint f(struct bpf_raw_tracepoint_args *ctx)\n{\n\tBODY\n\treturn 0;\n}\n"

func TestExplain(t *testing.T) {
	inside := func(body string) string { return strings.Replace(probe, "BODY", body, 1) }
	for name, c := range map[string]struct {
		text  string
		kind  fault.Kind
		parts []string
	}{
		"no license": {"#include \"lbc.h\"\n" + inside(`bpf_printk("x");`), fault.Load,
			[]string{"load program f: ", `_license[] SEC("license") = "GPL"`}},
		"wild pointer": {inside("return *(volatile int *)(ctx->args[0] & 0xff);"), fault.Load,
			[]string{"load program f: ", "invalid mem access", "at \"return *(volatile int *)", "BPF_CORE_READ", "permission denied"}},
		"no NULL test": {"LBC_HASH(m, u32, u32, 1);\n" + inside("u32 k = 0, *v = bpf_map_lookup_elem(&m, &k); return *v;"), fault.Load,
			[]string{"load program f: ", "map_value_or_null", "for NULL"}},
		"no such helper": {inside("return ((long (*)(void))4000)();"), fault.Load, []string{"load program f: ", "invalid func", "no such helper"}},
		"no such member": {"struct task_struct___x { int nothing_of_this_name; } __attribute__((preserve_access_index));\n" +
			inside("return BPF_CORE_READ((struct task_struct___x *)bpf_get_current_task(), nothing_of_this_name);"), fault.Load,
			[]string{"load program f: ", "nothing_of_this_name", "bpf_core_field_exists"}},
		"endless loop": {inside("for (;;) asm volatile(\"\");"), fault.Load,
			[]string{"load program f: infinite loop detected", "needs an end"}},
		"impossible map":  {"LBC_HASH(m, u32, u32, 0xffffffff);\n" + inside(""), fault.Load, []string{"create map m: ", "4294967295 entries"}},
		"empty map":       {"LBC_HASH(m, u32, u32, 0);\n" + inside(""), fault.Load, []string{"create map m: invalid argument (it has room for no entry)"}},
		"key of an array": {"LBC_ARRAY(m, u64, u32, 8);\n" + inside(""), fault.Load, []string{"create map m: ", "the key of an array is a u32, this one has 8 bytes"}},
		"USDT": {"#include <bpf/usdt.bpf.h>\nSEC(\"usdt\") int BPF_USDT(f, long a) { return a; }", fault.Load,
			[]string{"load program f: USDT probes are not supported (attach a uprobe: "}},
		"no such tracepoint": {strings.Replace(inside(""), "raw_tracepoint/sys_enter", "tracepoint/sched/sched_process_frok", 1), fault.Attach,
			[]string{"attach tracepoint sched/sched_process_frok: no such tracepoint (closest: sched/sched_process_fork)"}},
		"no such raw tracepoint": {strings.Replace(inside(""), "sys_enter", "sys_entre", 1), fault.Attach,
			[]string{"attach raw_tracepoint sys_entre: no such tracepoint (closest: sys_enter)"}},
	} {
		t.Run(name, func(t *testing.T) {
			data := made(t, c.text)
			before := descriptors(t)
			s, err := Load(data, Options{Attach: true})
			f := (*fault.Error)(nil)
			if s != nil || !errors.As(err, &f) || f.Kind != c.kind {
				t.Fatalf("%v, %v", s, err)
			}
			for _, part := range c.parts {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q\n%s", err, part, f.Detail)
				}
			}
			if strings.HasPrefix(err.Error(), "load program") && name != "USDT" && !strings.Contains(f.Detail, "\n") {
				t.Errorf("no log: %q", f.Detail)
			}
			if after := descriptors(t); after != before {
				t.Errorf("%d file descriptors, %d before", after, before)
			}
		})
	}
}

func TestLoadGarbage(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("\x7fELF"), make([]byte, 1000)} {
		_, err := Load(data, Options{})
		if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Error(err)
		}
	}
}

// A weak variable for an option that the kernel lacks is zero, as with libbpf; one that is not weak is an error.
func TestWeakOptions(t *testing.T) {
	const text = `
extern int CONFIG_NONE_OF_THIS_NAME __kconfig WEAK;
extern int LINUX_KERNEL_VERSION __kconfig;
LBC_ARRAY(got, u32, u32, 2);
SEC("raw_tracepoint/sys_enter")
int f(void *ctx)
{
	u32 zero = 0, one = 1, option = CONFIG_NONE_OF_THIS_NAME + 7, version = LINUX_KERNEL_VERSION >> 16;
	bpf_map_update_elem(&got, &zero, &option, BPF_ANY);
	bpf_map_update_elem(&got, &one, &version, BPF_ANY);
	return 0;
}
`
	s := load(t, strings.Replace(text, "WEAK", "__weak", 1))
	facts, err := kernel.This()
	if err != nil {
		t.Fatal(err)
	}
	major, _, _ := strings.Cut(facts.Release, ".")
	err = s.UseTable(0, func(table *tables.Table) error {
		for key, want := range []string{"7", major} {
			value := make([]byte, 4)
			found, err := table.Lookup([]byte{byte(key), 0, 0, 0}, value, false)
			if !found || fmt.Sprint(value[0]) != want {
				t.Errorf("%d: % x, want %s; %v", key, value, want, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	_, err = Load(made(t, strings.Replace(text, "WEAK", "", 1)), Options{})
	if err == nil || !strings.Contains(err.Error(), "CONFIG_NONE_OF_THIS_NAME") && !strings.Contains(err.Error(), "kconfig") {
		t.Error(err)
	}
}

// What cannot be attached to is told from what is not there.
func TestUntraced(t *testing.T) {
	nothing := &btf.FuncProto{Return: &btf.Void{}}
	types, err := btf.NewBuilder([]btf.Type{&btf.Func{Name: "wake_up_new_task", Type: nothing}, &btf.Func{Name: "bpf_lsm_task_alloc", Type: nothing},
		&btf.Typedef{Name: "btf_trace_sched_switch", Type: nothing}, &btf.Typedef{Name: "pid_t", Type: nothing}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := types.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "btf")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for section, want := range map[string]string{
		"fentry/wake_up_new_task": "load program f: this kernel cannot attach to functions (this needs Linux 5.5, on arm64 6.0)",
		"fentry/wake_up_new_tsk":  "load program f: the kernel has nothing of the name wake_up_new_tsk to attach fentry/wake_up_new_tsk to (closest: wake_up_new_task)",
		"fexit/pid_t":             "load program f: the kernel has nothing of the name pid_t to attach fexit/pid_t to (",
		"lsm/task_alloc":          "load program f: this kernel cannot attach to hooks of the security modules (this needs Linux 5.7 with CONFIG_BPF_LSM=y, on arm64 6.0)",
		"lsm/task_aloc":           "load program f: the kernel has nothing of the name task_aloc to attach lsm/task_aloc to (closest: task_alloc)",
		"tp_btf/sched_switch":     "load program f: this kernel cannot attach to tracepoints by their types (this needs Linux 5.5)",
		"tp_btf/sched_swich":      "load program f: the kernel has nothing of the name sched_swich to attach tp_btf/sched_swich to (closest: sched_switch)",
	} {
		hook, target, _ := strings.Cut(section, "/")
		if hook != "lsm" {
			hook = "tracing"
		}
		o := &object.Object{Programs: []object.Program{{Name: "f", Section: section, Hook: hook, Target: target}}}
		if err := explain(fmt.Errorf("program f: %w", ebpf.ErrNotSupported), o, &kernel.Facts{}, Options{BTF: file}); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Where the kernel's configuration is not to be found the library does not say which option it lacks.
func TestUSDTWithoutConfiguration(t *testing.T) {
	parsed, _, _, err := read(made(t, "#include <bpf/usdt.bpf.h>\nSEC(\"usdt\") int BPF_USDT(f, long a) { return a; }"))
	if err != nil {
		t.Fatal(err)
	}
	err = explain(fmt.Errorf("program f: resolving .kconfig: %w", fmt.Errorf("cannot find a kconfig file: %w", fs.ErrNotExist)), parsed, &kernel.Facts{}, Options{})
	if !strings.Contains(err.Error(), "USDT probes are not supported (attach a uprobe: ") {
		t.Error(err)
	}
}
