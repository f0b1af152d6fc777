package kernel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cilium/ebpf/btf"
)

// Query asks what a kernel's BTF knows. One of the first three is given; each may have a % for any
// characters, and then gets what matches it.
type Query struct {
	Func   string `json:"func"`
	Struct string `json:"struct"` // "struct x", "union x", or a typedef of one
	Type   string `json:"type"`   // as C writes it
	Ret    string `json:"ret"`    // only functions that return this
	Arg    string `json:"arg"`    // only functions that take this
}

// Types is a kernel's BTF, kept for several queries.
type Types struct {
	mu   sync.Mutex
	spec *btf.Spec
}

// OpenTypes reads the BTF in the file path, or that of the running kernel.
func OpenTypes(path string) (*Types, error) {
	facts, err := This()
	if err != nil {
		return nil, err
	}
	spec, err := LoadSpec(path, facts.Release)
	if err != nil {
		return nil, err
	}
	return &Types{spec: spec}, nil
}

// Find answers a query; nil: there is nothing of that name.
func (t *Types) Find(q Query) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return q.answer(t.spec)
}

// Close leaves the BTF to the garbage collector.
func (t *Types) Close() error { return nil }

// Function is a prototype, each type as C writes it.
type Function struct {
	Name string   `json:"func"`
	Args []string `json:"args"`
	Ret  string   `json:"ret"`
	Line int      `json:"line"` // 0: BTF does not say it
	File string   `json:"file"`
}

// Struct is a struct or union. Cells has its members, and in their place those of what has no type
// name itself: as "outer.inner", where the outer one has a name.
type Struct struct {
	Name    string `json:"name"`
	Members int    `json:"members"`
	Size    uint32 `json:"size"`
	Cells   []Cell `json:"cell,omitempty"`

	seen int // members
}

// Cell is a member. Bits is "first:count" within the integer at Offset, or "".
type Cell struct {
	Type   string `json:"type"`
	Offset uint32 `json:"offset"`
	Size   int    `json:"size"`
	Bits   string `json:"bits"`
	Name   string `json:"name"`
}

// Named is a type and what it is another name for.
type Named struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int    `json:"size"`
}

const most = 20 // results of a pattern

func (q Query) answer(types *btf.Spec) (any, error) {
	switch {
	case q.Type != "":
		return q.named(types)
	case q.Struct != "":
		return q.structs(types)
	}
	return q.functions(types)
}

func (q Query) functions(types *btf.Spec) (any, error) {
	found := []Function{}
	add := func(t btf.Type) {
		if f, ok := t.(*btf.Func); ok {
			if p := prototype(f); (q.Ret == "" || q.Ret == p.Ret) && (q.Arg == "" || slices.Contains(p.Args, q.Arg)) {
				found = append(found, p)
			}
		}
	}
	if q.Func != "" && !strings.Contains(q.Func, "%") {
		same, err := types.AnyTypesByName(q.Func)
		if err != nil && !errors.Is(err, btf.ErrNotFound) {
			return nil, err
		}
		for _, t := range same {
			add(t)
		}
		return found, nil
	}
	matches := pattern(q.Func)
	for t, err := range types.All() {
		if err != nil {
			return nil, err
		}
		if f, ok := t.(*btf.Func); ok && matches(f.Name) {
			if add(f); len(found) == most {
				break
			}
		}
	}
	return found, nil
}

func prototype(f *btf.Func) Function {
	p := Function{Name: f.Name, Args: []string{}}
	if proto, ok := f.Type.(*btf.FuncProto); ok {
		p.Ret = spell(proto.Return)
		for _, param := range proto.Params {
			p.Args = append(p.Args, spell(param.Type))
		}
	}
	return p
}

func (q Query) structs(types *btf.Spec) (any, error) {
	if strings.Contains(q.Struct, "%") {
		found, matches := []Struct{}, pattern(q.Struct)
		for t, err := range types.All() {
			if err != nil {
				return nil, err
			}
			if c, ok := t.(interface{ TypeName() string }); ok && composite(t) && c.TypeName() != "" && matches(spell(t)) {
				if found = append(found, layout(t)); len(found) == most {
					break
				}
			}
		}
		for i := range found {
			found[i].Cells = nil
		}
		return found, nil
	}
	t, err := lookup(types, q.Struct)
	if err != nil || t == nil || !composite(btf.UnderlyingType(t)) {
		return nil, err
	}
	s := layout(btf.UnderlyingType(t))
	s.Name = spell(t)
	return s, nil
}

func composite(t btf.Type) bool {
	switch t.(type) {
	case *btf.Struct, *btf.Union:
		return true
	}
	return false
}

func layout(t btf.Type) Struct {
	s := Struct{Name: spell(t)}
	var members []btf.Member
	switch v := t.(type) {
	case *btf.Struct:
		members, s.Size = v.Members, v.Size
	case *btf.Union:
		members, s.Size = v.Members, v.Size
	}
	s.Members = len(members)
	s.add(members, "", 0, 0)
	return s
}

// deepest is how far types are followed: those of damaged BTF may have no end.
const deepest = 32

// What is small in damaged BTF may contain itself over and over.
const (
	mostMembers = 1 << 14 // of a struct, with those of what is in it
	mostWords   = 1 << 8  // that the name of a type is made of
)

func (s *Struct) add(members []btf.Member, before string, offset btf.Bits, depth int) {
	for _, m := range members {
		if s.seen++; s.seen > mostMembers {
			return
		}
		at, name := offset+m.Offset, before+m.Name
		inner, nested := btf.UnderlyingType(m.Type), []btf.Member(nil)
		if m.Type.TypeName() == "" {
			switch v := inner.(type) {
			case *btf.Struct:
				nested = v.Members
			case *btf.Union:
				nested = v.Members
			}
		}
		if nested != nil && depth < deepest {
			if m.Name != "" {
				name += "."
			}
			s.add(nested, name, at, depth+1)
			continue
		}
		s.Cells = append(s.Cells, cell(m, name, at))
	}
}

func cell(m btf.Member, name string, at btf.Bits) Cell {
	size, err := btf.Sizeof(m.Type)
	if err != nil {
		size = 0 // a flexible array, or a struct that is declared only
	}
	if m.BitfieldSize > 0 && size > 0 {
		unit := btf.Bits(8 * size)
		start := at / unit * unit
		return Cell{spell(m.Type), start.Bytes(), size, fmt.Sprintf("%d:%d", at-start, m.BitfieldSize), name}
	}
	typ := m.Type
	for depth := 0; depth < deepest; depth++ {
		array, ok := typ.(*btf.Array)
		if !ok {
			break
		}
		name += fmt.Sprintf("[%d]", array.Nelems)
		typ = array.Type
	}
	return Cell{spell(typ), at.Bytes(), size, "", name}
}

func (q Query) named(types *btf.Spec) (any, error) {
	if strings.HasSuffix(strings.TrimSpace(q.Type), "*") {
		return Named{q.Type, q.Type, 8}, nil
	}
	t, err := lookup(types, q.Type)
	if err != nil || t == nil {
		return nil, err
	}
	size, err := btf.Sizeof(t)
	if err != nil {
		size = 0 // a struct that is declared only
	}
	return Named{q.Type, spell(btf.UnderlyingType(t)), size}, nil
}

// lookup finds a type by its name in C; nil: there is none.
func lookup(types *btf.Spec, name string) (btf.Type, error) {
	name = strings.Join(slices.DeleteFunc(strings.Fields(name), func(word string) bool {
		return word == "const" || word == "volatile"
	}), " ")
	fits := func(t btf.Type) bool {
		switch t.(type) {
		case *btf.Int, *btf.Float, *btf.Typedef:
			return true
		}
		return false
	}
	key := name
	switch kind, rest, _ := strings.Cut(name, " "); {
	case kind == "struct" && rest != "":
		key, fits = rest, func(t btf.Type) bool { _, ok := t.(*btf.Struct); return ok }
	case kind == "union" && rest != "":
		key, fits = rest, func(t btf.Type) bool { _, ok := t.(*btf.Union); return ok }
	case kind == "enum" && rest != "":
		key, fits = rest, func(t btf.Type) bool { _, ok := t.(*btf.Enum); return ok }
	default:
		key = integer(name)
	}
	same, err := types.AnyTypesByName(key)
	if err != nil && !errors.Is(err, btf.ErrNotFound) {
		return nil, err
	}
	for _, t := range same {
		if fits(t) {
			return t, nil
		}
	}
	return nil, nil
}
