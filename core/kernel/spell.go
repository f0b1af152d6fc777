package kernel

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// integer is the name that compilers write into debug information for one of C's integers.
func integer(name string) string {
	count := map[string]int{}
	for _, word := range strings.Fields(name) {
		count[word]++
	}
	delete(count, "int")
	unsigned, long, short, char := count["unsigned"] > 0, count["long"], count["short"] > 0, count["char"] > 0
	for _, word := range []string{"unsigned", "signed", "long", "short", "char"} {
		delete(count, word)
	}
	if len(count) > 0 {
		return name
	}
	sign := ""
	if unsigned {
		sign = "unsigned "
	}
	switch {
	case char && strings.Contains(name, "signed"):
		return strings.Join(strings.Fields(name), " ")
	case char:
		return "char"
	case short:
		return "short " + sign + "int"
	case long > 0:
		return strings.Repeat("long ", min(long, 2)) + sign + "int"
	}
	return sign + "int"
}

// spell writes a type as C does.
func spell(t btf.Type) string {
	words := 0
	return spellPart(t, 0, &words)
}

func spellPart(t btf.Type, depth int, words *int) string {
	if *words++; depth > deepest || *words > mostWords {
		return "..."
	}
	named := func(kind string) string { return strings.TrimSpace(kind + " " + t.TypeName()) }
	of := func(inner btf.Type) string { return spellPart(inner, depth+1, words) }
	switch v := t.(type) {
	case nil, *btf.Void:
		return "void"
	case *btf.Struct:
		return named("struct")
	case *btf.Union:
		return named("union")
	case *btf.Enum:
		return named("enum")
	case *btf.Fwd:
		return named(v.Kind.String())
	case *btf.Pointer:
		return pointer(of(v.Target))
	case *btf.Const:
		return qualified("const", v.Type, of(v.Type))
	case *btf.Volatile:
		return qualified("volatile", v.Type, of(v.Type))
	case *btf.Restrict:
		return of(v.Type)
	case *btf.TypeTag:
		return of(v.Type)
	case *btf.Array:
		return fmt.Sprintf("%s[%d]", of(v.Type), v.Nelems)
	case *btf.FuncProto:
		args := []string{}
		for _, p := range v.Params {
			args = append(args, of(p.Type))
		}
		return of(v.Return) + " (" + strings.Join(args, ", ") + ")"
	}
	return t.TypeName()
}

func pointer(target string) string {
	if open := strings.Index(target, " ("); open >= 0 && strings.HasSuffix(target, ")") {
		return target[:open] + " (*)" + target[open+1:]
	}
	if strings.HasSuffix(target, "*") {
		return target + "*"
	}
	return target + " *"
}

// qualified puts a word where it belongs: "const int", but "int *const".
func qualified(word string, of btf.Type, spelled string) string {
	if _, ok := of.(*btf.Pointer); ok {
		return spelled + word
	}
	return word + " " + spelled
}

// pattern tells what a name with % matches.
func pattern(text string) func(string) bool {
	if text == "" {
		text = "%"
	}
	parts := strings.Split(text, "%")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString
}
