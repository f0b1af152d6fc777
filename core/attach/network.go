package attach

import (
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// cgroup attaches to the cgroup of a file descriptor, in the way that the program's section says.
func cgroup(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	l, err := link.AttachCgroup(link.CgroupOptions{Path: fmt.Sprintf("/proc/self/fd/%d", target.FD), Attach: env.AttachType, Program: program})
	if err != nil {
		return nil, failed(target, err, "the file descriptor of a directory in /sys/fs/cgroup is needed")
	}
	return l, nil
}

// netns attaches to the network namespace of a file descriptor.
func netns(program *ebpf.Program, target Target, _ Env) (io.Closer, error) {
	l, err := link.AttachNetNs(target.FD, program)
	if err != nil {
		return nil, failed(target, err, "the file descriptor of a /proc/PID/ns/net is needed")
	}
	return l, nil
}

// xdp attaches to an interface, by its index.
func xdp(program *ebpf.Program, target Target, _ Env) (io.Closer, error) {
	l, err := link.AttachXDP(link.XDPOptions{Program: program, Interface: target.Index})
	if err != nil {
		return nil, failed(target, err, "ip link shows the indexes of interfaces")
	}
	return l, nil
}
