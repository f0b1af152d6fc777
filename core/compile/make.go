// Package compile makes a BPF object from C, or finds that the one in NAME.so will do.
package compile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"
	"coolbpf/core/kernel"
)

const maxArtefact = 64 << 20

// Request is what lcc_make takes; all but Name may be empty.
type Request struct {
	Name    string   `json:"name"`    // base name of NAME.so and NAME.bpf.c
	Source  *string  `json:"source"`  // C text; nil: NAME.bpf.c
	Env     string   `json:"env"`     // more compiler flags
	Arch    string   `json:"arch"`    // machine to compile for, as uname -m says it
	Release string   `json:"release"` // of the kernel whose types are used
	Work    string   `json:"work"`    // directory of the files
	Include []string `json:"include"` // directories of local headers, after Work
	Home    string   `json:"home"`    // directory of the bundled compiler and headers
	Clang   string   `json:"clang"`   // compiler to use instead of the bundled one
	Path    string   `json:"path"`    // directories to search for a clang where neither is there
	Temp    string   `json:"temp"`    // where private directories are made
	BTF     string   `json:"btf"`     // file with the kernel's types
	Bare    bool     `json:"bare"`    // make NAME.bpf.o, the mere object, instead
}

// Result is what lcc_make gives.
type Result struct {
	Artefact []byte
	Report   Report
}

// Report says where an artefact came from.
type Report struct {
	Path     string   `json:"path"`
	Action   string   `json:"action"`
	Header   string   `json:"header"`
	Compiler string   `json:"compiler"`
	Release  string   `json:"release"`
	Kept     bool     `json:"kept"`
	Warnings string   `json:"warnings"`
	Notes    []string `json:"notes"`
}

// kept is NAME.so as it was found.
type kept struct {
	bytes []byte
	meta  artefact.Meta
}

// Make returns the NAME.so that belongs to the source: the one that is there, or a new one. Where
// a compiler is at hand one that was built on another kernel release is built again, since sizes
// and enum values are baked in.
func Make(ctx context.Context, r Request) (*Result, error) {
	if err := r.complete(); err != nil {
		return nil, err
	}
	facts, err := kernel.This()
	if err != nil {
		return nil, err
	}
	if r.Arch == "" {
		r.Arch = facts.Arch
	}
	if err := knownArch(r.Arch); err != nil {
		return nil, err
	}
	notes := r.settle(facts)
	if r.Bare {
		return r.bare(ctx, notes)
	}
	old, unusable := r.read()
	j, err := newJob(r)
	if errors.Is(err, errNoSource) {
		return r.asItIs(old, unusable)
	}
	if err != nil {
		return nil, err
	}
	fits := unusable == nil && old.meta.Key == j.meta.Key
	if fits && builder(old.meta) == builder(j.meta) {
		return r.result("reused", old), nil
	}
	made, err := j.make(ctx)
	if err != nil && fits && !isCompileError(err) {
		// By CO-RE it still loads here.
		if errors.Is(err, errNoCompiler) {
			return r.result("reused", old), nil
		}
		return r.result("reused", old, "not built again for this kernel: "+err.Error()), nil
	}
	if err != nil {
		return nil, err
	}
	result := r.result("compiled", *made, notes...)
	if unusable != nil && !errors.Is(unusable, fs.ErrNotExist) && !errors.Is(unusable, artefact.ErrNotArtefact) {
		result.note(unusable.Error())
	}
	if err := artefact.Write(r.path(), made.bytes); err != nil {
		result.Report.Kept = false
		result.note(err.Error() + " (it runs, but is not kept: the next start compiles again)")
	}
	return result, nil
}

// settle decides on the kernel whose types are used: without its BTF at hand this machine's serve,
// since an object adapts to where it is loaded.
func (r *Request) settle(facts *kernel.Facts) (notes []string) {
	asked := r.Release
	if asked == "" || asked == facts.Release {
		r.Release = facts.Release
	} else if r.BTF == "" && !kernel.HasBTF(asked) {
		r.Release = facts.Release
		notes = []string{fmt.Sprintf("no BTF of kernel %s is here: compiled with the types of %s; offsets are adapted where it is loaded (CO-RE)",
			asked, facts.Release)}
	}
	return notes
}

// bare makes NAME.bpf.o, whatever is there.
func (r *Request) bare(ctx context.Context, notes []string) (*Result, error) {
	j, err := newJob(*r)
	if errors.Is(err, errNoSource) {
		return nil, &fault.Error{Kind: fault.Missing, Op: "read", Subject: r.sourcePath(), Cause: fs.ErrNotExist}
	}
	if err != nil {
		return nil, err
	}
	made, err := j.make(ctx)
	if err != nil {
		return nil, err
	}
	object, _, err := artefact.Decode(made.bytes)
	if err != nil {
		return nil, err
	}
	if err := artefact.Write(r.path(), object); err != nil {
		return nil, err
	}
	return r.result("compiled", kept{object, made.meta}, notes...), nil
}

// asItIs is NAME.so without a source to compare it with.
func (r *Request) asItIs(old kept, unusable error) (*Result, error) {
	if errors.Is(unusable, fs.ErrNotExist) {
		return nil, &fault.Error{Kind: fault.Missing, Op: "find a program", Subject: r.Name,
			Cause: fmt.Errorf("neither %s nor %s is there: %w", r.sourcePath(), r.path(), fs.ErrNotExist)}
	}
	if unusable != nil {
		return nil, unusable
	}
	if old.meta.Arch != "" && old.meta.Arch != r.Arch {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "use", Subject: r.path(),
			Cause: fmt.Errorf("it was compiled for %s, this is %s", old.meta.Arch, r.Arch),
			Hint:  "with its C source it is built again"}
	}
	return r.result("loaded", old), nil
}

func isCompileError(err error) bool {
	f := (*fault.Error)(nil)
	return errors.As(err, &f) && f.Kind == fault.Compile
}

// complete checks what the caller gave and makes its paths absolute.
func (r *Request) complete() error {
	name := strings.TrimSuffix(r.Name, ".bpf.c")
	problem := ""
	switch {
	case name == "":
		problem = "it is empty"
	case strings.ContainsRune(name, 0):
		problem = "it contains a NUL"
	case strings.Contains(name, "/"):
		problem = "it contains a /; the directory is an argument of its own (workPath)"
	case name == "." || name == "..":
		problem = "it is a directory"
	case len(name) > 200:
		problem = "it is longer than 200 bytes"
	case name[0] == '-' || name[0] == '@':
		problem = "it would be an option of the compiler"
	}
	if problem != "" {
		return &fault.Error{Kind: fault.Invalid, Op: "use the name", Subject: fmt.Sprintf("%q", r.Name), Cause: errors.New(problem)}
	}
	r.Name, r.Temp = name, cmp.Or(r.Temp, "/tmp")
	work, err := filepath.Abs(r.Work)
	if err != nil {
		return &fault.Error{Kind: fault.System, Op: "find the current directory", Cause: err}
	}
	r.Work = work
	return nil
}

func (r *Request) path() string {
	if r.Bare {
		return filepath.Join(r.Work, r.Name+".bpf.o")
	}
	return filepath.Join(r.Work, r.Name+".so")
}

func (r *Request) sourcePath() string { return filepath.Join(r.Work, r.Name+".bpf.c") }

// read returns NAME.so, or why it is not used.
func (r *Request) read() (kept, error) {
	b, err := artefact.Read(r.path(), maxArtefact)
	if err != nil {
		return kept{}, err
	}
	_, meta, err := artefact.Decode(b)
	if err != nil {
		return kept{}, &fault.Error{Kind: fault.Invalid, Op: "read", Subject: r.path(), Cause: err,
			Hint: "with its C source it is built again"}
	}
	return kept{b, meta}, nil
}

func (r *Request) result(action string, k kept, notes ...string) *Result {
	return &Result{k.bytes, Report{Path: r.path(), Action: action, Header: k.meta.Header, Compiler: k.meta.Compiler,
		Release: k.meta.Release, Kept: true, Warnings: k.meta.Warnings, Notes: append([]string{}, notes...)}}
}

func (r *Result) note(sentence string) { r.Report.Notes = append(r.Report.Notes, sentence) }
