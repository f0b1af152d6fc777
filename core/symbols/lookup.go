package symbols

import (
	"iter"
	"sort"
	"strings"
)

// Name is the function that an address lies in, "" when it lies before the first one.
func (k *Kernel) Name(address uint64) string {
	i := sort.Search(len(k.addresses), func(i int) bool { return k.addresses[i] > address })
	if i == 0 {
		return ""
	}
	return k.name(i - 1)
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
