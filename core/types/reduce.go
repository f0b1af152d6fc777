package types

import "slices"

// Reduce makes a BTF of some types alone, and of those that they are made of, in the order in which
// they were. A named struct or union that is only pointed to keeps its size and loses its members,
// unless a member that points to it has one of the names to follow, which may be nil.
func (r *Raw) Reduce(roots []ID, follow *Names) ([]byte, error) {
	p := &part{Raw: r, kept: make([]extent, len(r.offsets)), follow: follow}
	for _, id := range roots {
		p.keep(id, whole)
	}
	for len(p.todo) > 0 {
		id := p.todo[len(p.todo)-1]
		p.todo = p.todo[:len(p.todo)-1]
		p.expand(r.at(id), p.kept[id])
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.encode(), nil
}

// part is some types of a BTF.
type part struct {
	*Raw
	kept   []extent // by ID
	todo   []ID     // kept, but not yet what they are made of
	follow *Names
	err    error
}

// extent is how much of a type is kept.
type extent byte

const (
	outline extent = iota + 1 // of a named struct or union
	whole
)

func (p *part) keep(id ID, how extent) {
	if int64(id) >= int64(len(p.kept)) {
		p.err = malformed("there is no type %d", id)
		return
	}
	if id == 0 || p.kept[id] >= how {
		return
	}
	if t := p.at(id); how == outline && !t.qualifier() && !(t.composite() && t.name() != 0) {
		how = whole
	}
	p.kept[id] = how
	p.todo = append(p.todo, id)
}

func (t record) qualifier() bool {
	return slices.Contains([]Kind{volatile, constant, restrict, typeTag}, t.kind())
}

func (t record) composite() bool { return t.kind() == Struct || t.kind() == Union }

// expand keeps what a type is made of.
func (p *part) expand(t record, how extent) {
	switch {
	case t.kind() == pointer:
		p.keep(t.target(), outline)
	case t.qualifier():
		p.keep(t.target(), how)
	case !t.composite():
		t.refer(func(word []byte) { p.keep(ID(order.Uint32(word)), whole) })
	case how == whole:
		for i := range t.items() {
			m := t.item(i)
			member := ID(order.Uint32(m[4:]))
			p.keep(member, whole)
			if p.follow != nil && p.follow.has(order.Uint32(m)) {
				p.keep(p.pointee(member), whole)
			}
		}
	}
}

// pointee is what a type is, or points to, through arrays, qualifiers and typedefs.
func (p *part) pointee(id ID) ID {
	const deepest = 64
	for range deepest {
		if id == 0 || int64(id) >= int64(len(p.offsets)) {
			return id
		}
		switch t := p.at(id); {
		case t.kind() == pointer, t.kind() == Typedef, t.qualifier():
			id = t.target()
		case t.kind() == array:
			id = t.element()
		default:
			return id
		}
	}
	p.err = malformed("type %d has no end", id)
	return 0
}

// encode writes the types that are kept as a BTF of their own.
func (p *part) encode() []byte {
	ids, last := make([]ID, len(p.kept)), ID(0)
	for id, how := range p.kept {
		if how != 0 {
			last++
			ids[id] = last
		}
	}
	w := &writer{part: p, moved: map[uint32]uint32{0: 0}, names: []byte{0}}
	for id, how := range p.kept {
		if how != 0 {
			t := w.copy(p.at(ID(id)), how)
			t.refer(func(word []byte) { order.PutUint32(word, uint32(ids[order.Uint32(word)])) })
		}
	}
	return w.blob()
}

type writer struct {
	*part
	types []byte
	names []byte
	moved map[uint32]uint32 // names, from the old place to the new
}

// copy writes a type, which still refers to types by their old IDs.
func (w *writer) copy(from record, how extent) record {
	begin, size := len(w.types), from.size()
	if how == outline && from.composite() {
		size = commonSize
	}
	w.types = append(w.types, from[:size]...)
	t := record(w.types[begin:])
	if size < from.size() {
		order.PutUint32(t[4:], uint32(t.kind())<<24) // no items
	}
	w.rename(t)
	t.each(shapes[t.kind()].name, w.rename)
	return t
}

// rename makes a word the new place of a name.
func (w *writer) rename(word []byte) {
	old := order.Uint32(word)
	place, known := w.moved[old]
	if !known {
		place = uint32(len(w.names))
		w.names = append(append(w.names, w.name(old)...), 0)
		w.moved[old] = place
	}
	order.PutUint32(word, place)
}

func (w *writer) blob() []byte {
	b := make([]byte, headerSize, headerSize+len(w.types)+len(w.names))
	order.PutUint16(b, magic)
	b[2] = 1 // version
	for i, n := range []int{headerSize, 0, len(w.types), len(w.types), len(w.names)} {
		order.PutUint32(b[4+4*i:], uint32(n))
	}
	return append(append(b, w.types...), w.names...)
}
