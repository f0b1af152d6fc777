// Package header is C headers: our own lbc.h, and the kernel's types printed from BTF, as much of
// them as a source needs.
package header

import (
	"bytes"
	"embed"
	"io/fs"
	"slices"
	"strings"

	"coolbpf/core/fault"
	"coolbpf/core/types"

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

// Header prints the types of one kernel.
type Header struct {
	raw     *types.Raw
	library []string
}

// New takes a kernel's BTF, and the texts that stand between the types and the source: a typedef that
// they name is printed though the source repeats it, as C allows.
func New(raw *types.Raw, library ...string) *Header { return &Header{raw, library} }

func malformed(cause error) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read BTF", Cause: cause}
}

// Needed prints what these texts (a source, all that it includes) need: the types that they name,
// with the members that they name at their exact offsets. Types that they define are left out.
func (h *Header) Needed(texts ...string) (string, error) {
	m := lex(texts, h.library...)
	wanted := func(kind types.Kind, name string, enumerator bool) bool {
		switch {
		case enumerator, kind == types.Typedef:
			return m.names[name]
		case declared(kind):
			return m.tags[name]
		}
		return false
	}
	var roots []types.ID
	names := h.raw.Among(m.names)
	names.Each(func(id types.ID, kind types.Kind, name []byte, enumerator bool) {
		if wanted(kind, string(name), enumerator) {
			roots = append(roots, id)
		}
	})
	// What is left of the kernel's types is parsed in a hundredth of the time.
	data, err := h.raw.Reduce(roots, names)
	if err != nil {
		return "", malformed(err)
	}
	some, err := types.New(data)
	if err != nil {
		return "", malformed(err)
	}
	return New(some).print(m, false, func(kind types.Kind, name []byte, enumerator bool) (root, whole bool) {
		return wanted(kind, string(name), enumerator), !enumerator && m.values[string(name)]
	})
}

// Whole prints every type that has a name, but those that the texts define.
func (h *Header) Whole(texts ...string) (string, error) {
	return h.all(lex(texts, h.library...))
}

// Unconditional is Whole with the types that the texts define inside of an #if, which may not hold.
func (h *Header) Unconditional(texts ...string) (string, error) {
	return h.all(strict(texts, h.library...))
}

// Conditional tells whether the texts define the name inside of an #if only.
func Conditional(name string, texts ...string) bool {
	m := strict(texts)
	return m.conditional[name] && !m.defined[name]
}

func (h *Header) all(m *mentions) (string, error) {
	// An enum without a name is found by its enumerators.
	return h.print(m, true, func(kind types.Kind, _ []byte, _ bool) (root, whole bool) { return declared(kind), true })
}

// print prints the types that are roots, and what they need.
func (h *Header) print(m *mentions, all bool, root func(types.Kind, []byte, bool) (root, whole bool)) (string, error) {
	spec, err := h.spec()
	if err != nil {
		return "", err
	}
	p := newPrinter(spec, m)
	p.whole = all
	h.raw.Each(func(id types.ID, kind types.Kind, name []byte, enumerator bool) {
		if root, whole := root(kind, name, enumerator); root {
			p.root(btf.TypeID(id), whole)
		}
	})
	return p.text()
}

func (h *Header) spec() (*btf.Spec, error) {
	err := h.raw.Check()
	if err != nil {
		return nil, malformed(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(h.raw.Data))
	if err != nil {
		return nil, malformed(err)
	}
	return spec, nil
}

// declared tells whether a declaration of C makes a type of that kind.
func declared(kind types.Kind) bool {
	return slices.Contains([]types.Kind{types.Struct, types.Union, types.Enum, types.Enum64, types.Typedef}, kind)
}

// ClosestType is the name of the struct, union, enum or typedef that is nearest to name, or "".
func (h *Header) ClosestType(name string) string {
	return h.closest(name, func(kind types.Kind, enumerator bool) bool { return !enumerator && declared(kind) })
}

// ClosestName is the enumerator or typedef that is nearest to name, or "".
func (h *Header) ClosestName(name string) string {
	return h.closest(name, func(kind types.Kind, enumerator bool) bool { return enumerator || kind == types.Typedef })
}

func (h *Header) closest(name string, wanted func(kind types.Kind, enumerator bool) bool) string {
	return fault.Closest(name, func(yield func(string) bool) {
		more := true
		h.raw.Each(func(_ types.ID, kind types.Kind, found []byte, enumerator bool) {
			if more && wanted(kind, enumerator) {
				more = yield(string(found))
			}
		})
	})
}

// ClosestField is the member of struct or union of that is nearest to name, or "".
func (h *Header) ClosestField(of, name string) string {
	spec, err := h.spec()
	if err != nil {
		return ""
	}
	named, err := spec.AnyTypesByName(strings.TrimSpace(of))
	if err != nil {
		return ""
	}
	return fault.Closest(name, func(yield func(string) bool) {
		for _, t := range named {
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
