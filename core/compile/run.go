package compile

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What a compiler may use. A whole vmlinux.h takes it half a second and 150 MB; a machine that
// emulates another is fifty times slower.
const (
	maxTime   = 2 * time.Minute
	maxMemory = 4 << 30
	maxOutput = 1 << 20
)

// limits are those that a child gets.
var limits = map[int]uint64{
	syscall.RLIMIT_AS:    maxMemory,
	syscall.RLIMIT_CPU:   uint64(maxTime / time.Second),
	syscall.RLIMIT_FSIZE: 256 << 20,
	syscall.RLIMIT_CORE:  0,
}

// run executes a program and returns all that it printed. It is a process group of its own, so
// that a Ctrl-C in the terminal is the caller's affair alone.
func run(ctx context.Context, program string, args []string, directory, temp string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, maxTime, fmt.Errorf("it ran for more than %v", maxTime))
	defer cancel()
	var output bounded
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.Env = directory, []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=" + temp}
	c.Stdout, c.Stderr = &output, &output
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = time.Second
	if err := c.Start(); err != nil {
		return "", err
	}
	limit(c.Process.Pid)
	err := c.Wait()
	if ctx.Err() != nil {
		return output.String(), context.Cause(ctx)
	}
	// A host program that ignores SIGCHLD, or waits for any child, took the exit status. What the
	// compiler leaves behind tells as much.
	if errors.Is(err, syscall.ECHILD) {
		err = nil
	}
	return output.String(), err
}

// limit bounds what a child uses; a lower limit that it has stays. One that has already ended needs
// none.
func limit(pid int) {
	for resource, most := range limits {
		var l unix.Rlimit
		if unix.Prlimit(pid, resource, nil, &l) == nil {
			l.Cur, l.Max = min(l.Cur, most), min(l.Max, most)
			unix.Prlimit(pid, resource, &l, nil)
		}
	}
}

// bounded keeps the first maxOutput bytes that are written to it.
type bounded struct{ kept []byte }

func (b *bounded) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), maxOutput-len(b.kept))]...)
	return len(p), nil
}

func (b *bounded) String() string {
	if len(b.kept) == maxOutput {
		return string(b.kept) + "\n(more was printed)\n"
	}
	return string(b.kept)
}
