package object

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// oldType is a C type as the compile servers of old described it: a struct with cells, which are
// scalars, or a scalar. Arrays of both have one dimension.
type oldType struct {
	Type   string    `json:"type"`
	Member string    `json:"member"`
	Array  int       `json:"array"` // elements, 0: it is none
	Offset int       `json:"offset"`
	Size   int       `json:"size"` // of an element
	Cells  []oldType `json:"cells"`
}

// maxOldSize bounds what a description may claim; no map has larger values.
const maxOldSize = 1 << 20

// tell gives the maps the types of keys and values that an old NAME.so has apart from the object.
// A type that makes no sense stays unknown: the object itself is as good as before.
func tell(spec *ebpf.CollectionSpec, old string) error {
	if old == "" {
		return nil
	}
	var described struct {
		Maps map[string]struct {
			Type  string   `json:"type"`
			Key   *oldType `json:"ktype"`
			Value *oldType `json:"vtype"`
		}
	}
	if err := json.Unmarshal([]byte(old), &described); err != nil {
		return fmt.Errorf("its description of the maps: %w", err)
	}
	for name, d := range described.Maps {
		m := spec.Maps[name]
		if m == nil {
			continue
		}
		if d.Type == "hist2" || d.Type == "hist10" {
			m.Key = &btf.Typedef{Name: "__lbc_" + d.Type, Type: signed(4)} // as lbc.h marks them
		} else if m.Key == nil {
			m.Key = d.Key.btf(m.KeySize)
		}
		if m.Type == ebpf.PerfEventArray && m.Value == nil && d.Value != nil {
			m.Value = d.Value.btf(uint32(d.Value.total()))
		} else if m.Value == nil {
			m.Value = d.Value.btf(m.ValueSize)
		}
	}
	return nil
}

func (o *oldType) total() int { return o.Size * max(o.Array, 1) }

// btf is the type, or nil where it is not one of that size.
func (o *oldType) btf(size uint32) btf.Type {
	if o == nil {
		return nil
	}
	if o.Cells == nil && o.Array == 0 {
		o.Size = int(size) // for a while the servers took u8 for two bytes
	}
	if o.Size <= 0 || o.Size > maxOldSize || o.Array < 0 || o.Array > maxOldSize/o.Size || o.total() != int(size) {
		return nil
	}
	t := o.element()
	if t != nil && o.Array > 0 {
		return &btf.Array{Index: signed(4), Type: t, Nelems: uint32(o.Array)}
	}
	return t
}

func (o *oldType) element() btf.Type {
	if o.Cells == nil {
		return o.scalar()
	}
	s := &btf.Struct{Name: strings.TrimPrefix(o.Type, "struct "), Size: uint32(o.Size)}
	for i := range o.Cells {
		c := &o.Cells[i]
		t := c.btf(uint32(c.total()))
		if t == nil || c.Cells != nil || c.Offset < 0 || c.Offset > o.Size-c.total() {
			return nil
		}
		s.Members = append(s.Members, btf.Member{Name: c.Member, Type: t, Offset: btf.Bits(c.Offset * 8)})
	}
	return s
}

func (o *oldType) scalar() btf.Type {
	switch {
	case strings.HasSuffix(o.Type, "*"):
		return &btf.Pointer{Target: &btf.Void{}}
	case o.Type == "char":
		return &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}
	case o.Size > 8 || o.Size&(o.Size-1) != 0:
		return nil
	case strings.HasPrefix(o.Type, "u") || strings.HasPrefix(o.Type, "__u") || strings.Contains(o.Type, "unsigned"):
		return &btf.Int{Name: o.Type, Size: uint32(o.Size)}
	}
	t := signed(o.Size)
	t.Name = o.Type
	return t
}

func signed(size int) *btf.Int {
	return &btf.Int{Name: "int", Size: uint32(size), Encoding: btf.Signed}
}
