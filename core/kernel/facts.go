// Package kernel has the facts of a kernel: its release and architecture, where its BTF is, what it
// can do and what this process may do with it.
package kernel

import (
	"errors"
	"io/fs"
	"os"

	"coolbpf/core/fault"

	"golang.org/x/sys/unix"
)

// Facts are those of the running kernel.
type Facts struct {
	Release string // uname -r
	Arch    string // uname -m
}

// This asks the running kernel.
func This() (*Facts, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, &fault.Error{Kind: fault.System, Op: "uname", Cause: err}
	}
	return &Facts{Release: unix.ByteSliceToString(name.Release[:]), Arch: unix.ByteSliceToString(name.Machine[:])}, nil
}

// HasKprobes tells whether the kernel was built with kprobes.
func (f *Facts) HasKprobes() bool {
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe/type"); err == nil {
		return true
	}
	dir, err := f.Tracefs() // before 4.17 kprobes are made there
	if err != nil {
		return false
	}
	_, err = os.Stat(dir + "/kprobe_events")
	return err == nil
}

// Tracefs returns where tracefs is mounted, and mounts it where this process may.
func (f *Facts) Tracefs() (string, error) {
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		_, err := os.Stat(dir + "/events")
		if err == nil {
			return dir, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			return "", &fault.Error{Kind: fault.Privilege, Op: "read tracefs", Subject: dir, Cause: unix.EACCES,
				Hint: "run as root, with CAP_DAC_READ_SEARCH, or after: mount -o remount,mode=755 " + dir}
		}
	}
	const dir = "/sys/kernel/tracing"
	err := unix.Mount("tracefs", dir, "tracefs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	switch {
	case err == nil:
		return dir, nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return "", &fault.Error{Kind: fault.Privilege, Op: "mount tracefs", Subject: dir, Cause: err,
			Hint: "as root: mount -t tracefs tracefs /sys/kernel/tracing"}
	}
	return "", &fault.Error{Kind: fault.System, Op: "mount tracefs", Subject: dir, Cause: err,
		Hint: "the kernel needs CONFIG_FTRACE, and /sys must be mounted"}
}
