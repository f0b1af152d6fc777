package symbols

import (
	"iter"
	"sort"
	"strings"
)

// longest is more than any function of a kernel has; ends are not in kallsyms.
const longest = 1 << 20

// Name is the function that an address lies in, the first of its names; "" when there is none.
func (k *Kernel) Name(address uint64) string {
	i := sort.Search(len(k.addresses), func(i int) bool { return k.addresses[i] > address }) - 1
	if i < 0 || address-k.addresses[i] > longest {
		return ""
	}
	for i > 0 && k.addresses[i-1] == k.addresses[i] {
		i--
	}
	return k.name(i)
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
