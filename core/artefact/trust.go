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
	return readAs(path, path, limit)
}

// ReadLinked is Read of a file that may be a link; who owns the directory of the link counts.
func ReadLinked(path string, limit int64) ([]byte, error) {
	target, err := resolved(path)
	if err != nil {
		return nil, err
	}
	return readAs(path, target, limit)
}

func readAs(path, target string, limit int64) ([]byte, error) {
	directory, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer unix.Close(directory)
	var at unix.Stat_t
	if err := unix.Fstat(directory, &at); err != nil {
		return nil, unreadable(path, err)
	}
	if target == path {
		target = filepath.Base(path)
	}
	fd, err := unix.Openat(directory, target,
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

// Executable is the program at path, with links followed: that is what was checked, and what must be
// run. It is an error when somebody other than root and the caller could have written it, or put it
// there.
func Executable(path string) (string, error) {
	path, err := resolved(path)
	if err != nil {
		return "", err
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		return "", unreadable(path, err)
	}
	if _, err := Directory(filepath.Dir(path)); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", unreadable(path, err)
	}
	defer f.Close()
	if err := trusted(f, 0, uint32(os.Geteuid())); err != nil {
		return "", unreadable(path, err)
	}
	return path, nil
}

// Directory is the directory at path, with links followed. It is an error when somebody other than
// root and the caller could put a thing of his own in place of one that is there, on any level up to
// the root.
func Directory(path string) (string, error) {
	path, err := resolved(path)
	if err != nil {
		return "", err
	}
	for level := path; ; level = filepath.Dir(level) {
		if err := trustedDirectory(level); err != nil {
			return "", unreadable(level, err)
		}
		if level == filepath.Dir(level) {
			return path, nil
		}
	}
}

func trustedDirectory(path string) error {
	var s unix.Stat_t
	if err := unix.Stat(path, &s); err != nil {
		return err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return unix.ENOTDIR
	}
	if s.Mode&unix.S_ISVTX != 0 {
		s.Mode &^= 0o022 // what is there cannot be replaced by others
	}
	n, err := unix.Getxattr(path, "system.posix_acl_access", nil)
	return trustedMode(s, err == nil && n > 0, 0, uint32(os.Geteuid()))
}

func resolved(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return "", unreadable(path, err)
	}
	return real, nil
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
	}
	n, err := unix.Fgetxattr(int(f.Fd()), "system.posix_acl_access", nil)
	return trustedMode(s, err == nil && n > 0, users...)
}

// trustedMode checks that nobody but the users can write what s is of. With an access control list
// the group bits say what anyone it names may do.
func trustedMode(s unix.Stat_t, list bool, users ...uint32) error {
	switch {
	case !slices.Contains(users, s.Uid):
		return fmt.Errorf("%w: it belongs to %s", ErrUntrusted, owner(s.Uid))
	case s.Mode&unix.S_IWOTH != 0:
		return fmt.Errorf("%w: everybody may (mode %04o, owner %s)", ErrUntrusted, s.Mode&0o7777, owner(s.Uid))
	case s.Mode&unix.S_IWGRP != 0 && list:
		return fmt.Errorf("%w: its access control list lets others in (owner %s)", ErrUntrusted, owner(s.Uid))
	case s.Mode&unix.S_IWGRP != 0:
		return trustedGroup(s, users)
	}
	return nil
}

func trustedGroup(s unix.Stat_t, users []uint32) error {
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
