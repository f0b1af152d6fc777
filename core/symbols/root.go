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

// open opens a file for reading. In the root of a process an absolute link leads to a file there,
// not to one of this process (openat2, Linux 5.6).
func (r root) open(path string, resolve uint64) (*os.File, error) {
	if r == 0 && resolve == 0 {
		return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not stop us
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
	fd, err := unix.Openat2(dir, path, &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC,
		Resolve: resolve | unix.RESOLVE_IN_ROOT})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openFile opens a regular file.
func (r root) openFile(path string) (*os.File, error) {
	file, err := r.open(path, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: path, Err: errors.New("it is no regular file")})
	}
	return file, nil
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
	file, err := r.open(dir, 0)
	if err != nil {
		return nil
	}
	defer file.Close()
	names, _ := file.Readdirnames(-1)
	var found []string
	for _, name := range names {
		if ok, _ := filepath.Match(pattern, name); ok {
			found = append(found, filepath.Join(dir, name))
		}
	}
	slices.Sort(found)
	return found
}
