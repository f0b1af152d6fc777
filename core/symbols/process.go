package symbols

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"coolbpf/core/fault"

	"golang.org/x/sys/unix"
)

// Place is what lies at an address.
type Place struct {
	Name   string `json:"name"`   // function as its language writes it, "" unknown
	Module string `json:"module"` // file, "[anon]" and the like, or module of the kernel; "": not mapped, or the kernel itself
	Kind   string `json:"kind"`   // kernel: the letter in kallsyms
	Offset uint64 `json:"offset"` // in the function; in the file where that is unknown
}

// Places says what lies at addresses of a process: functions of its program, of its libraries and
// of the vDSO, and code that its runtime made and named in perf-PID.map.
func (b *Book) Places(pid int, addresses []uint64) ([]Place, error) {
	maps, err := mappings(pid)
	if err != nil {
		return nil, err
	}
	p := process{book: b, pid: pid, images: map[uint64]*Image{}}
	places := make([]Place, len(addresses))
	for i, address := range addresses {
		if m, ok := mappingAt(maps, address); ok {
			places[i] = p.place(m, address)
		}
	}
	return places, nil
}

func mappings(pid int) ([]mapping, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return nil, gone(pid)
	}
	if err == nil {
		var maps []mapping
		if maps, err = parseMaps(bytes.NewReader(text)); err == nil {
			return maps, nil
		}
	}
	f := &fault.Error{Kind: fault.System, Op: "read maps of process", Subject: fmt.Sprint(pid), Cause: err}
	if errors.Is(err, fs.ErrPermission) {
		f.Kind, f.Hint = fault.Privilege, "run as root, or with CAP_SYS_PTRACE"
	}
	return nil, f
}

// process is one for the length of a question.
type process struct {
	book   *Book
	pid    int
	images map[uint64]*Image // by start of the mapping; nil: there is none
	jit    *Table
	asked  bool
}

func (p *process) place(m mapping, address uint64) Place {
	offset := address - m.start + m.offset
	place := Place{Module: cmp.Or(m.path, "[anon]"), Offset: offset}
	image, seen := p.images[m.start]
	if !seen {
		image = p.image(m)
		p.images[m.start] = image
	}
	if image != nil {
		if virtual, ok := image.Address(offset); ok {
			if f, ok := image.At(virtual); ok {
				place.Name, place.Offset = pretty(f.Name), virtual-f.Address
				return place
			}
		}
	}
	if jit := p.runtime(); jit != nil && m.code {
		if f, ok := jit.At(address); ok {
			place.Name, place.Offset = f.Name, address-f.Address
		}
	}
	return place
}

// image reads the file that is mapped: by the kernel's own link, which leads also to a deleted file
// and into other mount namespaces; or by its path.
func (p *process) image(m mapping) *Image {
	if m.path == "[vdso]" {
		return p.vdso(m)
	}
	if !strings.HasPrefix(m.path, "/") {
		return nil
	}
	file, err := root(0).openFile(fmt.Sprintf("/proc/%d/map_files/%x-%x", p.pid, m.start, m.end))
	if err != nil {
		if file, err = root(p.pid).openFile(m.path); err != nil {
			return nil
		}
	}
	defer file.Close()
	image, err := p.book.image(file, m.path, root(p.pid))
	if err != nil {
		return nil // what is mapped need not be ELF
	}
	return image
}

// vdso reads the kernel's own library from memory: there is no file.
func (p *process) vdso(m mapping) *Image {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", p.pid))
	if err != nil {
		return nil
	}
	defer memory.Close()
	data, err := io.ReadAll(io.NewSectionReader(memory, int64(m.start), int64(m.end-m.start)))
	if err != nil {
		return nil
	}
	image, err := ParseImage(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	return image
}

func (p *process) runtime() *Table {
	if !p.asked {
		p.jit, _ = p.book.JIT(p.pid)
		p.asked = true
	}
	return p.jit
}

// JIT reads the perf-PID.map that a runtime keeps of the code that it made.
func (b *Book) JIT(pid int) (*Table, error) {
	file, err := openJIT(pid)
	if err == nil {
		defer file.Close()
		var table *Table
		table, err = once(b, &b.jits, file, func() (*Table, error) { return parseJIT(file) })
		if err == nil {
			return table, nil
		}
	}
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return nil, err
	}
	return nil, &fault.Error{Kind: fault.Invalid, Op: "read perf map of process", Subject: fmt.Sprint(pid), Cause: err,
		Hint: "its runtime must write /tmp/perf-PID.map: java -XX:+DumpPerfMapAtExit or perf-map-agent, node --perf-basic-prof"}
}

// openJIT opens /tmp/perf-PID.map, PID and /tmp being the process's own. Anyone may write to /tmp:
// the file must belong to the process's user or to root, and no link is followed.
func openJIT(pid int) (*os.File, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, errors.New("there is no such process")
	}
	path := fmt.Sprintf("/tmp/perf-%s.map", innerPID(string(status), pid))
	file, err := root(pid).openRegular(path, unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		if p := (*fs.PathError)(nil); errors.As(err, &p) {
			err = fmt.Errorf("%s: %w", path, p.Err)
		}
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 && !runsAs(string(status), owner) {
			err = fmt.Errorf("%s belongs to user %d, who is neither root nor that of the process", path, owner)
		}
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// innerPID is the number that a process knows itself by.
func innerPID(status string, pid int) string {
	for line := range strings.Lines(status) {
		if list, ok := strings.CutPrefix(line, "NSpid:"); ok {
			if numbers := strings.Fields(list); len(numbers) > 0 {
				return numbers[len(numbers)-1]
			}
		}
	}
	return fmt.Sprint(pid)
}

// runsAs tells whether a user is the process's effective one.
func runsAs(status string, user uint32) bool {
	for line := range strings.Lines(status) {
		if list, ok := strings.CutPrefix(line, "Uid:"); ok {
			ids := strings.Fields(list)
			return len(ids) > 1 && ids[1] == fmt.Sprint(user)
		}
	}
	return false
}
