package artefact

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"coolbpf/core/fault"
)

const nobody = 65534

func root(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: sudo go test ./core/artefact")
	}
}

func write(t *testing.T, path string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// only checks that the directory holds nothing but these names.
func only(t *testing.T, directory string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("%s holds %q, want %q", directory, got, names)
	}
}

func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		t.Skipf("mount %s: %v (run as root with CAP_SYS_ADMIN)", kind, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, 0); err != nil {
			t.Error(err)
		}
	})
}

func TestWriteThenRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.so")
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for _, data := range []string{"one", "two, which is longer", ""} {
		if err := Write(path, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if b, err := Read(path, 1<<20); err != nil || string(b) != data {
			t.Errorf("%q, %v", b, err)
		}
	}
	s, err := os.Stat(path)
	if err != nil || s.Mode() != 0o600 { // 0644 but for the umask: the source is in it
		t.Errorf("mode %v, %v", s.Mode(), err)
	}
	only(t, dir, "x.so")
}

func TestWritersAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.so")
	var group sync.WaitGroup
	for i := range 8 {
		data := bytes.Repeat([]byte(strconv.Itoa(i)), 100_000)
		group.Go(func() {
			for range 5 {
				if err := Write(path, data); err != nil {
					t.Error(err)
				}
				b, err := Read(path, 1<<20)
				if err != nil || len(b) != len(data) || !bytes.Equal(b, bytes.Repeat(b[:1], len(b))) {
					t.Errorf("a mixture of %d bytes, %v", len(b), err)
				}
			}
		})
	}
	group.Wait()
	only(t, dir, "x.so")
}

func TestWriteFailuresLeaveNothing(t *testing.T) {
	fails := func(t *testing.T, directory string, errno syscall.Errno, left ...string) {
		t.Helper()
		path := filepath.Join(directory, "x.so")
		err := Write(path, make([]byte, 1<<20))
		if fault.Errno(err) != errno || err.Error() != "write "+path+": "+errno.Error() {
			t.Errorf("got %v, want %v", err, errno)
		}
		if left != nil {
			only(t, directory, left...)
		}
	}
	t.Run("no directory", func(t *testing.T) { fails(t, filepath.Join(t.TempDir(), "none"), syscall.ENOENT) })
	t.Run("a directory in its place", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "x.so", "y"), 0o700); err != nil {
			t.Fatal(err)
		}
		fails(t, dir, syscall.EEXIST, "x.so")
	})
	t.Run("full", func(t *testing.T) {
		root(t)
		dir := t.TempDir()
		mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k")
		write(t, filepath.Join(dir, "x.so"))
		fails(t, dir, syscall.ENOSPC, "x.so")
		if b, err := Read(filepath.Join(dir, "x.so"), 100); err != nil || string(b) != "content" {
			t.Errorf("the old file: %q, %v", b, err)
		}
	})
	t.Run("read-only", func(t *testing.T) {
		root(t)
		dir := t.TempDir()
		mount(t, dir, dir, "", unix.MS_BIND, "")
		if err := unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		fails(t, dir, syscall.EROFS, []string{}...)
	})
}

func TestWhoCouldHaveWrittenIt(t *testing.T) {
	root(t)
	for _, c := range []struct {
		name   string
		uid    int
		gid    int
		mode   os.FileMode
		dirUID int
		want   string
	}{
		{"root's", 0, 0, 0o644, 0, ""},
		{"root's in another's directory", 0, 0, 0o644, nobody, ""},
		{"the directory owner's", nobody, 0, 0o644, nobody, ""},
		{"another's", nobody, 0, 0o444, 0, "belongs to nobody"},
		{"another's in a third one's directory", nobody, 0, 0o644, 12345, "belongs to nobody"},
		{"a nameless user's", 54321, 0, 0o644, 0, "belongs to uid 54321"},
		{"everybody's", 0, 0, 0o646, 0, "everybody may (mode 0646, owner root)"},
		{"its group's, of root alone", 0, 0, 0o664, 0, ""},
		{"its group's, with a stranger", 0, 1, 0o664, 0, "group 1 may, and daemon is in it (mode 0664, owner root)"},
		{"an unknown group's", 0, 54321, 0o664, 0, "group 54321 may, and a user that /etc/group does not know is in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := write(t, filepath.Join(dir, "x"))
			if err := errors.Join(os.Chown(dir, c.dirUID, 0), os.Chown(path, c.uid, c.gid), os.Chmod(path, c.mode)); err != nil {
				t.Fatal(err)
			}
			_, err := Read(path, 100)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAccessControlList(t *testing.T) {
	root(t)
	path := write(t, filepath.Join(t.TempDir(), "x"))
	// Version 2, then tag, permissions, id: owner rw, user nobody rw, group r, mask rw, others none.
	acl := "\x02\x00\x00\x00" + "\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x06\x00\xfe\xff\x00\x00" +
		"\x04\x00\x04\x00\xff\xff\xff\xff" + "\x10\x00\x06\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"
	if err := unix.Setxattr(path, "system.posix_acl_access", []byte(acl), 0); err != nil {
		t.Skipf("this file system has no access control lists: %v (set TMPDIR)", err)
	}
	if _, err := Read(path, 100); !errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), "access control list") {
		t.Error(err)
	}
}

func TestWhatIsNotAFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("file"))
	if err := errors.Join(os.Symlink("file", at("link")), syscall.Mkfifo(at("pipe"), 0o600), os.Mkdir(at("dir"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"link": "somebody else could have written it: it is a symbolic link", "pipe": "not a regular file",
		"dir": "is a directory", "none": "no such file", "none/x": "no such file", "file/x": "not a directory",
	} {
		if _, err := Read(at(name), 100); err == nil || !strings.Contains(err.Error(), "read "+at(name)+": ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(at("none"), 100); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Read(at("file"), 6); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("7 bytes where 6 are allowed: %v", err)
	}
	if err := os.Symlink(dir, at("loop")); err != nil {
		t.Fatal(err)
	}
	if b, err := Read(at("loop/file"), 100); err != nil || string(b) != "content" {
		t.Errorf("a link to the directory is the user's own affair: %v", err)
	}
}

func TestExecutable(t *testing.T) {
	root(t)
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "x"))
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Executable(link); !errors.Is(err, unix.EACCES) {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := Executable(link); err != nil || got != path {
		t.Errorf("%s, %v", got, err)
	}
	for _, spoil := range []func() error{
		func() error { return os.Chown(path, nobody, 0) },
		func() error { return errors.Join(os.Chown(path, 0, 0), os.Chown(dir, nobody, 0)) },
		func() error { return errors.Join(os.Chown(dir, 0, 0), os.Chmod(dir, 0o777)) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := Executable(link); !errors.Is(err, ErrUntrusted) {
			t.Error(err)
		}
	}
}

func TestOutsider(t *testing.T) {
	passwd := []byte("root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:100::/:/bin/sh\nbroken\n")
	groups := []byte("root:x:0:\nann:x:1000:\nstaff:x:50:ann,root\nmore:x:51:ann,bob\nusers:x:100:\nghosts:x:60:zoe\nbroken:x\n")
	for gid, want := range map[uint32]string{
		0: "", 1000: "", 50: "", 51: "bob", 100: "bob", 60: "zoe", 7: "a user that /etc/group does not know",
	} {
		if got := outsider(groups, passwd, gid, []uint32{0, 1000}); got != want {
			t.Errorf("group %d: %q, want %q", gid, got, want)
		}
	}
}
