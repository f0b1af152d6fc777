package symbols

import (
	"errors"
	"iter"
	"sort"
	"strconv"
	"strings"

	"coolbpf/core/fault"
)

// longest is more than any function of a kernel has; ends are not in kallsyms.
const longest = 1 << 20

// Lines are the functions that addresses lie in, a line each as in /proc/kallsyms; empty where there is none.
func (k *Kernel) Lines(addresses []uint64) []byte {
	lines := make([]byte, 0, 64*len(addresses))
	for n, address := range addresses {
		if n > 0 {
			lines = append(lines, '\n')
		}
		if i := k.at(address); i >= 0 {
			lines = strconv.AppendUint(lines, k.list[i].address, 16)
			lines = append(lines, ' ', k.list[i].kind, ' ')
			lines = append(lines, k.name(i)...)
		}
	}
	return lines
}

// at is the place of the function that an address lies in, of the first of its names; -1: there is none.
func (k *Kernel) at(address uint64) int {
	i := sort.Search(len(k.list), func(i int) bool { return k.list[i].address > address }) - 1
	if i < 0 || address-k.list[i].address > longest {
		return -1
	}
	for i > 0 && k.list[i-1].address == k.list[i].address {
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
	return Place{Name: name, Module: module, Kind: string(k.list[i].kind), Offset: address - k.list[i].address}
}

// split is a name and its module.
func (k *Kernel) split(i int) (name, module string) {
	name, module, _ = strings.Cut(k.name(i), " ")
	return name, strings.Trim(module, "[]")
}

// find finds "function" or "function [module]"; of several, the one of the lowest address.
func (k *Kernel) find(function string) (Found, error) {
	for i := range k.list {
		if name, module := k.split(i); name == function || k.name(i) == function {
			return Found{Name: name, Module: module, Kind: string(k.list[i].kind), Address: k.list[i].address}, nil
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
		for i := range k.list {
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
