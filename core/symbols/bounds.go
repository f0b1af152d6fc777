package symbols

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"math"
)

// What a file may cost: anyone may have written it, and debug/elf takes as much memory as it asks for.
const (
	mostHeaders = 256 << 10 // also each section may have the longest of names
	mostSymbols = 64 << 20
	mostStrings = 128 << 20 // also of all names together, which may overlap
	mostNote    = 4 << 10
)

var errHeaders = errors.New("its headers are too large")

// meter reads as long as something is left to read.
type meter struct {
	io.ReaderAt
	left int
}

func (m *meter) ReadAt(p []byte, at int64) (int, error) {
	if m.left -= len(p); m.left < 0 {
		return 0, errHeaders
	}
	return m.ReaderAt.ReadAt(p, at)
}

// openELF reads the headers. Only those may be taken from the file without a look at their size.
func openELF(r io.ReaderAt) (*elf.File, error) {
	m := &meter{r, mostHeaders}
	file, err := elf.NewFile(m)
	m.left = math.MaxInt
	return file, err
}

// content is what a section holds, if that is no more than most.
func content(s *elf.Section, most uint64) ([]byte, error) {
	if s.Size > most || s.Flags&elf.SHF_COMPRESSED != 0 {
		return nil, fmt.Errorf("its section %s is too large", s.Name)
	}
	return s.Data()
}

// bounded refuses a table of symbols that would fill the memory.
func bounded(file *elf.File, typ elf.SectionType) error {
	table := file.SectionByType(typ)
	if table == nil {
		return nil
	}
	if table.Link >= uint32(len(file.Sections)) || file.Sections[table.Link].Type != elf.SHT_STRTAB {
		return fmt.Errorf("its section %s has no names", table.Name)
	}
	symbols, err := content(table, mostSymbols)
	if err != nil {
		return err
	}
	names, err := content(file.Sections[table.Link], mostStrings)
	if err != nil {
		return err
	}
	entry := elf.Sym64Size
	if file.Class == elf.ELFCLASS32 {
		entry = elf.Sym32Size
	}
	left := mostStrings
	for ; len(symbols) >= entry; symbols = symbols[entry:] {
		begin := int(min(uint64(file.ByteOrder.Uint32(symbols)), uint64(len(names))))
		name := names[begin:min(len(names), begin+left+1)]
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		if left -= len(name); left < 0 {
			return fmt.Errorf("the names of its section %s are too long", table.Name)
		}
	}
	return nil
}
