// Package header is C headers: our own lbc.h, and the kernel's types printed from BTF, as much of
// them as a source needs.
package header

import (
	"embed"
	"io/fs"
	"strings"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf/btf"
)

//go:embed include
var files embed.FS

// Files are the headers that are our own, by the name that a source includes.
func Files() map[string]string {
	all := map[string]string{}
	root, _ := fs.Sub(files, "include")
	fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, path)
		all[path] = string(text)
		return err
	})
	return all
}

// Header prints the types of one kernel. It is not safe for concurrent use.
type Header struct {
	// Library are the texts that stand between the types and the source. A typedef that they name is
	// printed though the source repeats it, as C allows.
	Library []string

	raw  *raw
	spec *btf.Spec
}

// New takes a kernel's BTF, raw and parsed.
func New(data []byte, spec *btf.Spec) (*Header, error) {
	r, err := newRaw(data)
	if err != nil {
		return nil, malformed(err)
	}
	return &Header{raw: r, spec: spec}, nil
}

func malformed(cause error) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read BTF", Cause: cause}
}

// Needed prints what these texts (a source, all that it includes) need: the types that they name,
// with the members that they name at their exact offsets. Types that they define are left out.
func (h *Header) Needed(texts ...string) (string, error) {
	p := newPrinter(h, lex(texts, h.Library...))
	err := h.raw.walk(func(id btf.TypeID, kind uint32, name []byte, enumerator bool) {
		m := p.mentions
		switch {
		case enumerator:
			if m.names[string(name)] {
				p.root(id, false)
			}
		case kind == kindTypedef && m.names[string(name)],
			(kind == kindStruct || kind == kindUnion || kind == kindEnum || kind == kindEnum64) && m.tags[string(name)]:
			p.root(id, m.values[string(name)])
		}
	})
	return p.text(err)
}

// Whole prints every type that has a name, but those that the texts define.
func (h *Header) Whole(texts ...string) (string, error) {
	return h.all(lex(texts, h.Library...))
}

// Unconditional is Whole with the types that the texts define inside of an #if, which may not hold.
func (h *Header) Unconditional(texts ...string) (string, error) {
	return h.all(strict(texts, h.Library...))
}

// Conditional tells whether the texts define the name inside of an #if only.
func Conditional(name string, texts ...string) bool {
	m := strict(texts)
	return m.conditional[name] && !m.defined[name]
}

func (h *Header) all(m *mentions) (string, error) {
	p := newPrinter(h, m)
	p.whole = true
	err := h.raw.walk(func(id btf.TypeID, kind uint32, name []byte, enumerator bool) {
		switch kind {
		case kindStruct, kindUnion, kindEnum, kindEnum64, kindTypedef:
			p.root(id, true)
		}
	})
	return p.text(err)
}

// ClosestType is the name of the struct, union, enum or typedef that is nearest to name, or "".
func (h *Header) ClosestType(name string) string {
	return h.closest(name, func(kind uint32, enumerator bool) bool {
		return !enumerator && (kind == kindStruct || kind == kindUnion || kind == kindEnum || kind == kindEnum64 || kind == kindTypedef)
	})
}

// ClosestName is the enumerator or typedef that is nearest to name, or "".
func (h *Header) ClosestName(name string) string {
	return h.closest(name, func(kind uint32, enumerator bool) bool { return enumerator || kind == kindTypedef })
}

func (h *Header) closest(name string, wanted func(kind uint32, enumerator bool) bool) string {
	return fault.Closest(name, func(yield func(string) bool) {
		more := true
		h.raw.walk(func(_ btf.TypeID, kind uint32, found []byte, enumerator bool) {
			if more && wanted(kind, enumerator) {
				more = yield(string(found))
			}
		})
	})
}

// ClosestField is the member of struct or union of that is nearest to name, or "".
func (h *Header) ClosestField(of, name string) string {
	types, err := h.spec.AnyTypesByName(strings.TrimSpace(of))
	if err != nil {
		return ""
	}
	return fault.Closest(name, func(yield func(string) bool) {
		for _, t := range types {
			if !eachMember(t, yield) {
				return
			}
		}
	})
}

// eachMember yields the names of all members, those of anonymous members included.
func eachMember(t btf.Type, yield func(string) bool) bool {
	for _, m := range members(t) {
		if m.Name == "" {
			if !eachMember(btf.UnderlyingType(m.Type), yield) {
				return false
			}
		} else if !yield(m.Name) {
			return false
		}
	}
	return true
}

func members(t btf.Type) []btf.Member {
	switch v := t.(type) {
	case *btf.Struct:
		return v.Members
	case *btf.Union:
		return v.Members
	}
	return nil
}
