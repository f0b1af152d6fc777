package kernel

import (
	"errors"
	"strings"

	"coolbpf/core/fault"

	"golang.org/x/sys/unix"
)

// Privilege returns an error that names the capabilities that loading and attaching needs and the
// process lacks.
func (f *Facts) Privilege() error {
	if capable(unix.CAP_SYS_ADMIN) {
		return nil
	}
	var missing []string
	if !capable(unix.CAP_BPF) {
		missing = append(missing, "CAP_BPF")
	}
	if !capable(unix.CAP_PERFMON) {
		missing = append(missing, "CAP_PERFMON")
	}
	if missing == nil {
		return nil
	}
	return &fault.Error{Kind: fault.Privilege, Op: "load", Subject: "BPF programs",
		Cause: errors.New("the process lacks " + strings.Join(missing, " and ")), Hint: "run as root, or before kernel 5.8 with CAP_SYS_ADMIN"}
}

// capable tells whether the process has a capability in effect. capget fails for no process that asks
// about itself.
func capable(capability uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[capability/32].Effective&(1<<(capability%32)) != 0
}
