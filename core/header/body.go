package header

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// body prints "{ members } attributes" of a struct or union with every printed member at its offset
// and the size as it is. What is not printed, or lies between members, becomes padding; pads counts
// it, over all anonymous levels of the outermost struct.
func (p *printer) body(t btf.Type, whole bool, indent int, pads *int) string {
	b := &layout{printer: p, tabs: strings.Repeat("\t", indent+1), pads: pads}
	natural, most := alignComposite(t), 1
	for _, m := range members(t) {
		if p.keeps(m, whole) {
			most = max(most, align(m.Type))
		}
	}
	b.packed = natural == 1 && most > 1
	_, union := t.(*btf.Union)
	b.out.WriteString("{\n")
	for _, m := range members(t) {
		if !p.keeps(m, whole) || m.Name != "" && !valid.MatchString(m.Name) {
			continue
		}
		if union {
			b.at = int(m.Offset)
		}
		b.member(m, indent)
	}
	if union {
		b.at = 0
		if !whole {
			b.pad(8 * size(t))
		}
	} else if end := 8 * size(t); up(b.at, 8*natural) < end {
		b.pad(end)
	}
	b.out.WriteString(b.tabs[1:] + "}")
	if b.packed {
		b.out.WriteString(" __attribute__((packed))")
	} else if most < natural {
		fmt.Fprintf(&b.out, " __attribute__((aligned(%d)))", natural)
	}
	return b.out.String()
}

// layout follows where a C compiler would put the next member.
type layout struct {
	*printer
	out    strings.Builder
	tabs   string
	pads   *int
	packed bool
	at     int // bits
}

func (b *layout) member(m btf.Member, indent int) {
	offset, width := int(m.Offset), int(m.BitfieldSize)
	unit := 8 * align(m.Type)
	next := b.at
	switch {
	case b.packed && width == 0:
		next = up(next, 8)
	case b.packed:
	case width == 0:
		next = up(next, unit)
	case next%unit+width > unit:
		next = up(next, unit)
	}
	if next != offset {
		b.pad(offset)
	}
	text := b.declare(m.Type, m.Name, indent+1, b.pads)
	if width > 0 {
		text += fmt.Sprintf(" : %d", width)
		b.at = offset + width
	} else {
		b.at = offset + 8*size(m.Type)
	}
	b.out.WriteString(b.tabs + strings.TrimRight(text, " ") + ";\n")
}

// pad fills up to a bit offset.
func (b *layout) pad(to int) {
	if bits := min(up(b.at, 8)-b.at, to-b.at); bits > 0 {
		b.bits(bits)
	}
	if bytes := (to - b.at) / 8; bytes > 0 {
		fmt.Fprintf(&b.out, "%schar __lbc_pad%d[%d];\n", b.tabs, *b.pads, bytes)
		*b.pads++
		b.at += 8 * bytes
	}
	if to > b.at {
		b.bits(to - b.at)
	}
}

func (b *layout) bits(n int) {
	fmt.Fprintf(&b.out, "%sunsigned char : %d;\n", b.tabs, n)
	b.at += n
}

func up(n, to int) int { return (n + to - 1) / to * to }
