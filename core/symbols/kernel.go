// Package symbols knows the names of addresses.
package symbols

import (
	"bufio"
	"errors"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"

	"coolbpf/core/fault"
)

// Kernel is the kernel's text symbols, sorted by address.
type Kernel struct {
	addresses []uint64
	names     []uint32 // offset in text of "name" or "name [mod]", up to the next newline
	kinds     []byte   // letters of kallsyms
	text      string
}

// LoadKernel reads /proc/kallsyms.
func LoadKernel() (*Kernel, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, &fault.Error{Kind: fault.System, Op: "read kernel symbols", Cause: err, Hint: "is /proc mounted?"}
	}
	defer f.Close()
	return ParseKernel(f)
}

// ParseKernel reads text in the form of /proc/kallsyms.
func ParseKernel(r io.Reader) (*Kernel, error) {
	type symbol struct {
		address uint64
		name    uint32
		kind    byte
	}
	var symbols []symbol
	var text strings.Builder
	lines, hidden := bufio.NewScanner(r), true
	for lines.Scan() {
		address, rest, _ := strings.Cut(lines.Text(), " ")
		kind, name, _ := strings.Cut(rest, " ")
		value, err := strconv.ParseUint(address, 16, 64)
		if err != nil || len(kind) != 1 || !strings.Contains("tTwW", kind) || name == "" {
			continue
		}
		hidden = hidden && value == 0
		symbols = append(symbols, symbol{value, uint32(text.Len()), kind[0]})
		text.WriteString(strings.ReplaceAll(name, "\t", " "))
		text.WriteByte('\n')
	}
	if err := lines.Err(); err != nil {
		return nil, &fault.Error{Kind: fault.System, Op: "read kernel symbols", Cause: err}
	}
	if hidden {
		return nil, &fault.Error{Kind: fault.Privilege, Op: "read kernel symbols", Cause: errors.New("the kernel hides its addresses"),
			Hint: "run as root with sysctl kernel.kptr_restrict=1 or 0"}
	}
	sort.SliceStable(symbols, func(i, j int) bool { return symbols[i].address < symbols[j].address })
	k := &Kernel{text: text.String()}
	for _, s := range symbols {
		k.addresses = append(k.addresses, s.address)
		k.names = append(k.names, s.name)
		k.kinds = append(k.kinds, s.kind)
	}
	return k, nil
}

func (k *Kernel) name(i int) string {
	name, _, _ := strings.Cut(k.text[k.names[i]:], "\n")
	return name
}
