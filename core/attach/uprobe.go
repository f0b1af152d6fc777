package attach

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// uprobe attaches to an offset in an ELF file, in one process or in all. Of pid 0 it is this one.
func uprobe(program *ebpf.Program, target Target, _ Env) (io.Closer, error) {
	return inFile((*link.Executable).Uprobe, program, target)
}

func uretprobe(program *ebpf.Program, target Target, _ Env) (io.Closer, error) {
	return inFile((*link.Executable).Uretprobe, program, target)
}

func inFile(attach func(*link.Executable, string, *ebpf.Program, *link.UprobeOptions) (link.Link, error),
	program *ebpf.Program, target Target) (io.Closer, error) {
	file, err := link.OpenExecutable(target.Name)
	if err != nil {
		return nil, failed(target, err, "the path of a program or of a shared library is needed")
	}
	pid := target.PID
	switch {
	case pid == 0:
		pid = os.Getpid()
	case pid < 0:
		pid = 0 // every process, for the library
	}
	l, err := attach(file, "probe", program, &link.UprobeOptions{Address: target.Offset, PID: pid})
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, unix.ESRCH):
		return nil, failed(target, err, "there is no process of this number")
	case errors.Is(err, unix.EINVAL), errors.Is(err, fs.ErrNotExist):
		return nil, failed(target, err, "is the offset, which counts from the begin of the file, that of an instruction?")
	}
	return nil, failed(target, err, "")
}
