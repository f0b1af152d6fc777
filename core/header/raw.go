package header

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/cilium/ebpf/btf"
)

// BTF kinds, as the type section encodes them.
const (
	kindStruct  = 4
	kindUnion   = 5
	kindEnum    = 6
	kindFwd     = 7
	kindTypedef = 8
	kindEnum64  = 19
)

// trailing is how many bytes follow the common part of a type: once, and for each of vlen items.
var trailing = map[uint32][2]uint32{1: {4, 0}, 3: {12, 0}, 4: {0, 12}, 5: {0, 12}, 6: {0, 8}, 13: {0, 8}, 14: {4, 0},
	15: {0, 12}, 17: {4, 0}, 19: {0, 12}}

// raw is the type section of a BTF blob. Walking it is a hundred times faster than parsing it, and
// names are all that is wanted of most types.
type raw struct {
	order   binary.ByteOrder
	types   []byte
	strings []byte
}

var errMalformed = errors.New("malformed BTF")

func newRaw(data []byte) (*raw, error) {
	if len(data) < 24 {
		return nil, errMalformed
	}
	r := &raw{order: binary.LittleEndian}
	if r.order.Uint16(data) == 0x9feb {
		r.order = binary.BigEndian
	} else if r.order.Uint16(data) != 0xeb9f {
		return nil, errMalformed
	}
	at := func(i int) uint64 { return uint64(r.order.Uint32(data[4*i:])) }
	header, size := at(1), uint64(len(data))
	typeEnd, stringEnd := header+at(2)+at(3), header+at(4)+at(5)
	if typeEnd > size || stringEnd > size {
		return nil, errMalformed
	}
	r.types, r.strings = data[header+at(2):typeEnd], data[header+at(4):stringEnd]
	return r, nil
}

func (r *raw) name(offset uint32) []byte {
	if int64(offset) >= int64(len(r.strings)) {
		return nil
	}
	name, _, _ := bytes.Cut(r.strings[offset:], []byte{0})
	return name
}

// walk calls visit with each named type, and with each enumerator under the id and kind of its enum.
func (r *raw) walk(visit func(id btf.TypeID, kind uint32, name []byte, enumerator bool)) error {
	data := r.types
	for id := btf.TypeID(1); len(data) > 0; id++ {
		if len(data) < 12 {
			return errMalformed
		}
		info := r.order.Uint32(data[4:])
		kind, vlen := info>>24&0x1f, info&0xffff
		extra := trailing[kind]
		size := uint64(12) + uint64(extra[0]) + uint64(extra[1])*uint64(vlen)
		if uint64(len(data)) < size {
			return errMalformed
		}
		if name := r.name(r.order.Uint32(data)); len(name) > 0 {
			visit(id, kind, name, false)
		}
		if kind == kindEnum || kind == kindEnum64 {
			for i := range vlen {
				visit(id, kind, r.name(r.order.Uint32(data[12+extra[1]*i:])), true)
			}
		}
		data = data[size:]
	}
	return nil
}
