package attach

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// member has so many bits.
type member struct {
	bits int
	set  func(*unix.PerfEventAttr, uint64)
}

// members sets those of struct perf_event_attr that are not flags, by the kernel's names.
var members = map[string]member{
	"type":               {32, func(a *unix.PerfEventAttr, v uint64) { a.Type = uint32(v) }},
	"size":               {64, func(*unix.PerfEventAttr, uint64) {}}, // is ours
	"config":             {64, func(a *unix.PerfEventAttr, v uint64) { a.Config = v }},
	"sample_period":      {64, func(a *unix.PerfEventAttr, v uint64) { a.Sample = v }},
	"sample_freq":        {64, func(a *unix.PerfEventAttr, v uint64) { a.Sample = v }},
	"sample_type":        {64, func(a *unix.PerfEventAttr, v uint64) { a.Sample_type = v }},
	"read_format":        {64, func(a *unix.PerfEventAttr, v uint64) { a.Read_format = v }},
	"wakeup_events":      {32, func(a *unix.PerfEventAttr, v uint64) { a.Wakeup = uint32(v) }},
	"wakeup_watermark":   {32, func(a *unix.PerfEventAttr, v uint64) { a.Wakeup = uint32(v) }},
	"bp_type":            {32, func(a *unix.PerfEventAttr, v uint64) { a.Bp_type = uint32(v) }},
	"bp_addr":            {64, func(a *unix.PerfEventAttr, v uint64) { a.Ext1 = v }},
	"config1":            {64, func(a *unix.PerfEventAttr, v uint64) { a.Ext1 = v }},
	"bp_len":             {64, func(a *unix.PerfEventAttr, v uint64) { a.Ext2 = v }},
	"config2":            {64, func(a *unix.PerfEventAttr, v uint64) { a.Ext2 = v }},
	"branch_sample_type": {64, func(a *unix.PerfEventAttr, v uint64) { a.Branch_sample_type = v }},
	"sample_regs_user":   {64, func(a *unix.PerfEventAttr, v uint64) { a.Sample_regs_user = v }},
	"sample_stack_user":  {32, func(a *unix.PerfEventAttr, v uint64) { a.Sample_stack_user = uint32(v) }},
	"clockid":            {32, func(a *unix.PerfEventAttr, v uint64) { a.Clockid = int32(v) }},
	"sample_regs_intr":   {64, func(a *unix.PerfEventAttr, v uint64) { a.Sample_regs_intr = v }},
	"aux_watermark":      {32, func(a *unix.PerfEventAttr, v uint64) { a.Aux_watermark = uint32(v) }},
	"sample_max_stack":   {16, func(a *unix.PerfEventAttr, v uint64) { a.Sample_max_stack = uint16(v) }},
	"aux_sample_size":    {32, func(a *unix.PerfEventAttr, v uint64) { a.Aux_sample_size = uint32(v) }},
	"sig_data":           {64, func(a *unix.PerfEventAttr, v uint64) { a.Sig_data = v }},
	"precise_ip":         {2, func(a *unix.PerfEventAttr, v uint64) { a.Bits |= v << 15 }},
}

// flags are the bits of struct perf_event_attr, in the kernel's order; "" where precise_ip lies.
var flags = []string{"disabled", "inherit", "pinned", "exclusive", "exclude_user", "exclude_kernel", "exclude_hv", "exclude_idle", "mmap",
	"comm", "freq", "inherit_stat", "enable_on_exec", "task", "watermark", "", "", "mmap_data", "sample_id_all", "exclude_host",
	"exclude_guest", "exclude_callchain_kernel", "exclude_callchain_user", "mmap2", "comm_exec", "use_clockid", "context_switch",
	"write_backward", "namespaces", "ksymbol", "bpf_event", "aux_output", "cgroup", "text_poke", "build_id", "inherit_thread",
	"remove_on_exec", "sigtrap"}

// unions are members that are one in memory.
var unions = [][2]string{{"sample_period", "sample_freq"}, {"wakeup_events", "wakeup_watermark"}, {"bp_addr", "config1"}, {"bp_len", "config2"}}

func attributes(event map[string]uint64) (*unix.PerfEventAttr, error) {
	attr := &unix.PerfEventAttr{Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{}))}
	for _, u := range unions {
		if event[u[0]] != 0 && event[u[1]] != 0 {
			return nil, fmt.Errorf("%s and %s exclude one another", u[0], u[1])
		}
	}
	bits := map[string]uint64{}
	for i, name := range flags {
		bits[name] = 1 << i
	}
	for name, value := range event {
		if m, ok := members[name]; ok {
			if value>>m.bits != 0 {
				return nil, fmt.Errorf("%s has %d bits, %d is too large", name, m.bits, value)
			}
			if value != 0 { // which would overwrite the other one of a union
				m.set(attr, value)
			}
		} else if bit := bits[name]; bit == 0 || name == "" {
			return nil, fmt.Errorf("struct perf_event_attr has no member %s", name)
		} else if value != 0 {
			attr.Bits |= bit
		}
	}
	if event["sample_freq"] != 0 {
		attr.Bits |= unix.PerfBitFreq
	}
	return attr, nil
}

// perfEvent opens a perf event and runs the program whenever it counts or samples.
func perfEvent(program *ebpf.Program, target Target, _ Env) (io.Closer, error) {
	attr, err := attributes(target.Event)
	if err != nil {
		return nil, failed(target, err, closestMember(target.Event))
	}
	fd, err := unix.PerfEventOpen(attr, target.PID, target.CPU, target.FD, target.Flags|unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, failed(target, err, whyNot(err, target))
	}
	event := os.NewFile(uintptr(fd), "perf_event")
	err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, program.FD())
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0)
	}
	if err != nil {
		event.Close()
		return nil, failed(target, err, "the program's section must be perf_event")
	}
	return &enabled{event}, nil
}

// enabled is an event that is switched off when it is closed, also where a forked child still has it.
type enabled struct{ *os.File }

func (e *enabled) Close() error {
	return errors.Join(unix.IoctlSetInt(int(e.Fd()), unix.PERF_EVENT_IOC_DISABLE, 0), e.File.Close())
}

func whyNot(err error, target Target) string {
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EOPNOTSUPP):
		return "this machine has no such event; software events (type 1) always work"
	case errors.Is(err, unix.ESRCH):
		return "there is no process of this number"
	case errors.Is(err, unix.EINVAL) && target.PID < 0 && target.CPU < 0:
		return "every process on every CPU is not one event: one for each CPU is needed, or one for a process"
	case errors.Is(err, unix.EINVAL):
		return "the values of the attr do not fit together"
	case errors.Is(err, unix.EACCES):
		return paranoid
	case errors.Is(err, unix.EMFILE):
		return "one file descriptor a CPU is needed: raise ulimit -n"
	case errors.Is(err, unix.ENODEV):
		return fmt.Sprintf("CPU %d is not online", target.CPU)
	}
	return ""
}

func closestMember(event map[string]uint64) string {
	for name := range event {
		_, known := members[name]
		near := fault.Closest(name, func(yield func(string) bool) {
			for member := range members {
				if !yield(member) {
					return
				}
			}
			for _, flag := range flags {
				known = known || flag == name
				if !yield(flag) {
					return
				}
			}
		})
		if !known && near != "" {
			return "closest: " + near
		}
	}
	return ""
}
