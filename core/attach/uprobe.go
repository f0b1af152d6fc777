package attach

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"coolbpf/core/fault"
	"coolbpf/core/symbols"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// uprobe attaches to a function of an ELF file, or to an offset in the file, in one process or in
// all. Of pid 0 it is this one.
func uprobe(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	return inFile((*link.Executable).Uprobe, program, target, env)
}

func uretprobe(program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	return inFile((*link.Executable).Uretprobe, program, target, env)
}

func inFile(attach func(*link.Executable, string, *ebpf.Program, *link.UprobeOptions) (link.Link, error),
	program *ebpf.Program, target Target, env Env) (io.Closer, error) {
	if target.Symbol == "" && target.Offset == 0 { // which the library takes for no address
		return nil, &fault.Error{Kind: fault.Invalid, Op: "attach " + target.Hook, Subject: target.String(),
			Cause: errors.New("an offset in the file, or a function, is needed")}
	}
	pid := target.PID
	switch {
	case pid == 0:
		pid = os.Getpid()
	case pid < 0:
		pid = 0 // every process, for the library
	}
	where := symbols.Where{PID: pid, Path: env.Path}
	file, path, err := symbols.Locate(target.Name, where)
	if err != nil {
		return nil, failed(target, err, "")
	}
	defer file.Close()
	offset := target.Offset
	if target.Symbol != "" {
		if offset, err = codeOffset(file, path, where, target.Symbol, env); err != nil {
			return nil, failed(target, err, "")
		}
	}
	// By its descriptor it is this file, also where another mount namespace hides its path.
	executable, err := link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		return nil, failed(target, err, "")
	}
	l, err := attach(executable, "probe", program, &link.UprobeOptions{Address: offset, PID: pid})
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, unix.ESRCH):
		return nil, failed(target, err, "there is no process of this number")
	case errors.Is(err, unix.EACCES):
		return nil, failed(target, unix.EACCES, "run as root or with CAP_SYS_ADMIN, which the kernel wants for uprobes")
	case errors.Is(err, unix.EINVAL), errors.Is(err, fs.ErrNotExist):
		return nil, failed(target, err, "is the offset, which counts from the begin of the file, that of an instruction?")
	}
	return nil, failed(target, err, "")
}

func codeOffset(file *os.File, path string, where symbols.Where, function string, env Env) (uint64, error) {
	binary, err := env.Symbols.Read(file, path, where)
	if err != nil {
		return 0, err
	}
	found, err := binary.Resolve(function)
	if err != nil {
		return 0, err
	}
	return binary.CodeOffset(found)
}

// ErrUSDT says what is not there, InsteadOfUSDT what is.
var ErrUSDT = errors.New("USDT probes are not supported")

const InsteadOfUSDT = "attach a uprobe: SEC(\"uprobe/binary:function\"), or attachUprobe with the offset of the probe in the file"

func usdt(_ *ebpf.Program, target Target, _ Env) (io.Closer, error) {
	return nil, failed(target, ErrUSDT, InsteadOfUSDT)
}
