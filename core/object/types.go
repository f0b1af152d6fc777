package object

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Map is a map as its declaration describes it. Key and Value are indexes into Object.Types.
type Map struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
	PerCPU     bool   `json:"per_cpu"`
	Key        *int   `json:"key"`
	Value      *int   `json:"value"`

	Ring *uint32 `json:"-"` // where the __lbc_ring of an LBC_RINGBUF lies in the map Rings
}

// Rings is the map that lbc.h makes where there are such ring buffers. It is no user's.
const Rings = ".data.lbc"

const mmapable = 1 << 10 // BPF_F_MMAPABLE

func newMap(spec *ebpf.MapSpec, all *ebpf.CollectionSpec, types *typeTable) Map {
	if spec.Type == ebpf.PerfEventArray {
		// The declared value is the type of a record; the kernel's own value is a file descriptor.
		// One slot for each possible CPU, whatever the program says.
		spec.KeySize, spec.ValueSize, spec.MaxEntries = 4, 4, 0
	}
	ring := newRing(spec, all.Variables)
	m := Map{Name: spec.Name, Type: kernelName(spec.Type.String()), KeySize: spec.KeySize, ValueSize: spec.ValueSize,
		MaxEntries: spec.MaxEntries, Ring: ring}
	switch spec.Type {
	case ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash, ebpf.PerCPUCGroupStorage:
		m.PerCPU = true
	}
	key, value := spec.Key, spec.Value
	if pair := (*btf.Struct)(nil); key == nil && value == nil && all.Types != nil &&
		all.Types.TypeByName("____btf_map_"+spec.Name, &pair) == nil && len(pair.Members) == 2 {
		key, value = pair.Members[0].Type, pair.Members[1].Type // BPF_ANNOTATE_KV_PAIR of old
	}
	m.Key, m.Value = types.optional(key), types.optional(value)
	return m
}

// newRing takes from the declaration of a ring buffer what is not for the kernel: that of an LBC_RINGBUF
// has a key of the type of a variable of its own.
func newRing(spec *ebpf.MapSpec, variables map[string]*ebpf.VariableSpec) *uint32 {
	if spec.Type != ebpf.RingBuf || spec.Key == nil {
		return nil
	}
	name := spec.Key.TypeName()
	spec.Key, spec.KeySize = nil, 0
	if v := variables[name]; name == "__lbc_ring_"+spec.Name && v != nil && v.SectionName == Rings {
		return &v.Offset
	}
	return nil
}

// Type is a C type, reduced to what decoding needs. Kind says which of the other fields count.
type Type struct {
	Kind    string         `json:"kind"`
	Name    string         `json:"name"`
	Size    int            `json:"size"`
	Typedef bool           `json:"typedef,omitempty"` // Name is that of a typedef
	Signed  bool           `json:"signed,omitempty"`
	Char    bool           `json:"char,omitempty"`
	Bool    bool           `json:"bool,omitempty"`
	Element int            `json:"element"`
	Count   int            `json:"count"`
	Values  map[string]any `json:"values"`
	Members []Member       `json:"members"`
}

// Member is a member of a struct or union.
type Member struct {
	Name      string `json:"name"`
	Type      int    `json:"type"`
	BitOffset int    `json:"bit_offset"`
	BitSize   int    `json:"bit_size"`
}

type typeTable struct {
	list []Type
	seen map[any]int
}

func (t *typeTable) optional(typ btf.Type) *int {
	if typ == nil {
		return nil
	}
	if _, ok := typ.(*btf.Void); ok {
		return nil
	}
	i := t.index(typ, 0)
	return &i
}

// deepest is how far types are followed: those of damaged BTF may have no end.
const deepest = 32

// index describes a type, once, and returns its place in the list.
func (t *typeTable) index(typ btf.Type, depth int) int {
	if i, ok := t.seen[typ]; ok {
		return i
	}
	if depth > deepest {
		return t.unknown()
	}
	i := len(t.list)
	t.seen[typ] = i
	t.list = append(t.list, Type{})
	described := t.describe(typ, depth+1)
	t.list[i] = described
	return i
}

// unknown is the place of a type of which nothing can be said.
func (t *typeTable) unknown() int {
	type none struct{}
	if i, ok := t.seen[none{}]; ok {
		return i
	}
	t.seen[none{}] = len(t.list)
	t.list = append(t.list, Type{Kind: "unknown"})
	return len(t.list) - 1
}

// describe never fails: of what has no value, such as a type that is only declared, the kind is
// unknown.
func (t *typeTable) describe(typ btf.Type, depth int) Type {
	typ = unqualified(typ)
	d := Type{Kind: "unknown", Name: typ.TypeName()}
	_, d.Typedef = typ.(*btf.Typedef)
	typ = btf.UnderlyingType(typ)
	size, err := btf.Sizeof(typ)
	if err != nil {
		return d
	}
	d.Size = size
	switch v := typ.(type) {
	case *btf.Int:
		d.Kind, d.Signed = "int", v.Encoding == btf.Signed
		d.Char = v.Encoding == btf.Char || v.Name == "char"
		d.Bool = v.Encoding == btf.Bool
	case *btf.Enum:
		d.Kind, d.Signed, d.Values = "enum", v.Signed, map[string]any{}
		for _, value := range v.Values {
			d.Values[value.Name] = value.Value
			if v.Signed {
				d.Values[value.Name] = int64(value.Value)
			}
		}
	case *btf.Float:
		if size == 4 || size == 8 {
			d.Kind = "float"
		}
	case *btf.Pointer:
		d.Kind, d.Name = "pointer", pointerName(v)
	case *btf.Array:
		d.Kind, d.Count, d.Element = "array", int(v.Nelems), t.index(v.Type, depth)
	case *btf.Struct:
		d.Kind, d.Members = "struct", t.members(v.Members, v.Size, depth)
	case *btf.Union:
		d.Kind, d.Members = "union", t.members(v.Members, v.Size, depth)
	case *btf.Datasec: // global variables
		d.Kind, d.Name = "struct", "globals"
		for _, variable := range v.Vars {
			if global, ok := variable.Type.(*btf.Var); ok {
				d.Members = append(d.Members, Member{global.Name, t.index(global.Type, depth), int(variable.Offset) * 8, 0})
			}
		}
	}
	return d
}

func unqualified(t btf.Type) btf.Type {
	for range deepest {
		switch v := t.(type) {
		case *btf.Const:
			t = v.Type
		case *btf.Volatile:
			t = v.Type
		case *btf.Restrict:
			t = v.Type
		default:
			return t
		}
	}
	return t
}

// members describes those of a struct or union of a size in bytes. One that ends outside of it is unknown.
func (t *typeTable) members(list []btf.Member, size uint32, depth int) []Member {
	out := make([]Member, 0, len(list))
	for _, m := range list {
		i, bits := t.index(m.Type, depth), uint64(m.BitfieldSize)
		if size, err := btf.Sizeof(m.Type); bits == 0 && err == nil { // a flexible array has none
			bits = 8 * uint64(size)
		}
		if uint64(m.Offset)+bits > 8*uint64(size) {
			i = t.unknown()
		}
		out = append(out, Member{m.Name, i, int(m.Offset), int(m.BitfieldSize)})
	}
	return out
}

// pointerName writes a pointer's type as C does, as far as a reader needs it.
func pointerName(p *btf.Pointer) string {
	stars, target := "*", p.Target
	for range deepest {
		switch v := target.(type) {
		case *btf.Pointer:
			stars, target = stars+"*", v.Target
		case *btf.Const:
			target = v.Type
		case *btf.Volatile:
			target = v.Type
		case *btf.Struct:
			return "struct " + v.Name + " " + stars
		case *btf.Union:
			return "union " + v.Name + " " + stars
		case *btf.Enum:
			return "enum " + v.Name + " " + stars
		case *btf.Fwd:
			return v.Kind.String() + " " + v.Name + " " + stars
		default:
			if name := target.TypeName(); name != "" {
				return name + " " + stars
			}
			return "void " + stars
		}
	}
	return "void *"
}
