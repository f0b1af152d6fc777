// Package session is one loaded object and all that was opened from it.
package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"coolbpf/core/attach"
	"coolbpf/core/events"
	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/object"
	"coolbpf/core/symbols"
	"coolbpf/core/tables"

	"github.com/cilium/ebpf"
)

// Options say how an object is loaded.
type Options struct {
	Attach   bool   // attach programs whose section names a target
	LogLevel uint32 // verifier log level to ask for even on success
	BTF      string // file with the kernel's BTF; "": where this kernel provides it
	Path     string // ":"-separated directories, searched for a program that a uprobe names
}

// Session is a live object. Its methods may be called from any goroutine.
type Session struct {
	mu         sync.RWMutex // held for writing by Close, which waits for calls under way, and by Attach
	closed     bool
	kernel     *kernel.Facts
	object     *object.Object
	collection *ebpf.Collection
	links      map[string][]io.Closer // by program
	readers    map[int]*events.Reader
	opening    sync.Mutex // guards readers
	symbols    symbols.Book
	path       string // of programs
}

// Load creates maps, loads programs and attaches them.
func Load(data []byte, opts Options) (*Session, error) {
	facts, err := kernel.This()
	if err != nil {
		return nil, err
	}
	parsed, _, meta, err := read(data)
	if err != nil {
		return nil, err
	}
	if meta.Arch != "" && meta.Arch != facts.Arch {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "load BPF object", Cause: fmt.Errorf("it was compiled for %s, this is %s", meta.Arch, facts.Arch)}
	}
	if err := facts.Privilege(); err != nil {
		return nil, err
	}
	s := &Session{kernel: facts, object: parsed, links: map[string][]io.Closer{}, readers: map[int]*events.Reader{}, path: opts.Path}
	if s.collection, err = create(facts, parsed, opts); err != nil {
		return nil, err
	}
	if opts.Attach {
		if err := s.attachAll(); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Session) attachAll() error {
	for _, p := range s.object.Programs {
		if p.Hook == "" {
			continue
		}
		if err := s.attach(p.Name, attach.Section(p.Hook, p.Target)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) attach(program string, target attach.Target) error {
	env := attach.Env{Kernel: s.kernel, Symbols: &s.symbols, Path: s.path, AttachType: s.object.Spec.Programs[program].AttachType}
	l, err := attach.Attach(s.collection.Programs[program], target, env)
	if err == nil {
		s.links[program] = append(s.links[program], l)
	}
	return err
}

// Attach attaches a program to a target, which its section need not name. A program may have
// several.
func (s *Session) Attach(program string, target attach.Target) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if s.collection.Programs[program] == nil {
		f := &fault.Error{Kind: fault.Invalid, Op: "attach program", Subject: program, Cause: errors.New("the object has none of that name")}
		f.Hint = "it has " + strings.Join(slices.Sorted(maps.Keys(s.collection.Programs)), ", ")
		return f
	}
	return s.attach(program, target)
}

var errClosed = &fault.Error{Kind: fault.Closed, Op: "use session", Cause: errors.New("it was closed")}

// Describe is the object as JSON, in the form that lcc.h documents.
func (s *Session) Describe() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	type program struct {
		object.Program
		Attached bool `json:"attached"`
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, &fault.Error{Kind: fault.System, Op: "count CPUs", Cause: err}
	}
	programs, log := []program{}, strings.Builder{}
	for _, p := range s.object.Programs {
		programs = append(programs, program{p, len(s.links[p.Name]) > 0})
		if live := s.collection.Programs[p.Name]; live != nil && live.VerifierLog != "" {
			fmt.Fprintf(&log, "%s:\n%s\n", p.Name, live.VerifierLog)
		}
	}
	return json.Marshal(map[string]any{"programs": programs, "maps": s.object.Maps, "types": s.object.Types, "prints": s.object.Prints,
		"log": log.String(), "possible_cpus": cpus})
}

// live returns the map of a number, which stays open until unlock is called.
func (s *Session) live(index int) (m *ebpf.Map, name string, unlock func(), err error) {
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return nil, "", nil, errClosed
	}
	if index < 0 || index >= len(s.object.Maps) {
		s.mu.RUnlock()
		return nil, "", nil, &fault.Error{Kind: fault.Invalid, Op: "use map", Subject: fmt.Sprint(index), Cause: errors.New("no such map")}
	}
	name = s.object.Maps[index].Name
	return s.collection.Maps[name], name, s.mu.RUnlock, nil
}

// UseTable calls use with a map; the map stays open until it returns.
func (s *Session) UseTable(index int, use func(*tables.Table) error) error {
	m, name, unlock, err := s.live(index)
	if err != nil {
		return err
	}
	defer unlock()
	t, err := tables.New(name, m)
	if err != nil {
		return err
	}
	return use(t)
}

// FD is the file descriptor of the map or program of a name.
func (s *Session) FD(name string) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return 0, errClosed
	case s.collection.Maps[name] != nil:
		return s.collection.Maps[name].FD(), nil
	case s.collection.Programs[name] != nil:
		return s.collection.Programs[name].FD(), nil
	}
	return 0, &fault.Error{Kind: fault.Invalid, Op: "use", Subject: name, Cause: errors.New("the object has no map or program of that name")}
}

// OpenEvents opens the rings of a perf event array, or a ring buffer.
func (s *Session) OpenEvents(index, ringSize int) (*events.Reader, error) {
	m, name, unlock, err := s.live(index)
	if err != nil {
		return nil, err
	}
	defer unlock()
	s.opening.Lock()
	defer s.opening.Unlock()
	if r := s.readers[index]; r != nil {
		if !r.Closed() {
			return nil, &fault.Error{Kind: fault.Invalid, Op: "open perf buffer", Subject: name, Cause: errors.New("it is open already")}
		}
		r.Close() // who closes it may not yet have taken its rings out of the map: this waits
	}
	o := events.Options{RingSize: ringSize}
	if offset := s.object.Maps[index].Ring; offset != nil && s.collection.Maps[object.Rings] != nil {
		o.Control, o.Offset = s.collection.Maps[object.Rings], *offset
	}
	r, err := events.Open(name, m, o)
	if err == nil {
		s.readers[index] = r
	}
	return r, err
}

// Symbols is the book that attaching reads.
func (s *Session) Symbols() *symbols.Book {
	return &s.symbols
}

// Close closes readers, links, programs and maps, in this order, after the calls under way.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, r := range s.readers {
		errs = append(errs, r.Close())
	}
	for _, links := range s.links {
		for _, l := range links {
			errs = append(errs, l.Close())
		}
	}
	s.collection.Close()
	errs = append(errs, s.symbols.Close())
	if err := errors.Join(errs...); err != nil {
		return &fault.Error{Kind: fault.System, Op: "close session", Cause: err}
	}
	return nil
}
