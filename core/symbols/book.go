package symbols

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"coolbpf/core/fault"
)

// Book has the symbols that were read so far. The zero value is an empty one; it may be used from
// any goroutine.
type Book struct {
	mu     sync.Mutex
	kernel *listing
	images map[identity]*Image
	jits   map[identity]*Table

	modules string // that kernel knows
	asked   time.Time
}

// identity is that of a file's content, as far as the kernel tells.
type identity struct {
	device, inode uint64
	size, seconds int64
	nanoseconds   int64
}

func identify(file *os.File) (identity, error) {
	info, err := file.Stat()
	if err != nil {
		return identity{}, err
	}
	s := info.Sys().(*syscall.Stat_t)
	return identity{uint64(s.Dev), s.Ino, s.Size, int64(s.Mtim.Sec), int64(s.Mtim.Nsec)}, nil
}

// Kernel has all of the kernel's functions.
func (b *Book) Kernel() (*Kernel, error) {
	return b.KernelAt(math.MaxUint64)
}

// KernelAt has those that are needed to tell what lies at the addresses. It reads /proc/kallsyms once, and
// again when modules came or went a second ago or earlier.
func (b *Book) KernelAt(addresses ...uint64) (*Kernel, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kernel == nil || time.Since(b.asked) >= time.Second {
		modules := modules()
		b.asked = time.Now()
		if b.kernel == nil || modules != b.modules {
			if err := b.openKernel(modules); err != nil && b.kernel == nil {
				return nil, err // else what was known before is still so, but for modules
			}
		}
	}
	for _, address := range addresses {
		if err := b.kernel.upTo(address); err != nil {
			b.closeKernel() // else all that lies beyond would be its last function
			return nil, err
		}
	}
	known := b.kernel.Kernel
	return &known, nil
}

func (b *Book) openKernel(modules string) error {
	l, err := openKernel()
	if err != nil {
		return err
	}
	b.closeKernel()
	b.kernel, b.modules = l, modules
	return nil
}

func (b *Book) closeKernel() {
	if b.kernel != nil {
		b.kernel.Close()
	}
	b.kernel = nil
}

// modules says which are where, and not how many use them; "" where the kernel has none.
func modules() string {
	text, _ := os.ReadFile("/proc/modules")
	var all strings.Builder
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 6 {
			all.WriteString(f[0] + " " + f[1] + " " + f[5] + "\n")
		}
	}
	return all.String()
}

// Binary finds an ELF file by its path or name and reads its symbols.
func (b *Book) Binary(name string, where Where) (*Binary, error) {
	file, path, err := Locate(name, where)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return b.Read(file, path, where)
}

// Read reads the symbols of what Locate found.
func (b *Book) Read(file *os.File, path string, where Where) (*Binary, error) {
	image, err := b.image(file, path, root(max(0, where.PID)))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "read symbols", Subject: path, Cause: err}
	}
	return &Binary{image, path}, nil
}

// image reads a file's symbols, once.
func (b *Book) image(file *os.File, path string, r root) (*Image, error) {
	return once(b, &b.images, file, func() (*Image, error) { return symbolized(file, realPath(file, path), r) })
}

// once reads a file unless it was read before. What is kept is bounded.
func once[T any](b *Book, kept *map[identity]T, file *os.File, read func() (T, error)) (T, error) {
	const most = 256
	b.mu.Lock()
	defer b.mu.Unlock()
	var none T
	id, err := identify(file)
	if err != nil {
		return none, err
	}
	if value, ok := (*kept)[id]; ok {
		return value, nil
	}
	value, err := read()
	if err != nil {
		if p := (*fs.PathError)(nil); errors.As(err, &p) {
			err = p.Err
		}
		return none, err
	}
	if *kept == nil || len(*kept) >= most {
		*kept = map[identity]T{}
	}
	(*kept)[id] = value
	return value, nil
}

// Close forgets all.
func (b *Book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closeKernel()
	b.images, b.jits = nil, nil
	return nil
}
