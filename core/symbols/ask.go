package symbols

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"coolbpf/core/fault"
)

// Space says whose addresses are meant. Its JSON is what lcc.h documents.
type Space struct {
	Of     string // "kernel", "process", "jit": what the runtime of a process made, "file"
	PID    int    // of the process, 0 this one; file: see Where
	Binary string // file: path or name
	Path   string // file: see Where
}

// Found is a function.
type Found struct {
	Name    string `json:"name"`
	Module  string `json:"module"` // kernel
	Kind    string `json:"kind"`   // kernel: the letter in kallsyms
	Address uint64 `json:"address"`
	Size    uint64 `json:"size"`
	Path    string `json:"path"`   // file
	Offset  uint64 `json:"offset"` // file: where its code lies in it
	Text    uint64 `json:"text"`   // file: where its code begins
}

// At says what lies at addresses; of a file they are those of its symbol table.
func (b *Book) At(space Space, addresses []uint64) ([]Place, error) {
	switch space = space.own(); space.Of {
	case "kernel":
		kernel, err := b.KernelAt(addresses...)
		if err != nil {
			return nil, err
		}
		return each(addresses, kernel.Place), nil
	case "process":
		return b.Places(space.PID, addresses)
	case "jit":
		table, err := b.JIT(space.PID)
		if err != nil {
			return nil, err
		}
		return each(addresses, table.place), nil
	case "file":
		binary, err := b.Binary(space.Binary, Where{space.PID, space.Path})
		if err != nil {
			return nil, err
		}
		return each(addresses, binary.place), nil
	}
	return nil, space.unknown()
}

func each(addresses []uint64, at func(uint64) Place) []Place {
	places := make([]Place, len(addresses))
	for i, address := range addresses {
		places[i] = at(address)
	}
	return places
}

func (t *Table) place(address uint64) Place {
	f, ok := t.At(address)
	if !ok {
		return Place{}
	}
	return Place{Name: pretty(f.Name), Offset: address - f.Address}
}

// Find finds a function by its name; of a file, "" finds the file alone.
func (b *Book) Find(space Space, name string) (Found, error) {
	switch space = space.own(); space.Of {
	case "kernel":
		kernel, err := b.Kernel()
		if err != nil {
			return Found{}, err
		}
		return kernel.find(name)
	case "jit":
		table, err := b.JIT(space.PID)
		if err != nil {
			return Found{}, err
		}
		return table.find(name, space.PID)
	case "file":
		binary, err := b.Binary(space.Binary, Where{space.PID, space.Path})
		if err != nil {
			return Found{}, err
		}
		return binary.found(name)
	}
	return Found{}, space.unknown()
}

func (t *Table) find(name string, pid int) (Found, error) {
	// Of several the last one made is in use, as far as one can tell.
	found := t.named(func(n string) bool { return n == name })
	if len(found) == 0 {
		f := &fault.Error{Kind: fault.Invalid, Op: "find function", Subject: name, Cause: fmt.Errorf("the perf map of process %d lacks it", pid)}
		if closest := fault.Closest(name, t.names()); closest != "" {
			f.Hint = "closest: " + closest
		}
		if t.cut {
			f.Hint = fmt.Sprintf("only its first %d MiB, or %d functions, were read", mostMap>>20, mostMade)
		}
		return Found{}, f
	}
	last := slices.MaxFunc(found, func(a, b Function) int { return cmp.Compare(a.made, b.made) })
	return Found{Name: name, Address: last.Address, Size: last.Size}, nil
}

func (b *Binary) found(name string) (Found, error) {
	found := Found{Path: b.Path, Text: b.Text()}
	if name == "" {
		return found, nil
	}
	f, err := b.Resolve(name)
	if err != nil {
		return Found{}, err
	}
	found.Name, found.Address, found.Size = f.Name, f.Address, f.Size
	found.Offset, err = b.CodeOffset(f)
	return found, err
}

// own names this process by its number.
func (s Space) own() Space {
	if s.PID == 0 {
		s.PID = os.Getpid()
	}
	return s
}

func (s Space) unknown() error {
	return &fault.Error{Kind: fault.Invalid, Op: "look up symbols of", Subject: s.Of, Cause: errors.New("this is not possible")}
}
