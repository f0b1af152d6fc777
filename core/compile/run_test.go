package compile

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func sh(ctx context.Context, t *testing.T, script string) (string, error) {
	t.Helper()
	return run(ctx, "/bin/sh", []string{"-c", script}, t.TempDir(), os.TempDir())
}

func TestRun(t *testing.T) {
	t.Setenv("SECRET", "1")
	out, err := sh(t.Context(), t, `echo out; echo err >&2; env; cat; ulimit -c`)
	if err != nil || !strings.HasPrefix(out, "out\nerr\n") || strings.Contains(out, "SECRET") || !strings.HasSuffix(out, "\n0\n") {
		t.Errorf("%q, %v", out, err)
	}
	out, err = sh(t.Context(), t, `echo why; exit 3`)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 3 || out != "why\n" {
		t.Errorf("%q, %v", out, err)
	}
	out, err = sh(t.Context(), t, `yes | head -c 3000000`)
	if err != nil || len(out) > maxOutput+100 || !strings.HasSuffix(out, "(more was printed)\n") {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	if _, err := run(t.Context(), "/nonexistent", nil, "/", "/"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestRunIsAGroupThatCancelKills(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	done := make(chan error)
	go func() {
		// The grandchild holds the pipe too: its end shows that the whole group is gone.
		_, err := run(ctx, "/bin/sh", []string{"-c", "echo started > /proc/" + itoa(os.Getpid()) + "/fd/" + itoa(int(write.Fd())) +
			"; exec 3> /proc/" + itoa(os.Getpid()) + "/fd/" + itoa(int(write.Fd())) + "; sleep 1000 & sleep 1000"}, "/", "/")
		done <- err
	}()
	b := make([]byte, 8)
	if _, err := read.Read(b); err != nil || string(b) != "started\n" {
		t.Fatalf("%q, %v", b, err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	write.Close()
	if err := read.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := read.Read(b); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a process of the group is still there: %d, %v", n, err)
	}
}

func TestHostThatIgnoresItsChildren(t *testing.T) {
	signal.Ignore(syscall.SIGCHLD)
	defer func() { // Reset would leave it ignored.
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGCHLD)
		signal.Stop(c)
	}()
	if out, err := sh(t.Context(), t, "echo out"); err != nil || out != "out\n" {
		t.Errorf("%q, %v", out, err)
	}
	newBench(t).source(tracer).make("compiled")
	newBench(t).source("int x = ;").fails(2, "t.bpf.c:1:9: expected expression")
}

func itoa(n int) string { return strconv.Itoa(n) }
