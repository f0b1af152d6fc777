package symbols

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// root is the file system as a process sees it, also one in another mount namespace; 0: as this
// one does.
type root int

// open opens a file. In the root of a process an absolute link leads to a file there, not to one of
// this process (openat2, Linux 5.6).
func (r root) open(path string, flags int, resolve uint64) (*os.File, error) {
	flags |= unix.O_CLOEXEC
	if r == 0 && resolve == 0 {
		return os.OpenFile(path, flags, 0)
	}
	top := "/"
	if r != 0 {
		top = fmt.Sprintf("/proc/%d/root", r)
	}
	dir, err := unix.Open(top, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: top, Err: err}
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, path, &unix.OpenHow{Flags: uint64(flags), Resolve: resolve | unix.RESOLVE_IN_ROOT})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openFile opens a regular file for reading.
func (r root) openFile(path string) (*os.File, error) {
	return r.openRegular(path, 0)
}

// openRegular looks at what is there before it opens it: to open a device may do something, and a
// container may have one at any path.
func (r root) openRegular(path string, resolve uint64) (*os.File, error) {
	place, err := r.open(path, unix.O_PATH, resolve)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	var info unix.Stat_t
	if err := unix.Fstat(int(place.Fd()), &info); err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if info.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("it is no regular file")}
	}
	return os.Open(fmt.Sprintf("/proc/self/fd/%d", place.Fd()))
}

func (r root) read(path string) ([]byte, error) {
	file, err := r.openFile(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, 64<<20))
}

// list returns what matches a pattern in a directory.
func (r root) list(dir, pattern string) []string {
	file, err := r.open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil
	}
	defer file.Close()
	names, _ := file.Readdirnames(1 << 16)
	var found []string
	for _, name := range names {
		if ok, _ := filepath.Match(pattern, name); ok {
			found = append(found, filepath.Join(dir, name))
		}
	}
	slices.Sort(found)
	return found
}
