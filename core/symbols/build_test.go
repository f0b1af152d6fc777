package symbols

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// marked begins with bytes that no other function has.
const source = `
__asm__(".text; .globl marked; .type marked, @function; marked: .byte 0xde, 0xc0, 0xed, 0xfe, 0x11, 0x22; .size marked, .-marked");
__attribute__((noinline)) static int hidden(int x) { __asm__ volatile(""); return x + 1; }
int shown(int x) { return hidden(x) * 3; }
int main(void) { return shown(1); }
`

// run runs a command in a directory.
func run(t testing.TB, dir, command string, arguments ...string) {
	t.Helper()
	if _, err := exec.LookPath(command); err != nil {
		t.Skipf("needs %s", command)
	}
	c := exec.Command(command, arguments...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", command, arguments, err, out)
	}
}

// built is the path of what a compiler makes of a source.
func built(t testing.TB, compiler, source, text string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, source), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, dir, compiler, append(flags, source, "-o", "built")...)
	return filepath.Join(dir, "built")
}

func opened(t testing.TB, path string) *Binary {
	t.Helper()
	b, err := new(Book).Binary(path, Where{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// child runs a program until the test ends; it prints a line and waits for its input to end.
func child(t *testing.T, command string, arguments ...string) (pid int, line string) {
	t.Helper()
	c := exec.Command(command, arguments...)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Error(err)
		}
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	})
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return c.Process.Pid, strings.TrimSpace(line)
}
