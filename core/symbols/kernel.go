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

// Kernel is the kernel's text symbols, or the first of them, sorted by address.
type Kernel struct {
	list []entry
	text []byte // names, each up to a newline: "name" or "name\t[mod]"
}

type entry struct {
	address uint64
	name    uint32 // where it begins in text
	kind    byte   // letter of kallsyms
}

// listing is /proc/kallsyms as far as it was read. The kernel takes long to write it.
type listing struct {
	Kernel
	file  io.ReadCloser // nil: all of it was read
	block []byte        // what was read last, which begins with a part of a line
	begun int           // bytes of that
	mixed bool          // modules have begun: one that follows may lie below
}

func openKernel() (*listing, error) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, &fault.Error{Kind: fault.System, Op: "read kernel symbols", Cause: err, Hint: "is /proc mounted?"}
	}
	return newListing(f)
}

func newListing(file io.ReadCloser) (*listing, error) {
	const usual, long = 1 << 17, 4 << 20 // what of these is not used costs nothing
	l := &listing{Kernel: Kernel{make([]entry, 0, usual), make([]byte, 0, long)}, file: file, block: make([]byte, 64<<10)}
	for l.file != nil && !l.shown() {
		if err := l.more(); err != nil {
			return nil, err
		}
	}
	if !l.shown() {
		return nil, &fault.Error{Kind: fault.Privilege, Op: "read kernel symbols", Cause: errors.New("the kernel hides its addresses"),
			Hint: "run as root with sysctl kernel.kptr_restrict=1 or 0"}
	}
	return l, nil
}

// shown tells whether the last function has an address: none has where they are hidden.
func (l *listing) shown() bool { return len(l.list) > 0 && l.list[len(l.list)-1].address != 0 }

// upTo reads until what lies at the address is known.
func (l *listing) upTo(address uint64) error {
	for l.file != nil && (l.mixed || address < l.list[0].address || address >= l.list[len(l.list)-1].address) {
		if err := l.more(); err != nil {
			return err
		}
	}
	return nil
}

// more reads the next lines. A Kernel that was handed out stays as it is.
func (l *listing) more() error {
	n, err := l.file.Read(l.block[l.begun:])
	lines, known, named := l.block[:l.begun+n], len(l.list), len(l.text)
	if err == io.EOF {
		lines = append(lines, '\n') // the last line need not have one
	}
	lines = l.parse(lines)
	l.begun = copy(l.block, lines)
	l.mixed = l.mixed || bytes.IndexByte(l.text[named:], '\t') >= 0 || !slices.IsSortedFunc(l.list[max(0, known-1):], byAddress)
	if err == nil && l.begun == len(l.block) {
		err = bufio.ErrTooLong
	}
	if err == nil {
		return nil
	}
	l.Close()
	if err != io.EOF {
		return &fault.Error{Kind: fault.System, Op: "read kernel symbols", Cause: err}
	}
	if l.mixed {
		l.list = sorted(l.list)
	}
	return nil
}

// Close leaves what was not read.
func (l *listing) Close() {
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.block = nil, nil
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

// sorted orders functions by address. The kernel's own come first and in order; those of modules,
// trampolines and programs lie above them as a rule.
func sorted(list []entry) []entry {
	list = slices.Clone(list)
	ordered := 1
	for ordered < len(list) && list[ordered-1].address <= list[ordered].address {
		ordered++
	}
	if ordered < len(list) {
		lowest := slices.MinFunc(list[ordered:], byAddress)
		stays := sort.Search(ordered, func(i int) bool { return list[i].address > lowest.address })
		slices.SortStableFunc(list[stays:], byAddress)
	}
	return list
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
