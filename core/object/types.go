package object

import (
	"fmt"

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
}

func newMap(spec *ebpf.MapSpec, types *typeTable) (Map, error) {
	if spec.Type == ebpf.PerfEventArray {
		// The declared value is the type of a record; the kernel's own value is a file descriptor.
		// One slot for each possible CPU, whatever the program says.
		spec.KeySize, spec.ValueSize, spec.MaxEntries = 4, 4, 0
	}
	m := Map{Name: spec.Name, Type: kernelName(spec.Type.String()), KeySize: spec.KeySize, ValueSize: spec.ValueSize,
		MaxEntries: spec.MaxEntries}
	switch spec.Type {
	case ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUCPUHash:
		m.PerCPU = true
	}
	var err error
	if m.Key, err = types.optional(spec.Key); err == nil {
		m.Value, err = types.optional(spec.Value)
	}
	return m, err
}

// Type is a C type, reduced to what decoding needs. Kind says which of the other fields count.
type Type struct {
	Kind    string           `json:"kind"`
	Name    string           `json:"name"`
	Size    int              `json:"size"`
	Signed  bool             `json:"signed,omitempty"`
	Char    bool             `json:"char,omitempty"`
	Bool    bool             `json:"bool,omitempty"`
	Element int              `json:"element"`
	Count   int              `json:"count"`
	Values  map[string]int64 `json:"values"`
	Members []Member         `json:"members"`
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

func (t *typeTable) optional(typ btf.Type) (*int, error) {
	if typ == nil {
		return nil, nil
	}
	if _, ok := typ.(*btf.Void); ok {
		return nil, nil
	}
	i, err := t.index(typ)
	return &i, err
}

// index describes a type, once, and returns its place in the list.
func (t *typeTable) index(typ btf.Type) (int, error) {
	if i, ok := t.seen[typ]; ok {
		return i, nil
	}
	i := len(t.list)
	t.seen[typ] = i
	t.list = append(t.list, Type{})
	described, err := t.describe(typ)
	t.list[i] = described
	return i, err
}

func (t *typeTable) describe(typ btf.Type) (Type, error) {
	name := typ.TypeName()
	typ = btf.UnderlyingType(typ)
	size, err := btf.Sizeof(typ)
	if err != nil {
		return Type{}, err
	}
	d := Type{Name: name, Size: size}
	switch v := typ.(type) {
	case *btf.Int:
		d.Kind, d.Signed = "int", v.Encoding == btf.Signed
		d.Char = v.Encoding == btf.Char || v.Name == "char"
		d.Bool = v.Encoding == btf.Bool
	case *btf.Enum:
		d.Kind, d.Signed, d.Values = "enum", v.Signed, map[string]int64{}
		for _, value := range v.Values {
			d.Values[value.Name] = int64(value.Value)
		}
	case *btf.Float:
		d.Kind = "float"
	case *btf.Pointer:
		d.Kind, d.Name = "pointer", pointerName(v)
	case *btf.Array:
		d.Kind, d.Count = "array", int(v.Nelems)
		d.Element, err = t.index(v.Type)
	case *btf.Struct:
		d.Kind = "struct"
		d.Members, err = t.members(v.Members)
	case *btf.Union:
		d.Kind = "union"
		d.Members, err = t.members(v.Members)
	default:
		return Type{}, fmt.Errorf("a %T has no value", v)
	}
	return d, err
}

func (t *typeTable) members(list []btf.Member) ([]Member, error) {
	out := make([]Member, 0, len(list))
	for _, m := range list {
		i, err := t.index(m.Type)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", m.Name, err)
		}
		out = append(out, Member{m.Name, i, int(m.Offset), int(m.BitfieldSize)})
	}
	return out, nil
}

// pointerName writes a pointer's type as C does, as far as a reader needs it.
func pointerName(p *btf.Pointer) string {
	target := p.Target
	for {
		switch v := target.(type) {
		case *btf.Pointer:
			return pointerName(v) + "*"
		case *btf.Const:
			target = v.Type
			continue
		case *btf.Volatile:
			target = v.Type
			continue
		case *btf.Struct:
			return "struct " + v.Name + " *"
		case *btf.Union:
			return "union " + v.Name + " *"
		case *btf.Enum:
			return "enum " + v.Name + " *"
		case *btf.Fwd:
			return v.Kind.String() + " " + v.Name + " *"
		case *btf.Void:
			return "void *"
		}
		if name := target.TypeName(); name != "" {
			return name + " *"
		}
		return "void *"
	}
}
