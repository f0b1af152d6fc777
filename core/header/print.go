package header

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/cilium/ebpf/btf"
)

const (
	prologue = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

`
	relocated = `
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

`
	epilogue = `
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif
#endif
`
)

// text prints all that is needed. Printing finds further forward declarations, so they are put
// before what was printed; without the attribute, which would stick to a struct that the source
// defines itself.
func (p *printer) text() (string, error) {
	if p.err != nil {
		return "", malformed(p.err)
	}
	for _, t := range p.order {
		p.print(t)
	}
	var b strings.Builder
	b.WriteString(prologue)
	for _, t := range p.forwards {
		if !p.taken(t) {
			b.WriteString(tagged(t) + ";\n")
		}
	}
	return b.String() + relocated + p.out.String() + epilogue, nil
}

// A kernel with Rust has names that C cannot say.
var valid = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// own tells whether a named type is printed under its name: not those that the source defines, nor
// the second of a name.
func (p *printer) own(t btf.Type) bool {
	name := t.TypeName()
	if !valid.MatchString(name) || p.defined[name] || strings.HasPrefix(name, "__builtin_") {
		return false
	}
	if p.byName[key(t)] == nil {
		p.byName[key(t)] = t
	}
	return p.byName[key(t)] == t
}

// key is the name of a type in its name space: in C all tags share one.
func key(t btf.Type) string {
	if tagged(t) != "" {
		return "tag " + t.TypeName()
	}
	return t.TypeName()
}

// taken tells whether the tag belongs to a type of another kind, as with the kernel's enum
// format_state and struct format_state.
func (p *printer) taken(t btf.Type) bool {
	owner := p.byName[key(t)]
	return owner != nil && tagged(owner) != tagged(t)
}

// print writes the definition of a type, after those of the types that it holds by value.
func (p *printer) print(t btf.Type) {
	if p.printed[t] {
		return
	}
	switch v := t.(type) {
	case *btf.Typedef:
		if !p.own(v) {
			p.before(v.Type)
			return
		}
		p.printed[t] = true
		if inner := tagged(v.Type); inner != "" {
			p.point(v.Type)
		} else {
			p.before(v.Type)
		}
		fmt.Fprintf(&p.out, "typedef %s;\n", p.declare(v.Type, v.Name, 0, &p.unique))
		p.before(v.Type)
	case *btf.Enum:
		p.printed[t] = true
		p.enum(v)
	case *btf.Struct, *btf.Union:
		p.printed[t] = true
		if !p.own(t) {
			return
		}
		for _, m := range members(t) {
			if p.keeps(m, p.modes[t] == complete) {
				p.before(m.Type)
			}
		}
		unique := 0
		fmt.Fprintf(&p.out, "%s %s;\n", tagged(t), p.body(t, p.modes[t] == complete, 0, &unique))
	}
}

// before prints what has to stand before a declaration that has a type by value.
func (p *printer) before(t btf.Type) {
	t = strip(t)
	switch v := t.(type) {
	case *btf.Array:
		p.before(v.Type)
	case *btf.Typedef:
		p.print(v)
		p.before(v.Type)
	case *btf.Pointer:
		p.beforePointer(v.Target)
	case *btf.Enum:
		if v.Name != "" {
			p.print(v)
		}
	case *btf.Struct, *btf.Union:
		if tagged(t) != "" && p.own(t) {
			if p.modes[t] == 0 {
				p.need(t, false)
			}
			p.print(t)
			return
		}
		for _, m := range members(t) {
			if p.keeps(m, p.inlineWhole(t)) {
				p.before(m.Type)
			}
		}
	}
}

func (p *printer) beforePointer(t btf.Type) {
	t = strip(t)
	switch v := t.(type) {
	case *btf.Pointer:
		p.beforePointer(v.Target)
	case *btf.Typedef:
		if p.own(v) {
			p.print(v)
		} else {
			p.beforePointer(v.Type)
		}
	case *btf.FuncProto:
	case *btf.Struct, *btf.Union, *btf.Fwd:
		p.point(t)
	default:
		p.before(t)
	}
}

func (p *printer) inlineWhole(t btf.Type) bool {
	return p.whole || p.modes[t] == complete || len(members(t)) <= small || p.namesBitfield(t)
}

// enum prints a named enum whole, of an anonymous one only the enumerators that the texts name.
func (p *printer) enum(e *btf.Enum) {
	if e.Name != "" && !p.own(e) {
		return
	}
	var b strings.Builder
	for _, v := range e.Values {
		wanted := e.Name != "" || p.whole || p.names[v.Name]
		if !wanted || p.values[v.Name] || p.defined[v.Name] || !valid.MatchString(v.Name) {
			continue
		}
		p.values[v.Name] = true
		fmt.Fprintf(&b, "\t%s = %s,\n", v.Name, number(v.Value, e.Signed))
	}
	if b.Len() == 0 && e.Name == "" {
		return
	}
	if e.Name == "" {
		fmt.Fprintf(&p.out, "enum {\n%s};\n", b.String())
		return
	}
	fmt.Fprintf(&p.out, "enum %s%s {\n%s\t%s,\n};\n", packed(e), e.Name, b.String(), p.filler(e))
}

// packed is what makes an enum smaller than an int.
func packed(e *btf.Enum) string {
	if e.Size < 4 {
		return "__attribute__((packed)) "
	}
	return ""
}

// filler is an enumerator that nobody uses and that gives an enum its size and sign.
func (p *printer) filler(e *btf.Enum) string {
	p.unique++
	value := map[uint32]string{2: "0x100", 8: "0x100000000ULL"}
	if e.Signed {
		value = map[uint32]string{1: "-1", 2: "-0x81", 4: "-1", 8: "-0x100000000LL"}
	}
	return fmt.Sprintf("__lbc_enum%d = %s", p.unique, cmp.Or(value[e.Size], "0"))
}

func number(v uint64, signed bool) string {
	switch {
	case signed:
		return fmt.Sprint(int64(v))
	case v > 0xffffffff:
		return fmt.Sprintf("%#xULL", v)
	case v > 0x7fffffff:
		return fmt.Sprintf("%#xU", v)
	}
	return fmt.Sprint(v)
}

// declare writes the declaration of name, which may already be a declarator such as "*a[3]".
func (p *printer) declare(t btf.Type, name string, indent int, unique *int) string {
	if word, inner := qualifier(t); inner != nil {
		return p.qualify(word, inner, name, indent, unique)
	}
	switch v := t.(type) {
	case *btf.Typedef:
		if !p.own(v) {
			return p.declare(v.Type, name, indent, unique)
		}
		return join(v.Name, name)
	case *btf.Array:
		return p.declare(v.Type, fmt.Sprintf("%s[%d]", name, v.Nelems), indent, unique)
	case *btf.Pointer:
		switch target := strip(v.Target).(type) {
		case *btf.FuncProto:
			return "void *" + name // nothing in BPF calls it
		case *btf.Array:
			return p.declare(target, "(*"+name+")", indent, unique)
		case *btf.Struct, *btf.Union, *btf.Fwd:
			if !valid.MatchString(target.TypeName()) || p.taken(target) {
				return "void *" + name
			}
			return join(qualifiers(v.Target)+tagged(target), "*"+name)
		}
		return p.declare(v.Target, "*"+name, indent, unique)
	case *btf.FuncProto:
		return "void " + name + "(void)"
	case *btf.Struct, *btf.Union:
		// A member that has a tag and no name (-fms-extensions) has to lose the tag.
		if tagged(t) != "" && name != "" && p.own(t) {
			return join(tagged(t), name)
		}
		return join(keyword(t)+" "+p.body(t, p.inlineWhole(t), indent, unique), name)
	case *btf.Fwd:
		return join(tagged(t), name)
	case *btf.Enum:
		if v.Name != "" && p.own(v) {
			return join("enum "+v.Name, name)
		}
		return join("enum "+packed(v)+"{ "+p.filler(v)+" }", name)
	case *btf.Int:
		return join(integer(v), name)
	case *btf.Void:
		return join("void", name)
	}
	return join(t.TypeName(), name)
}

// qualify writes a declaration of a qualified type; a pointer's qualifier stands behind the "*".
func (p *printer) qualify(word string, t btf.Type, name string, indent int, unique *int) string {
	if _, ok := strip(t).(*btf.Pointer); ok {
		return p.declare(t, word+name, indent, unique)
	}
	text := p.declare(t, name, indent, unique)
	if strings.HasPrefix(text, word) {
		return text
	}
	return word + text
}

func join(base, name string) string { return base + " " + name }

// qualifier is how C writes a qualifier of a type, "" when it need not, and the type without it; nil
// for a type that has none.
func qualifier(t btf.Type) (word string, inner btf.Type) {
	switch v := t.(type) {
	case *btf.Const:
		return "const ", v.Type
	case *btf.Volatile:
		return "volatile ", v.Type
	case *btf.Restrict:
		return "", v.Type
	case *btf.TypeTag:
		return "", v.Type
	}
	return "", nil
}

// strip takes qualifiers off.
func strip(t btf.Type) btf.Type {
	for {
		_, inner := qualifier(t)
		if inner == nil {
			return t
		}
		t = inner
	}
}

// qualifiers are those that strip takes off.
func qualifiers(t btf.Type) (words string) {
	for {
		word, inner := qualifier(t)
		if inner == nil {
			return words
		}
		words, t = words+word, inner
	}
}

func keyword(t btf.Type) string {
	if _, ok := t.(*btf.Union); ok {
		return "union"
	}
	return "struct"
}

// integer is the C name of an integer; other languages in the kernel bring names of their own.
func integer(i *btf.Int) string {
	switch i.Name {
	case "_Bool", "char":
		return i.Name
	}
	sign := "unsigned "
	if i.Encoding == btf.Signed {
		sign = "signed "
	}
	switch {
	case strings.Contains(i.Name, "long long"):
		return sign + "long long"
	case strings.Contains(i.Name, "long") && i.Size == 8:
		return sign + "long"
	}
	switch i.Size {
	case 1:
		return sign + "char"
	case 2:
		return sign + "short"
	case 8:
		return sign + "long long"
	case 16:
		return sign + "__int128"
	}
	return sign + "int"
}
