package symbols

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// Function is a stretch of code with a name, as the symbol table writes it.
type Function struct {
	Name    string
	Address uint64
	Size    uint64
	made    int // JIT: which of them, in the order in which they were made
}

// Table is functions by address. Where several begin at one address the first is the one to show.
type Table struct {
	list []Function
	cut  bool // there were more
}

// newTable takes functions in the order of preference. One of unknown size ends where the next begins.
func newTable(functions []Function) *Table {
	slices.SortStableFunc(functions, func(a, b Function) int { return cmp.Compare(a.Address, b.Address) })
	next := uint64(0)
	for i := len(functions) - 1; i >= 0; i-- {
		f := &functions[i]
		if i+1 < len(functions) && functions[i+1].Address != f.Address {
			next = functions[i+1].Address
		}
		if f.Size == 0 {
			f.Size = longest
			if next > f.Address {
				f.Size = min(f.Size, next-f.Address)
			}
		}
	}
	return &Table{list: functions}
}

// At is the function that an address lies in. Functions may contain others; the innermost counts.
func (t *Table) At(address uint64) (Function, bool) {
	const deepest = 64
	i := sort.Search(len(t.list), func(i int) bool { return t.list[i].Address > address })
	for least := max(0, i-deepest); i > least; {
		i--
		if !t.list[i].has(address) {
			continue
		}
		for i > 0 && t.list[i-1].Address == t.list[i].Address && t.list[i-1].has(address) {
			i--
		}
		return t.list[i], true
	}
	return Function{}, false
}

func (f Function) has(address uint64) bool {
	return address >= f.Address && address-f.Address < f.Size
}

// named are the functions that match, one for each address.
func (t *Table) named(match func(string) bool) []Function {
	var found []Function
	for _, f := range t.list {
		if match(f.Name) && (len(found) == 0 || found[len(found)-1].Address != f.Address) {
			found = append(found, f)
		}
	}
	return found
}

func (t *Table) names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, f := range t.list {
			if !yield(f.Name) {
				return
			}
		}
	}
}
