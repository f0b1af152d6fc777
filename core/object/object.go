// Package object knows what a BPF object contains: programs and where they attach, maps, and the C
// types of what the maps hold. It is pure: the same bytes give the same answer on any machine.
package object

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
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
}

// Parse reads an object file.
func Parse(elf []byte) (object *Object, err error) {
	// The ELF may come from anywhere, and the parser below is not ours.
	defer func() {
		if p := recover(); p != nil {
			object, err = nil, invalid(fmt.Errorf("malformed: %v", p))
		}
	}()
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(elf))
	if err != nil {
		return nil, invalid(err)
	}
	if len(spec.Programs) == 0 {
		return nil, invalid(errors.New("it has no program"))
	}
	o := &Object{Spec: spec, Maps: []Map{}, Types: []Type{}}
	for _, program := range spec.Programs {
		o.Programs = append(o.Programs, newProgram(program))
	}
	sort.Slice(o.Programs, func(i, j int) bool { return o.Programs[i].Name < o.Programs[j].Name })
	types := typeTable{seen: map[any]int{}}
	for name, m := range spec.Maps {
		if strings.HasPrefix(name, ".") {
			continue // global variables
		}
		described, err := newMap(m, &types)
		if err != nil {
			return nil, invalid(fmt.Errorf("map %s: %w", name, err))
		}
		o.Maps = append(o.Maps, described)
	}
	sort.Slice(o.Maps, func(i, j int) bool { return o.Maps[i].Name < o.Maps[j].Name })
	o.Types = append(o.Types, types.list...)
	return o, nil
}

func invalid(cause error) error {
	return &fault.Error{Kind: fault.Invalid, Op: "read BPF object", Cause: cause}
}
