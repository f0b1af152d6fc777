// Package types is kernel types in BTF, read where they lie: a kernel has a hundred thousand of them,
// and a program needs a few hundred.
package types

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ID is the number of a type in its BTF; 0 is void.
type ID uint32

// Kind is that of a type, as BTF encodes it.
type Kind uint32

const (
	pointer   Kind = 2
	array     Kind = 3
	Struct    Kind = 4
	Union     Kind = 5
	Enum      Kind = 6
	Typedef   Kind = 8
	volatile  Kind = 9
	constant  Kind = 10
	restrict  Kind = 11
	prototype Kind = 13
	typeTag   Kind = 18
	Enum64    Kind = 19
	kinds          = 32
)

// shapes say what kinds are made of: how many bytes follow the common part, once and for each item;
// whether the common part ends with a type; where an item has a name and a type, if it has.
var shapes = [kinds]struct {
	once, each uint32
	refers     bool
	name, typ  int
}{
	1:         {once: 4},  // int
	array:     {once: 12}, // two types and a number
	Struct:    {each: 12, name: 0, typ: 4},
	Union:     {each: 12, name: 0, typ: 4},
	Enum:      {each: 8, name: 0, typ: none},
	Enum64:    {each: 12, name: 0, typ: none},
	prototype: {each: 8, name: 0, typ: 4, refers: true},
	15:        {each: 12, name: none, typ: 0}, // section of variables
	14:        {once: 4, refers: true},        // variable
	17:        {once: 4, refers: true},        // tag of a declaration
	12:        {refers: true},                 // func: in the place of the number of items is how it is linked
	pointer:   {refers: true},
	Typedef:   {refers: true},
	volatile:  {refers: true},
	constant:  {refers: true},
	restrict:  {refers: true},
	typeTag:   {refers: true},
}

const magic, headerSize, commonSize, none = 0xeb9f, 24, 12, -1

// Raw is a BTF blob of this machine's byte order.
type Raw struct {
	Data    []byte
	types   []byte
	strings []byte
	offsets []uint32 // in types, by ID
}

// ErrMalformed is behind each error of this room.
var ErrMalformed = errors.New("malformed BTF")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

var order = binary.LittleEndian

// New takes a blob, which stays in use and does not change.
func New(data []byte) (*Raw, error) {
	if len(data) < headerSize || order.Uint16(data) != magic {
		return nil, malformed("no BTF of this machine")
	}
	at := func(i int) uint64 { return uint64(order.Uint32(data[4*i:])) }
	header, size := at(1), uint64(len(data))
	typeEnd, stringEnd := header+at(2)+at(3), header+at(4)+at(5)
	if typeEnd > size || stringEnd > size {
		return nil, malformed("its sections end outside of it")
	}
	r := &Raw{Data: data, types: data[header+at(2) : typeEnd], strings: data[header+at(4) : stringEnd]}
	return r, r.index()
}

// index notes where each type begins.
func (r *Raw) index() error {
	r.offsets = make([]uint32, 1, 1+len(r.types)/24) // of void, which is not there
	for at, size := uint64(0), uint64(len(r.types)); at < size; {
		if size-at < commonSize {
			return malformed("type %d is cut off", len(r.offsets))
		}
		r.offsets = append(r.offsets, uint32(at))
		t := r.at(ID(len(r.offsets) - 1))
		at += t.size()
		if at > size {
			return malformed("type %d is cut off", len(r.offsets)-1)
		}
	}
	return nil
}

// record is a type as it lies in the blob: words for its name, its kind and number of items, and its
// size or another type; then what shapes says.
type record []byte

func (r *Raw) at(id ID) record { return r.types[r.offsets[id]:] }

func (t record) name() uint32  { return order.Uint32(t) }
func (t record) kind() Kind    { return Kind(order.Uint32(t[4:]) >> 24 & (kinds - 1)) }
func (t record) items() uint32 { return order.Uint32(t[4:]) & 0xffff }
func (t record) target() ID    { return ID(order.Uint32(t[8:])) }
func (t record) element() ID   { return ID(order.Uint32(t[commonSize:])) } // of an array

func (t record) size() uint64 {
	shape := &shapes[t.kind()]
	if shape.each == 0 {
		return commonSize + uint64(shape.once)
	}
	return commonSize + uint64(shape.once) + uint64(shape.each)*uint64(t.items())
}

// item is a member, an enumerator, a parameter.
func (t record) item(i uint32) []byte {
	shape := &shapes[t.kind()]
	return t[commonSize+shape.once+shape.each*i:]
}

// each calls visit with the words of its items that stand at a place.
func (t record) each(place int, visit func(word []byte)) {
	if place == none || shapes[t.kind()].each == 0 {
		return
	}
	for i := range t.items() {
		visit(t.item(i)[place:])
	}
}

// refer calls visit with each word that is a type.
func (t record) refer(visit func(word []byte)) {
	shape := &shapes[t.kind()]
	if shape.refers {
		visit(t[8:])
	}
	if t.kind() == array {
		visit(t[commonSize:])
		visit(t[commonSize+4:])
	}
	t.each(shape.typ, visit)
}

func (r *Raw) name(offset uint32) []byte {
	if int64(offset) >= int64(len(r.strings)) {
		return nil
	}
	name, _, _ := bytes.Cut(r.strings[offset:], []byte{0})
	return name
}

// Visit is called with a named type, or with an enumerator and the ID and kind of its enum.
type Visit func(id ID, kind Kind, name []byte, enumerator bool)

// Each visits all named types and all enumerators.
func (r *Raw) Each(visit Visit) {
	r.each(func(name uint32) bool { return name != 0 }, visit)
}

func (r *Raw) each(wanted func(name uint32) bool, visit Visit) {
	for id := ID(1); id < ID(len(r.offsets)); id++ {
		t := r.at(id)
		kind := t.kind()
		if name := t.name(); wanted(name) {
			visit(id, kind, r.name(name), false)
		}
		if kind == Enum || kind == Enum64 {
			t.each(0, func(word []byte) {
				if name := order.Uint32(word); wanted(name) {
					visit(id, kind, r.name(name), true)
				}
			})
		}
	}
}
