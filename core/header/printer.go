package header

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// small is the number of members up to which a struct is printed whole: nothing is gained by less.
const small = 6

// printer collects what has to be printed, then prints it in an order that C accepts.
type printer struct {
	*mentions
	spec  *btf.Spec
	whole bool // everything is printed whole
	err   error

	order    []btf.Type          // what is named, and what named members point to
	modes    map[btf.Type]mode   // of the structs, unions, enums and typedefs to print
	byName   map[string]btf.Type // by key: the type that has this name, where several do
	forwards []btf.Type          // in the order in which they were met
	known    map[string]bool     // forwards, as tagged
	printed  map[btf.Type]bool
	values   map[string]bool // enumerators that were printed
	out      strings.Builder
	unique   int
}

type mode int

const (
	pruned mode = iota + 1
	complete
)

func newPrinter(spec *btf.Spec, m *mentions) *printer {
	return &printer{mentions: m, spec: spec, modes: map[btf.Type]mode{}, byName: map[string]btf.Type{},
		known: map[string]bool{}, printed: map[btf.Type]bool{}, values: map[string]bool{}}
}

// root asks for the type of an id.
func (p *printer) root(id btf.TypeID, whole bool) {
	t, err := p.spec.TypeByID(id)
	if err != nil {
		p.err = err
		return
	}
	// A tag that the source defines is the source's, whatever of the same name the kernel has.
	if p.defined[t.TypeName()] {
		return
	}
	p.order = append(p.order, t)
	p.need(t, whole)
}

// need marks a type, and what it holds by value, as to be printed.
func (p *printer) need(t btf.Type, whole bool) {
	t = strip(t)
	switch v := t.(type) {
	case *btf.Array:
		p.need(v.Type, whole)
	case *btf.Typedef:
		if p.modes[v] < want(whole) {
			p.modes[v] = want(whole)
			p.need(v.Type, whole)
		}
	case *btf.Pointer:
		p.point(v.Target)
	case *btf.Enum:
		p.mark(v, complete)
	case *btf.Struct, *btf.Union:
		p.composite(t, whole)
	}
}

func want(whole bool) mode {
	if whole {
		return complete
	}
	return pruned
}

func (p *printer) mark(t btf.Type, m mode) bool {
	if p.modes[t] >= m {
		return false
	}
	if tagged(t) != "" {
		if other := p.byName[key(t)]; other != nil && other != t && size(other) >= size(t) {
			return false
		}
		p.byName[key(t)] = t
	}
	p.modes[t] = m
	return true
}

// composite marks a struct or union and goes on to what its printed members need.
func (p *printer) composite(t btf.Type, whole bool) {
	list := members(t)
	whole = whole || p.whole || len(list) <= small || p.namesBitfield(t)
	if !p.mark(t, want(whole)) && tagged(t) != "" {
		return
	}
	for _, m := range list {
		if !p.keeps(m, whole) {
			continue
		}
		p.need(m.Type, whole && m.Name != "" && p.names[m.Name] || p.whole)
		// a->m->x mentions m: what m points to is looked into.
		if target, ok := pointee(m.Type); ok && p.names[m.Name] && m.Name != "" {
			p.order = append(p.order, target)
			p.need(target, false)
		}
	}
}

// keeps tells whether a member is printed rather than padded.
func (p *printer) keeps(m btf.Member, whole bool) bool {
	if m.Name != "" {
		return !p.macros[m.Name] && (whole || p.names[m.Name])
	}
	if whole {
		return true
	}
	for _, inner := range members(btf.UnderlyingType(m.Type)) {
		if p.keeps(inner, false) {
			return true
		}
	}
	return false
}

func (p *printer) namesBitfield(t btf.Type) bool {
	for _, m := range members(t) {
		if m.BitfieldSize > 0 && p.names[m.Name] || m.Name == "" && p.namesBitfield(btf.UnderlyingType(m.Type)) {
			return true
		}
	}
	return false
}

// pointee is the struct or union that a member points to, through arrays, qualifiers and typedefs.
func pointee(t btf.Type) (btf.Type, bool) {
	for {
		switch v := btf.UnderlyingType(t).(type) {
		case *btf.Array:
			t = v.Type
		case *btf.Pointer:
			t = v.Target
		case *btf.Struct:
			return v, v.Name != ""
		case *btf.Union:
			return v, v.Name != ""
		default:
			return nil, false
		}
	}
}

// point notes what a pointer's type needs in order to be written: a forward declaration or a typedef.
func (p *printer) point(t btf.Type) {
	t = strip(t)
	switch v := t.(type) {
	case *btf.Pointer:
		p.point(v.Target)
	case *btf.Array:
		p.need(v.Type, false)
	case *btf.Typedef:
		if p.modes[v] == 0 {
			p.modes[v] = pruned
			switch inner := v.Type.(type) {
			case *btf.Struct, *btf.Union:
				if tagged(inner) == "" {
					p.need(inner, false)
				} else {
					p.point(inner)
				}
			default:
				p.point(inner)
			}
		}
	case *btf.Enum:
		if v.Name != "" {
			p.mark(v, complete)
		}
	default:
		if name := tagged(t); name != "" && !p.known[name] {
			p.known[name] = true
			p.forwards = append(p.forwards, t)
		}
	}
}

// tagged is "struct x" for a type with a tag, else "".
func tagged(t btf.Type) string {
	name := t.TypeName()
	if name == "" {
		return ""
	}
	switch v := t.(type) {
	case *btf.Struct:
		return "struct " + name
	case *btf.Union:
		return "union " + name
	case *btf.Enum:
		return "enum " + name
	case *btf.Fwd:
		return fmt.Sprintf("%s %s", v.Kind, name)
	}
	return ""
}
