package object

import (
	"bytes"
	"debug/elf"
	"slices"

	"github.com/cilium/ebpf/btf"
)

// strong is the object with those of its weak symbols made global that the library below does not
// take otherwise: maps, as usdt.bpf.h has them so that objects can be linked, and variables that stand
// for options of the kernel (__kconfig). The names of the latter are returned. What is not a sound ELF
// file stays as it is.
func strong(data []byte) ([]byte, map[string]bool) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil || f.Class != elf.ELFCLASS64 {
		return data, nil
	}
	table := f.SectionByType(elf.SHT_SYMTAB)
	symbols, err := f.Symbols()
	if err != nil || table == nil || table.Offset+uint64(len(symbols)+1)*elf.Sym64Size > uint64(len(data)) {
		return data, nil
	}
	changed, optional, options := data, map[string]bool{}, map[string]bool(nil)
	for i, symbol := range symbols {
		if elf.ST_BIND(symbol.Info) != elf.STB_WEAK {
			continue
		}
		if symbol.Section == elf.SHN_UNDEF {
			if options == nil {
				options = kconfig(data)
			}
			if !options[symbol.Name] {
				continue // a function or variable of the kernel, which the library takes
			}
			optional[symbol.Name] = true
		} else if int(symbol.Section) >= len(f.Sections) || f.Sections[symbol.Section].Name != ".maps" && f.Sections[symbol.Section].Name != "maps" {
			continue
		}
		if &changed[0] == &data[0] {
			changed = bytes.Clone(data)
		}
		// The table begins with an empty symbol, which is not in the list.
		changed[table.Offset+uint64(i+1)*elf.Sym64Size+4] = elf.ST_INFO(elf.STB_GLOBAL, elf.ST_TYPE(symbol.Info))
	}
	return changed, optional
}

// kconfig are the names of the variables that stand for options of the kernel.
func kconfig(data []byte) map[string]bool {
	names := map[string]bool{}
	types, err := btf.LoadSpecFromReader(bytes.NewReader(data))
	section := (*btf.Datasec)(nil)
	if err != nil || types.TypeByName(".kconfig", &section) != nil {
		return names
	}
	for _, v := range section.Vars {
		names[v.Type.TypeName()] = true
	}
	return names
}

// NeedsOption tells whether a variable stands for an option of the kernel.
func (o *Object) NeedsOption(option string) bool {
	section := (*btf.Datasec)(nil)
	return o.Spec.Types.TypeByName(".kconfig", &section) == nil &&
		slices.ContainsFunc(section.Vars, func(v btf.VarSecinfo) bool { return v.Type.TypeName() == option })
}

// Without leaves a weak variable for an option of the kernel, or all where the name is "", at zero, as
// libbpf does where the kernel has no such option. It reports whether there was one.
func (o *Object) Without(option string) bool {
	section := (*btf.Datasec)(nil) // the one that the library reads when it loads
	if o.Spec.Types.TypeByName(".kconfig", &section) != nil {
		return false
	}
	kept := []btf.VarSecinfo{}
	for _, v := range section.Vars {
		if name := v.Type.TypeName(); !o.optional[name] || option != "" && name != option {
			kept = append(kept, v)
		}
	}
	found := len(kept) < len(section.Vars)
	section.Vars = kept
	return found
}
