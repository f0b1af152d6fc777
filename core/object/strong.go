package object

import (
	"bytes"
	"debug/elf"
)

// strong is the object with its weak maps made global: usdt.bpf.h has such, so that several objects
// may be linked, and the library below takes none. What is not a sound ELF file stays as it is.
func strong(data []byte) []byte {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil || f.Class != elf.ELFCLASS64 {
		return data
	}
	symbols, table := f.SectionByType(elf.SHT_SYMTAB), []byte(nil)
	if symbols == nil {
		return data
	}
	if table, err = symbols.Data(); err != nil || symbols.Offset+uint64(len(table)) > uint64(len(data)) {
		return data
	}
	changed := data
	for at := 0; at+elf.Sym64Size <= len(table); at += elf.Sym64Size {
		info, section := table[at+4], int(f.ByteOrder.Uint16(table[at+6:]))
		if elf.ST_BIND(info) != elf.STB_WEAK || section >= len(f.Sections) {
			continue
		}
		if name := f.Sections[section].Name; name == ".maps" || name == "maps" {
			if &changed[0] == &data[0] {
				changed = bytes.Clone(data)
			}
			changed[symbols.Offset+uint64(at)+4] = elf.ST_INFO(elf.STB_GLOBAL, elf.ST_TYPE(info))
		}
	}
	return changed
}
