package symbols

import (
	"errors"
	"iter"
	"sort"
	"strings"

	"coolbpf/core/fault"
)

// longest is more than any function of a kernel has; ends are not in kallsyms.
const longest = 1 << 20

// Name is the function that an address lies in, the first of its names; "" when there is none.
func (k *Kernel) Name(address uint64) string {
	if i := k.at(address); i >= 0 {
		return k.name(i)
	}
	return ""
}

func (k *Kernel) at(address uint64) int {
	i := sort.Search(len(k.addresses), func(i int) bool { return k.addresses[i] > address }) - 1
	if i < 0 || address-k.addresses[i] > longest {
		return -1
	}
	for i > 0 && k.addresses[i-1] == k.addresses[i] {
		i--
	}
	return i
}

// Place is what lies at an address.
func (k *Kernel) Place(address uint64) Place {
	i := k.at(address)
	if i < 0 {
		return Place{}
	}
	name, module := k.split(i)
	return Place{Name: name, Module: module, Kind: string(k.kinds[i]), Offset: address - k.addresses[i]}
}

// split is a name and its module.
func (k *Kernel) split(i int) (name, module string) {
	name, module, _ = strings.Cut(k.name(i), " ")
	return name, strings.Trim(module, "[]")
}

// find finds "function" or "function [module]"; of several, the one of the lowest address.
func (k *Kernel) find(function string) (Found, error) {
	for i := range k.names {
		if name, module := k.split(i); name == function || k.name(i) == function {
			return Found{Name: name, Module: module, Kind: string(k.kinds[i]), Address: k.addresses[i]}, nil
		}
	}
	f := &fault.Error{Kind: fault.Invalid, Op: "find function", Subject: function, Cause: errors.New("the kernel has none of that name")}
	if closest := fault.Closest(function, k.Names()); closest != "" {
		f.Hint = "closest: " + closest
	}
	return Found{}, f
}

// Has tells whether there is a function of this name, and whether there are several.
func (k *Kernel) Has(function string) (one, several bool) {
	for name := range k.Names() {
		if name == function {
			one, several = true, one
		}
	}
	return one, several
}

// Names iterates over all functions, without their modules.
func (k *Kernel) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range k.names {
			name, _, _ := strings.Cut(k.name(i), " ")
			if !yield(name) {
				return
			}
		}
	}
}

// Twins are the forms that the compiler made of a function: name.isra.0, name.constprop.0 ...
func (k *Kernel) Twins(function string) []string {
	var twins []string
	for name := range k.Names() {
		if strings.HasPrefix(name, function+".") {
			twins = append(twins, name)
		}
	}
	return twins
}
