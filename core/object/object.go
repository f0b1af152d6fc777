// Package object knows what a BPF object contains: programs and where they attach, maps, and the C
// types of what the maps hold. It is pure: the same bytes give the same answer on any machine.
package object

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
)

// Object is a parsed BPF ELF. Its JSON is what lcc_describe documents.
type Object struct {
	Spec     *ebpf.CollectionSpec `json:"-"`
	Programs []Program            `json:"programs"`
	Maps     []Map                `json:"maps"`
	Types    []Type               `json:"types"`
	Prints   []string             `json:"prints"` // what bpf_printk may be called with; nil: it is not called

	// Relocated are the names, without flavours, of the types by whose layout in the kernel instructions are
	// adapted (CO-RE). It is nil where other types may be asked for.
	Relocated map[string]bool `json:"-"`

	optional map[string]bool // weak variables that stand for options of the kernel
}

// Parse reads an object file. old is what the NAME.so of an old compile server says of its maps, or "".
func Parse(elf []byte, old string) (object *Object, err error) {
	// The ELF may come from anywhere, and the parser below is not ours.
	defer func() {
		if p := recover(); p != nil {
			object, err = nil, invalid(fmt.Errorf("malformed: %v", p))
		}
	}()
	elf, optional := strong(elf)
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(elf))
	if err != nil {
		return nil, invalid(err)
	}
	if err := tell(spec, old); err != nil {
		return nil, invalid(err)
	}
	if len(spec.Programs) == 0 {
		return nil, invalid(errors.New("it has no program: no function is marked with SEC(\"kprobe/...\") or the like"))
	}
	o := &Object{Spec: spec, Maps: []Map{}, Types: []Type{}, Prints: prints(spec), optional: optional}
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		if err := known(spec.Programs[name]); err != nil {
			return nil, err
		}
		o.Programs = append(o.Programs, newProgram(spec.Programs[name]))
		if strings.HasPrefix(spec.Programs[name].SectionName, "?") {
			delete(spec.Programs, name) // not to be loaded, by libbpf's convention
		}
	}
	o.Relocated = relocated(elf, spec.Types)
	types := typeTable{seen: map[any]int{}}
	for _, name := range slices.Sorted(maps.Keys(spec.Maps)) {
		if name == Rings {
			spec.Maps[name].Flags |= mmapable
			continue
		}
		o.Maps = append(o.Maps, newMap(spec.Maps[name], spec, &types))
	}
	o.Types = append(o.Types, types.list...)
	return o, nil
}

func invalid(cause error) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read BPF object", Cause: cause}
}
