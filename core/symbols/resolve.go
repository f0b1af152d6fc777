package symbols

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"coolbpf/core/fault"

	"github.com/ianlancetaylor/demangle"
)

// pretty is a name as its language writes it.
func pretty(name string, options ...demangle.Option) string {
	// The library recurses, and a file may contain any name: a stack that overflows ends the process.
	const longest, power = 1 << 12, 14
	if len(name) > longest || !isMangled(name) {
		return name
	}
	return demangle.Filter(name, append(options, demangle.MaxLength(power))...)
}

func isMangled(name string) bool {
	return strings.HasPrefix(name, "_Z") || strings.HasPrefix(name, "_R")
}

// Resolve finds "function" or "function+offset": C names as they are; C++ and Rust names mangled,
// or as their language writes them, with or without parameters.
func (b *Binary) Resolve(function string) (Function, error) {
	f, err := b.find(function)
	if plus := strings.LastIndexByte(function, '+'); err != nil && plus > 0 {
		offset, bad := strconv.ParseUint(function[plus+1:], 0, 64)
		if bad != nil {
			return f, err
		}
		if f, err = b.find(function[:plus]); err == nil {
			if offset >= f.Size {
				return f, b.fail(function, fmt.Errorf("the function has %d bytes", f.Size), "")
			}
			f.Address += offset
			f.Size -= offset
		}
	}
	return f, err
}

// CodeOffset is where a function's code lies in the file.
func (b *Binary) CodeOffset(f Function) (uint64, error) {
	offset, ok := b.Offset(f.Address)
	if !ok {
		return 0, b.fail(f.Name, errors.New("its code is not in the file"), "")
	}
	return offset, nil
}

func (b *Binary) find(function string) (Function, error) {
	if len(b.list) == 0 {
		return Function{}, b.fail(function, errors.New("the file has no symbols"), stripped)
	}
	found := b.named(func(name string) bool { return name == function })
	if len(found) == 0 {
		found = b.named(written(function))
	}
	switch len(found) {
	case 0:
		return Function{}, b.fail(function, errors.New("no such function"), b.nearby(function))
	case 1:
		return found[0], nil
	}
	return Function{}, b.fail(function, errors.New("several functions have this name"), choices(found))
}

const stripped = "it is stripped; its debug symbols belong below /usr/lib/debug; or attach to an offset in the file"

// written matches mangled names that their language writes in this way.
func written(function string) func(string) bool {
	// A mangled name contains the last identifier of the name; only few of them need be demangled.
	name, _, _ := strings.Cut(function, "(")
	last := identifier.FindString(name[strings.LastIndexByte(name, ':')+1:])
	if last == "operator" {
		last = ""
	}
	return func(mangled string) bool {
		if !isMangled(mangled) || !strings.Contains(mangled, last) || strings.Contains(mangled, ".cold") ||
			strings.Contains(mangled, ".part") {
			return false
		}
		return function == pretty(mangled, demangle.NoParams) || function == pretty(mangled)
	}
}

var identifier = regexp.MustCompile(`\w+`)

func choices(found []Function) string {
	var all []string
	for _, f := range found[:min(len(found), 8)] {
		all = append(all, fmt.Sprintf("%s at %#x", pretty(f.Name), f.Address))
	}
	return "give the whole name or an offset: " + strings.Join(all, ", ")
}

// nearby names the forms that the compiler made of a function, or the function of the closest name.
func (b *Binary) nearby(function string) string {
	var twins []string
	for name := range b.names() {
		if strings.HasPrefix(name, function+".") {
			twins = append(twins, name)
		}
	}
	if len(twins) > 0 {
		return "the compiler made it " + strings.Join(twins[:min(len(twins), 8)], ", ")
	}
	closest := fault.Closest(function, func(yield func(string) bool) {
		for name := range b.names() {
			if !yield(pretty(name, demangle.NoParams)) {
				return
			}
		}
	})
	switch {
	case closest != "":
		return "closest: " + closest
	case !b.complete:
		return "only what it exports is known: " + stripped
	}
	return "functions that were inlined are not there"
}

func (b *Binary) fail(function string, cause error, hint string) error {
	return &fault.Error{Kind: fault.Invalid, Op: "find function", Subject: function + " in " + b.Path, Cause: cause, Hint: hint}
}
