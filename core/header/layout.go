package header

import "github.com/cilium/ebpf/btf"

// align is the alignment that a C compiler for BPF gives to a type as it is printed here.
func align(t btf.Type) int {
	switch v := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		return int(v.Size)
	case *btf.Float:
		return min(int(v.Size), 8)
	case *btf.Enum:
		return int(v.Size)
	case *btf.Pointer:
		return 8
	case *btf.Array:
		return align(v.Type)
	case *btf.Struct, *btf.Union:
		return alignComposite(v)
	}
	return 1
}

// alignComposite is the natural alignment of a struct, or 1 when its members or its size show that
// it is packed.
func alignComposite(t btf.Type) int {
	most := 1
	for _, m := range members(t) {
		a := align(m.Type)
		if m.BitfieldSize == 0 && int(m.Offset)%(8*a) != 0 {
			return 1
		}
		if m.BitfieldSize == 0 || m.Name != "" {
			most = max(most, a)
		}
	}
	if size(t)%most != 0 {
		return 1
	}
	return most
}

func size(t btf.Type) int {
	n, err := btf.Sizeof(t)
	if err != nil {
		return 0
	}
	return n
}

func hasBitfields(t btf.Type) bool {
	for _, m := range members(t) {
		if m.BitfieldSize > 0 || m.Name == "" && hasBitfields(btf.UnderlyingType(m.Type)) {
			return true
		}
	}
	return false
}
