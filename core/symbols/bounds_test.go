package symbols

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sparse is a file that goes on for ever with zeros, as a sparse one may.
type sparse []byte

func (s sparse) ReadAt(p []byte, at int64) (int, error) {
	clear(p)
	if at < int64(len(s)) {
		copy(p, s[at:])
	}
	return len(p), nil
}

// program64 is a program with these sections after the empty one; the last has their names.
func program64(header elf.Header64, sections []elf.Section64, contents ...[]byte) []byte {
	header.Ident = [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}
	header.Type, header.Machine, header.Version, header.Ehsize = uint16(elf.ET_EXEC), uint16(elf.EM_X86_64), 1, 64
	header.Shoff, header.Shentsize = 64, 64
	var file bytes.Buffer
	at := uint64(64 + 64*len(sections))
	for i, c := range contents {
		if s := &sections[len(sections)-len(contents)+i]; s.Size == 0 {
			s.Off, s.Size = at, uint64(len(c))
		}
		at += uint64(len(c))
	}
	for _, part := range []any{header, sections, bytes.Join(contents, nil)} {
		if err := binary.Write(&file, binary.LittleEndian, part); err != nil {
			panic(err)
		}
	}
	return file.Bytes()
}

// withSymbols is a program with a table of symbols.
func withSymbols(symbols, names []byte, change func(sections []elf.Section64)) []byte {
	sections := []elf.Section64{{}, {Type: uint32(elf.SHT_SYMTAB), Link: 2, Entsize: elf.Sym64Size}, {Type: uint32(elf.SHT_STRTAB)}, {Type: uint32(elf.SHT_STRTAB)}}
	if change != nil {
		change(sections)
	}
	return program64(elf.Header64{Shnum: 4, Shstrndx: 3}, sections, symbols, names, []byte{0})
}

// What asks for more memory than a program can need is refused before it gets any.
func TestGreedyFiles(t *testing.T) {
	long := append(bytes.Repeat([]byte{'n'}, 1<<20), 0)
	symbols := make([]byte, 1000*elf.Sym64Size)
	for name, c := range map[string]struct {
		file io.ReaderAt
		want string
	}{
		"sound":         {sparse(withSymbols(symbols[:48], []byte("f\x00"), nil)), ""},
		"names":         {sparse(withSymbols(symbols, long, nil)), "the names of its section"},
		"endless name":  {bytes.NewReader(withSymbols(symbols, long[:1<<20], nil)), "the names of its section"},
		"symbols":       {sparse(withSymbols(nil, long, func(s []elf.Section64) { s[1].Size = 24 << 30 })), "its section  is too large"},
		"strings":       {sparse(withSymbols(symbols, nil, func(s []elf.Section64) { s[2].Size = 1 << 40 })), "its section  is too large"},
		"compressed":    {sparse(withSymbols(symbols, long, func(s []elf.Section64) { s[2].Flags = uint64(elf.SHF_COMPRESSED) })), ""},
		"no strings":    {sparse(withSymbols(symbols, long, func(s []elf.Section64) { s[1].Link = 1 })), "has no names"},
		"section names": {sparse(withSymbols(symbols, long, func(s []elf.Section64) { s[3].Size = 1 << 36 })), "malformed ELF file: its headers are too large"},
		"sections": {sparse(program64(elf.Header64{Shstrndx: 1}, []elf.Section64{{Size: 1 << 28}, {Type: uint32(elf.SHT_STRTAB)}}, []byte{0})),
			"malformed ELF file: its headers are too large"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ParseImage(c.file)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
			t.Errorf("%s: %d MiB", name, took>>20)
		}
		if name == "compressed" {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		} else if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Names of ld.so.cache may overlap, and have no end.
func TestGreedyCache(t *testing.T) {
	const entries = 100000
	data := make([]byte, 48+24*entries)
	copy(data, "glibc-ld.so.cache1.1")
	binary.NativeEndian.PutUint32(data[20:], entries)
	for i := range entries {
		e := data[48+24*i:]
		binary.NativeEndian.PutUint32(e, machine)
		binary.NativeEndian.PutUint32(e[4:], uint32(len(data)))
		binary.NativeEndian.PutUint32(e[8:], uint32(len(data)))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	libraries := parseCache(append(data, strings.Repeat("n", 1<<20)...))
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 || len(libraries) != entries || len(libraries[0][0]) != unix.PathMax {
		t.Errorf("%d MiB, %d libraries", took>>20, len(libraries))
	}
}

func TestGreedyJIT(t *testing.T) {
	line := "10 1 f\n"
	table, err := parseJIT(io.MultiReader(strings.NewReader(strings.Repeat(line, mostMade)), strings.NewReader("20 1 last\n")))
	if err != nil || !table.cut || len(table.list) != mostMade {
		t.Errorf("%v, %d", err, len(table.list))
	}
	if _, err := table.find("last", 7); err == nil || !strings.HasSuffix(err.Error(), "lacks it (only its first 64 MiB, or 1048576 functions, were read)") {
		t.Error(err)
	}
	table, err = parseJIT(io.NewSectionReader(sparse(line), 0, 1<<40))
	if err != nil || !table.cut || len(table.list) != 1 {
		t.Errorf("%v, %d", err, len(table.list))
	}
}

// Of functions of one name the runtime made the one of the last line last, wherever it lies.
func TestLastMade(t *testing.T) {
	table, err := parseJIT(strings.NewReader("2000 10 f\n1000 10 g\n3000 10 f\n1000 20 f\n4000 10 g\n"))
	if err != nil || table.cut {
		t.Fatal(err)
	}
	for name, want := range map[string]uint64{"f": 0x1000, "g": 0x4000} {
		if f, err := table.find(name, 7); err != nil || f.Address != want {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

// A device in a container, or a FIFO, is not even opened: this one would stop the test.
func TestNoRegularFile(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []root{0, root(os.Getpid())} {
		for _, path := range []string{fifo, "/dev/null", "/tmp"} {
			if file, err := r.openFile(path); err == nil || err.Error() != "open "+path+": it is no regular file" {
				t.Error(file, err)
			}
			if found := r.list(fifo, "*"); found != nil {
				t.Error(found)
			}
		}
		if file, err := r.openFile(program); err != nil {
			t.Error(err)
		} else if _, err := ParseImage(file); err != nil || file.Close() != nil {
			t.Error(err)
		}
	}
}
