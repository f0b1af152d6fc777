package symbols

import (
	"cmp"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Image is an ELF program or shared library: its functions, and where its code lies in the file.
type Image struct {
	*Table
	segments []segment
	complete bool   // it has a .symtab, which distributions strip off
	buildID  string // in hex
	link     string // .gnu_debuglink: name of the file with what was stripped off
	linkCRC  uint32
}

// segment is a PT_LOAD: what the loader maps.
type segment struct {
	address, offset, size uint64
	code                  bool
}

// ParseImage reads an ELF file. A damaged one is an error.
func ParseImage(r io.ReaderAt) (image *Image, err error) {
	// The file may be anyone's, and debug/elf is not made for malice.
	defer func() {
		if p := recover(); p != nil {
			image, err = nil, fmt.Errorf("malformed ELF file: %v", p)
		}
	}()
	file, err := openELF(r)
	if err != nil {
		return nil, notELF(r, err)
	}
	image = &Image{}
	for _, p := range file.Progs {
		if p.Type == elf.PT_LOAD {
			image.segments = append(image.segments, segment{p.Vaddr, p.Off, p.Filesz, p.Flags&elf.PF_X != 0})
		}
	}
	if file.Type != elf.ET_EXEC && file.Type != elf.ET_DYN {
		return nil, errors.New("it is neither a program nor a shared library")
	}
	image.readNotes(file)
	err = image.readSymbols(file)
	return image, err
}

func notELF(r io.ReaderAt, err error) error {
	head := make([]byte, 4)
	n, _ := r.ReadAt(head, 0)
	switch {
	case strings.HasPrefix(string(head[:n]), "#!"):
		return errors.New("it is a script; its interpreter is the program")
	case string(head[:n]) != elf.ELFMAG:
		return errors.New("it is no ELF file")
	}
	return fmt.Errorf("malformed ELF file: %w", err)
}

// ranked is a symbol with its place in the order of preference among those of one address.
type ranked struct {
	Function
	rank int
}

func (m *Image) readSymbols(file *elf.File) error {
	if err := errors.Join(bounded(file, elf.SHT_SYMTAB), bounded(file, elf.SHT_DYNSYM)); err != nil {
		return err
	}
	versions, err := versions(file)
	if err != nil {
		return err
	}
	static, err := file.Symbols()
	m.complete = err == nil
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return fmt.Errorf("malformed symbol table: %w", err)
	}
	dynamic, err := file.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return fmt.Errorf("malformed dynamic symbol table: %w", err)
	}
	var functions, labels []ranked
	for i, s := range append(static, dynamic...) {
		if s.Section == elf.SHN_UNDEF || s.Value == 0 || s.Name == "" {
			continue
		}
		f := ranked{Function{Name: s.Name, Address: s.Value, Size: s.Size}, rank(s)}
		if name, version, ok := strings.Cut(s.Name, "@"); ok {
			f.Name = name
			if !strings.HasPrefix(version, "@") {
				f.rank += superseded
			}
		} else if at := 2 * (i - len(static) + 1); at > 0 && at+2 <= len(versions) && file.ByteOrder.Uint16(versions[at:])&hidden != 0 {
			f.rank += superseded
		}
		switch elf.ST_TYPE(s.Info) {
		case elf.STT_FUNC, elf.STT_GNU_IFUNC:
			functions = append(functions, f)
		case elf.STT_NOTYPE:
			if elf.ST_BIND(s.Info) == elf.STB_GLOBAL && m.isCode(s.Value) {
				labels = append(labels, f)
			}
		}
	}
	m.Table = newTable(ordered(functions))
	// Assembly without .type makes functions that look like labels.
	typed := len(functions)
	for _, label := range labels {
		if _, inside := m.At(label.Address); !inside {
			functions = append(functions, label)
		}
	}
	if len(functions) > typed {
		m.Table = newTable(ordered(functions))
	}
	return nil
}

// hidden is the bit of a version that only programs of old ask for.
const hidden = 1 << 15

// versions are two bytes for each of the dynamic symbols. The library is kept from looking at them: it
// would search the names of all versions for each symbol.
func versions(file *elf.File) (data []byte, err error) {
	for _, s := range file.Sections {
		if s.Type == elf.SHT_GNU_VERSYM {
			if data, err = content(s, mostSymbols); err != nil {
				return nil, err
			}
			s.Type = elf.SHT_NULL
		}
	}
	return data, nil
}

// superseded is the rank of a symbol of an old version: new programs do not call it.
const superseded = 1000

// rank is lower for the name that a reader expects among several of one address.
func rank(s elf.Symbol) int {
	n := 10 * (len(s.Name) - len(strings.TrimLeft(s.Name, "_")))
	if isMangled(s.Name) {
		n = 0
	}
	if s.Size == 0 {
		n += 200
	}
	if elf.ST_BIND(s.Info) == elf.STB_LOCAL {
		n += 100
	}
	return n
}

// ordered sorts by address and preference and leaves each pair of name and address once; of a name,
// an old version is left out where there is a new one.
func ordered(symbols []ranked) []Function {
	old := map[string]bool{} // few have versions
	for _, s := range symbols {
		if s.rank >= superseded {
			old[s.Name] = true
		}
	}
	for _, s := range symbols {
		if s.rank < superseded {
			delete(old, s.Name)
		}
	}
	slices.SortFunc(symbols, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.rank, b.rank), cmp.Compare(b.Size, a.Size), strings.Compare(a.Name, b.Name))
	})
	functions := make([]Function, 0, len(symbols))
	seen := map[string]bool{} // at this address
	for i, s := range symbols {
		if i > 0 && symbols[i-1].Address != s.Address {
			clear(seen)
		}
		if !seen[s.Name] && (s.rank < superseded || old[s.Name]) {
			seen[s.Name] = true
			functions = append(functions, s.Function)
		}
	}
	return functions
}

func (m *Image) readNotes(file *elf.File) {
	if s := file.Section(".note.gnu.build-id"); s != nil {
		// Header of three words, "GNU\0", then the id.
		if note, err := content(s, mostNote); err == nil && len(note) > 16 && string(note[12:16]) == "GNU\x00" {
			m.buildID = hex.EncodeToString(note[16:min(len(note), 16+int(file.ByteOrder.Uint32(note[4:])))])
		}
	}
	if s := file.Section(".gnu_debuglink"); s != nil {
		// A name, zeros up to a multiple of four, a CRC.
		if data, err := content(s, mostNote); err == nil && len(data) >= 8 {
			m.link, _, _ = strings.Cut(string(data[:len(data)-4]), "\x00")
			m.linkCRC = file.ByteOrder.Uint32(data[len(data)-4:])
		}
	}
}

func (m *Image) isCode(address uint64) bool {
	return slices.ContainsFunc(m.segments, func(s segment) bool { return s.code && address >= s.address && address-s.address < s.size })
}

// Offset is where the code of an address lies in the file.
func (m *Image) Offset(address uint64) (uint64, bool) {
	for _, s := range m.segments {
		if s.code && address >= s.address && address-s.address < s.size {
			return address - s.address + s.offset, true
		}
	}
	return 0, false
}

// Address is the inverse of Offset.
func (m *Image) Address(offset uint64) (uint64, bool) {
	for _, s := range m.segments {
		if s.code && offset >= s.offset && offset-s.offset < s.size {
			return offset - s.offset + s.address, true
		}
	}
	return 0, false
}

// Text is the address at which the first segment of code begins.
func (m *Image) Text() uint64 {
	for _, s := range m.segments {
		if s.code {
			return s.address
		}
	}
	return 0
}
