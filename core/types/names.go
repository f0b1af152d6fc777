package types

import (
	"bytes"
	"maps"
)

// Names are some names of a BTF: it is known where in its strings they are. To look at all strings
// once takes less time than to look at the name of each type.
type Names struct {
	raw    *Raw
	names  map[string]bool
	places []uint64 // a bit for each byte of the strings
}

// Among finds names in the strings.
func (r *Raw) Among(names map[string]bool) *Names {
	n := &Names{r, names, make([]uint64, len(r.strings)/64+1)}
	var some [1 << 10]uint64 // a bit for each digest that a name has
	for name := range names {
		if name != "" {
			d := digest([]byte(name))
			some[d/64] |= 1 << (d % 64)
		}
	}
	for at := 0; at < len(r.strings); {
		size := bytes.IndexByte(r.strings[at:], 0)
		if size < 0 {
			size = len(r.strings) - at
		}
		if size > 0 {
			name := r.strings[at : at+size]
			if d := digest(name); some[d/64]&(1<<(d%64)) != 0 && names[string(name)] {
				n.places[at/64] |= 1 << (at % 64)
			}
		}
		at += size + 1
	}
	return n
}

// digest tells most names apart by a few of their letters.
func digest(name []byte) uint16 {
	size := len(name)
	return uint16(size)*61 ^ uint16(name[0])<<8 ^ uint16(name[size/2])<<4 ^ uint16(name[size-1])<<2 ^ uint16(name[size/3])<<6
}

// has tells whether one of them is at an offset in the strings.
func (n *Names) has(name uint32) bool {
	switch {
	case int64(name) >= int64(len(n.raw.strings)):
		return false
	case name > 0 && n.raw.strings[name-1] != 0: // the end of a longer string
		return n.names[string(n.raw.name(name))]
	}
	return n.places[name/64]&(1<<(name%64)) != 0
}

// Each visits the types and enumerators that have these names.
func (n *Names) Each(visit Visit) { n.raw.each(n.has, visit) }

// Flavours are names, and what the strings have of them with a suffix: "task_struct___old".
func (r *Raw) Flavours(names map[string]bool) map[string]bool {
	all := maps.Clone(names)
	for at := 0; at < len(r.strings); at++ {
		next := bytes.Index(r.strings[at:], []byte("___"))
		if next < 0 {
			break
		}
		at += next
		begin := bytes.LastIndexByte(r.strings[:at], 0) + 1
		name := r.name(uint32(begin))
		at = begin + len(name)
		if end := bytes.LastIndex(name, []byte("___")); end > 0 && names[string(name[:end])] {
			all[string(name)] = true
		}
	}
	return all
}
