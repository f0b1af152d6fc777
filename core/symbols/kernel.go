// Package symbols knows the names of addresses.
package symbols

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
	"sort"
	"strings"

	"coolbpf/core/fault"
)

// Kernel is the kernel's text symbols, sorted by address.
type Kernel struct {
	list []entry
	text []byte // names, each up to a newline: "name" or "name\t[mod]"
}

type entry struct {
	address uint64
	name    uint32 // where it begins in text
	kind    byte   // letter of kallsyms
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
	k := &Kernel{list: make([]entry, 0, 1<<17), text: make([]byte, 0, 4<<20)} // what is not used costs nothing
	if err := k.read(r); err != nil {
		return nil, &fault.Error{Kind: fault.System, Op: "read kernel symbols", Cause: err}
	}
	if !slices.ContainsFunc(k.list, func(e entry) bool { return e.address != 0 }) {
		return nil, &fault.Error{Kind: fault.Privilege, Op: "read kernel symbols", Cause: errors.New("the kernel hides its addresses"),
			Hint: "run as root with sysctl kernel.kptr_restrict=1 or 0"}
	}
	k.sort()
	return k, nil
}

func (k *Kernel) read(r io.Reader) error {
	block := make([]byte, 64<<10)
	for begun := 0; ; {
		more, err := r.Read(block[begun:])
		lines := block[:begun+more]
		if err == io.EOF {
			lines = append(lines, '\n') // the last line need not have one
		}
		lines = k.parse(lines)
		begun = copy(block, lines)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case begun == len(block):
			return bufio.ErrTooLong
		}
	}
}

// parse adds the functions of all lines that are whole, and returns the rest.
func (k *Kernel) parse(lines []byte) []byte {
	for {
		end := bytes.IndexByte(lines, '\n')
		if end < 0 {
			return lines
		}
		if address, kind, name, ok := symbol(lines[:end]); ok {
			k.list = append(k.list, entry{address, uint32(len(k.text)), kind})
			k.text = append(k.text, lines[end-len(name):end+1]...)
		}
		lines = lines[end+1:]
	}
}

// sort orders the functions by address. The kernel's own come first and in order; those of modules,
// trampolines and programs lie above them as a rule.
func (k *Kernel) sort() {
	ordered := min(1, len(k.list))
	for ordered < len(k.list) && k.list[ordered-1].address <= k.list[ordered].address {
		ordered++
	}
	if ordered < len(k.list) {
		lowest := slices.MinFunc(k.list[ordered:], byAddress)
		stays := sort.Search(ordered, func(i int) bool { return k.list[i].address > lowest.address })
		slices.SortStableFunc(k.list[stays:], byAddress)
	}
}

func byAddress(a, b entry) int { return cmp.Compare(a.address, b.address) }

// symbol reads "address kind name", of a function.
func symbol(line []byte) (address uint64, kind byte, name []byte, ok bool) {
	digits := bytes.IndexByte(line, ' ')
	if digits <= 0 || digits > 16 || len(line) < digits+4 || line[digits+2] != ' ' {
		return 0, 0, nil, false
	}
	bad := byte(0)
	for _, c := range line[:digits] {
		digit := hexadecimal[c]
		bad |= digit
		address = address<<4 | uint64(digit)
	}
	if bad > 15 {
		return 0, 0, nil, false
	}
	switch kind = line[digits+1]; kind {
	case 't', 'T', 'w', 'W':
		return address, kind, line[digits+3:], true
	}
	return 0, 0, nil, false
}

// hexadecimal is what a digit is worth, more than 15 what is none.
var hexadecimal = func() (worth [256]byte) {
	for c := range worth {
		worth[c] = 16
	}
	for i, c := range "0123456789abcdef" {
		worth[c] = byte(i)
	}
	return worth
}()

func (k *Kernel) name(i int) string {
	name, _, _ := bytes.Cut(k.text[k.list[i].name:], []byte{'\n'})
	return strings.Replace(string(name), "\t", " ", 1)
}
