package kernel

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// Finding is what was found out about one thing that programs need, or that decides what they can do.
type Finding struct {
	Name  string `json:"name"`
	State string `json:"state"` // "ok"; "less": something does not work; "fails": nothing does
	Found string `json:"found"`
	Fix   string `json:"fix"` // what to do about it
}

const (
	ok    = "ok"
	less  = "less"
	fails = "fails"
)

// Findings looks at the running kernel and at this process. btf is a file with the kernel's types, or "".
func (f *Facts) Findings(btf string) []Finding {
	return []Finding{
		{"kernel", ok, f.Release + ", " + f.Arch, ""},
		f.btf(btf), f.privilege(), f.lockdown(), f.tracefs(), f.memlock(), f.kptr(), f.perf(), f.unprivileged(),
	}
}

// failing is a finding that is an error.
func failing(name, state string, err error) Finding {
	found := Finding{name, state, err.Error(), ""}
	if e := (*fault.Error)(nil); errors.As(err, &e) {
		found.Fix, found.Found = e.Hint, (&fault.Error{Op: e.Op, Subject: e.Subject, Cause: e.Cause}).Error()
	}
	return found
}

func (f *Facts) btf(path string) Finding {
	path, raw, err := findBTF(path, f.Release)
	if err != nil {
		found := failing("BTF", fails, err)
		if found.Fix == "" {
			found.Fix = "give another file, or none"
		}
		return found
	}
	return Finding{"BTF", ok, fmt.Sprintf("%s, %.1f MB", path, float64(len(raw.Data))/1e6), ""}
}

func (f *Facts) privilege() Finding {
	if err := f.Privilege(); err != nil {
		return failing("privilege", fails, err)
	}
	held, lacking := []string{}, []string{}
	for name, capability := range map[string]uint{"CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN, "CAP_BPF": unix.CAP_BPF, "CAP_PERFMON": unix.CAP_PERFMON,
		"CAP_NET_ADMIN": unix.CAP_NET_ADMIN, "CAP_SYSLOG": unix.CAP_SYSLOG, "CAP_SYS_RESOURCE": unix.CAP_SYS_RESOURCE} {
		if capable(capability) {
			held = append(held, name)
		} else {
			lacking = append(lacking, name)
		}
	}
	found := Finding{"privilege", ok, fmt.Sprintf("user %d with %s", os.Geteuid(), listed(held)), ""}
	if lacking != nil && !capable(unix.CAP_SYS_ADMIN) {
		found.Found += ", without " + listed(lacking)
	}
	return found
}

func (f *Facts) lockdown() Finding {
	const file = "/sys/kernel/security/lockdown"
	text, err := os.ReadFile(file)
	if err != nil {
		return Finding{"lockdown", ok, "none (" + file + " is not there)", ""}
	}
	_, rest, _ := strings.Cut(string(text), "[")
	mode, _, _ := strings.Cut(rest, "]")
	if mode == "confidentiality" {
		return Finding{"lockdown", fails, mode + ": programs may not read the kernel's memory",
			"boot with lockdown=integrity, or without Secure Boot"}
	}
	return Finding{"lockdown", ok, mode, ""}
}

func (f *Facts) tracefs() Finding {
	dir, err := f.Tracefs()
	if err != nil {
		return failing("tracefs", less, err)
	}
	return Finding{"tracefs", ok, dir, ""}
}

// memlock raises the limit as loading does, where the kernel counts the memory of maps (before 5.11).
func (f *Facts) memlock() Finding {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return failing("memlock", less, err)
	}
	found := "unlimited"
	if limit.Cur != uint64(unix.RLIM_INFINITY) {
		found = fmt.Sprintf("%d KiB", limit.Cur>>10)
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return Finding{"memlock", less, found + ", and it cannot be raised: " + err.Error(), "ulimit -l unlimited, or CAP_SYS_RESOURCE"}
	}
	return Finding{"memlock", ok, found + ", and no obstacle", ""}
}

// kptr reads an address: what kptr_restrict means depends on who asks.
func (f *Facts) kptr() Finding {
	setting := sysctl("kernel/kptr_restrict")
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return failing("kptr_restrict", less, err)
	}
	defer file.Close()
	line := make([]byte, 4096)
	n, err := file.Read(line)
	if err != nil {
		return failing("kptr_restrict", less, err)
	}
	for line := range strings.Lines(string(line[:n])) {
		if address, _, _ := strings.Cut(line, " "); strings.Trim(address, "0") != "" {
			return Finding{"kptr_restrict", ok, setting + ": kernel addresses are shown", ""}
		}
	}
	return Finding{"kptr_restrict", less, setting + ": kernel addresses are hidden, stacks have no names",
		"sysctl kernel.kptr_restrict=1, and CAP_SYSLOG"}
}

func (f *Facts) perf() Finding {
	return paranoid(sysctl("kernel/perf_event_paranoid"), capable(unix.CAP_SYS_ADMIN), capable(unix.CAP_PERFMON))
}

// paranoid is about who may open perf events. From 3, which Debian and others have, CAP_PERFMON does not do.
func paranoid(setting string, admin, perfmon bool) Finding {
	fix := "CAP_PERFMON, or sysctl kernel.perf_event_paranoid=-1"
	if level, err := strconv.Atoi(setting); err == nil && level > 2 {
		perfmon, fix = false, "CAP_SYS_ADMIN, or CAP_PERFMON and sysctl kernel.perf_event_paranoid=2"
	}
	if admin || perfmon {
		return Finding{"perf_event_paranoid", ok, setting + ", which this process may disregard", ""}
	}
	return Finding{"perf_event_paranoid", less, setting + ": perf events, and kprobes and uprobes by them, are refused", fix}
}

func (f *Facts) unprivileged() Finding {
	setting := sysctl("kernel/unprivileged_bpf_disabled")
	if setting == "0" {
		return Finding{"unprivileged_bpf", ok, "every user may load programs, of a few kinds", "sysctl kernel.unprivileged_bpf_disabled=1 is the safer choice"}
	}
	return Finding{"unprivileged_bpf", ok, "disabled (" + setting + ")", ""}
}

func sysctl(name string) string {
	text, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func listed(names []string) string {
	if len(names) == 0 {
		return "no capability"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
