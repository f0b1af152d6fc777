package artefact

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"coolbpf/core/fault"
)

// ErrUntrusted is behind an error about a file that somebody else could have written.
var ErrUntrusted = errors.New("not used: somebody else could have written it")

// Read returns the file at path if nobody but root, the caller and the owner of its directory
// can have written it. What it holds will run in the kernel, so a link is not followed, a pipe
// does not block and a file of more than limit bytes is refused.
func Read(path string, limit int64) ([]byte, error) {
	directory, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer unix.Close(directory)
	var at unix.Stat_t
	if err := unix.Fstat(directory, &at); err != nil {
		return nil, unreadable(path, err)
	}
	fd, err := unix.Openat(directory, filepath.Base(path),
		unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err == unix.ELOOP {
		err = fmt.Errorf("%w: it is a symbolic link", ErrUntrusted)
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if err := trusted(f, 0, uint32(os.Geteuid()), at.Uid); err != nil {
		return nil, unreadable(path, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("larger than %d MiB", limit>>20)
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	return b, nil
}

// Executable reports why the program at path must not be run: somebody other than root and the
// caller could have written it, or put it there. Links are followed.
func Executable(path string) error {
	given := path
	path, err := filepath.EvalSymlinks(given)
	if err != nil {
		return unreadable(given, err)
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		return unreadable(path, err)
	}
	if err := Directory(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return unreadable(path, err)
	}
	defer f.Close()
	if err := trusted(f, 0, uint32(os.Geteuid())); err != nil {
		return unreadable(path, err)
	}
	return nil
}

// Directory reports why nothing in the directory can be relied on: somebody other than root and the
// caller could put a thing of his own in place of one that is there, on any level up to the root.
func Directory(path string) error {
	given := path
	path, err := filepath.EvalSymlinks(given)
	if err != nil {
		return unreadable(given, err)
	}
	for ; ; path = filepath.Dir(path) {
		var s unix.Stat_t
		if err := unix.Stat(path, &s); err != nil {
			return unreadable(path, err)
		}
		switch {
		case s.Mode&unix.S_IFMT != unix.S_IFDIR:
			return unreadable(path, unix.ENOTDIR)
		case s.Uid != 0 && s.Uid != uint32(os.Geteuid()):
			return unreadable(path, fmt.Errorf("%w: it belongs to %s", ErrUntrusted, owner(s.Uid)))
		case s.Mode&unix.S_ISVTX == 0 && s.Mode&unix.S_IWOTH != 0:
			return unreadable(path, fmt.Errorf("%w: everybody may (mode %04o, owner %s)", ErrUntrusted, s.Mode&0o7777, owner(s.Uid)))
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// trusted checks that f is a regular file which nobody but the users can write.
func trusted(f *os.File, users ...uint32) error {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return err
	}
	switch {
	case s.Mode&unix.S_IFMT == unix.S_IFDIR:
		return unix.EISDIR
	case s.Mode&unix.S_IFMT != unix.S_IFREG:
		return errors.New("not a regular file")
	case !slices.Contains(users, s.Uid):
		return fmt.Errorf("%w: it belongs to %s", ErrUntrusted, owner(s.Uid))
	case s.Mode&unix.S_IWOTH != 0:
		return fmt.Errorf("%w: everybody may (mode %04o, owner %s)", ErrUntrusted, s.Mode&0o7777, owner(s.Uid))
	case s.Mode&unix.S_IWGRP != 0:
		return trustedGroup(f, s, users)
	}
	return nil
}

func trustedGroup(f *os.File, s unix.Stat_t, users []uint32) error {
	// With an access control list the group bits say what anyone it names may do.
	if n, err := unix.Fgetxattr(int(f.Fd()), "system.posix_acl_access", nil); err == nil && n > 0 {
		return fmt.Errorf("%w: its access control list lets others in (owner %s)", ErrUntrusted, owner(s.Uid))
	}
	groups, err := os.ReadFile("/etc/group")
	if err != nil {
		return err
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	if stranger := outsider(groups, passwd, s.Gid, users); stranger != "" {
		return fmt.Errorf("%w: group %d may, and %s is in it (mode %04o, owner %s)",
			ErrUntrusted, s.Gid, stranger, s.Mode&0o7777, owner(s.Uid))
	}
	return nil
}

func unreadable(path string, err error) error {
	e := &fault.Error{Kind: fault.System, Op: "read", Subject: path, Cause: err}
	if errors.Is(err, os.ErrNotExist) {
		e.Kind = fault.Missing
	}
	if errors.Is(err, ErrUntrusted) {
		e.Kind = fault.Invalid
	}
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		e.Cause = p.Err
	}
	return e
}
