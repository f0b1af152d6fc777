package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// idOfTarget is the kind of a relocation that asks for the number of a type in the kernel.
const idOfTarget = 7

// relocated makes Object.Relocated. It is nil where that cannot be told, or does not do: the number of a
// type is its place among all of the kernel's.
func relocated(data []byte, types *btf.Spec) map[string]bool {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	names := map[string]bool{}
	section := f.Section(".BTF.ext")
	if section == nil {
		return names
	}
	ext, err := section.Data()
	if err != nil {
		return nil
	}
	list, ok := relocations(ext, f.ByteOrder)
	if !ok {
		return nil
	}
	for _, r := range list {
		t, err := types.TypeByID(btf.TypeID(r.typ))
		if err != nil || t.TypeName() == "" || r.kind == idOfTarget {
			return nil
		}
		name := t.TypeName()
		if end := strings.LastIndex(name, "___"); end > 0 {
			name = name[:end]
		}
		names[name] = true
	}
	return names
}

// relocation is what is needed of a struct bpf_core_relo.
type relocation struct{ typ, kind uint32 }

// relocations reads them from the section .BTF.ext: a header, which says where they are; their size; and
// for each section of programs its name, their number, and they.
func relocations(ext []byte, order binary.ByteOrder) (list []relocation, ok bool) {
	const header, record = 32, 16
	if len(ext) < header || order.Uint32(ext[4:]) < header { // of a compiler of before CO-RE
		return nil, true
	}
	begin := uint64(order.Uint32(ext[4:])) + uint64(order.Uint32(ext[24:]))
	end := begin + uint64(order.Uint32(ext[28:]))
	if begin == end {
		return nil, true
	}
	if end-begin < 4 || end > uint64(len(ext)) {
		return nil, false
	}
	size, rest := uint64(order.Uint32(ext[begin:])), ext[begin+4:end]
	for len(rest) > 0 {
		if len(rest) < 8 || size < record {
			return nil, false
		}
		count := uint64(order.Uint32(rest[4:]))
		if rest = rest[8:]; count*size > uint64(len(rest)) {
			return nil, false
		}
		for ; count > 0; count-- {
			list = append(list, relocation{order.Uint32(rest[4:]), order.Uint32(rest[12:])})
			rest = rest[size:]
		}
	}
	return list, true
}
