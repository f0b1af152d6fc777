package header

import (
	"maps"
	"strings"
)

// mentions is what C texts say about types, found without parsing: a superset is harmless.
type mentions struct {
	names   map[string]bool // every identifier
	tags    map[string]bool // after struct, union or enum
	values  map[string]bool // types that are used by value: struct x y, sizeof(struct x), x_t y
	defined map[string]bool // tags, typedefs, enumerators and macros that the texts define themselves
	macros  map[string]bool // those without parameters: no member can have such a name
	library map[string]bool // names that the library uses and does not define

	conditional map[string]bool // defined, but inside of an #if
	depth       int             // of #if, where the scan is
}

// lex takes what is defined inside of an #if for defined.
func lex(texts []string, library ...string) *mentions {
	m := strict(texts, library...)
	maps.Copy(m.defined, m.conditional)
	return m
}

// strict leaves it in conditional.
func strict(texts []string, library ...string) *mentions {
	m := &mentions{names: map[string]bool{}, tags: map[string]bool{}, values: map[string]bool{}, defined: map[string]bool{},
		macros: map[string]bool{}, conditional: map[string]bool{}}
	m.read(library)
	m.library = maps.Clone(m.names)
	maps.DeleteFunc(m.library, func(name string, _ bool) bool { return m.defined[name] || m.conditional[name] })
	m.read(texts)
	return m
}

func (m *mentions) read(texts []string) {
	for _, text := range texts {
		m.depth = 0
		m.scan(m.split(text))
	}
}

func (m *mentions) define(name string) {
	if m.depth > 0 {
		m.conditional[name] = true
	} else {
		m.defined[name] = true
	}
}

// directive follows the conditions. An #ifndef around the whole text is none.
func (m *mentions) directive(list []string, i int) {
	at := func(n int) string {
		if i+n < len(list) {
			return list[i+n]
		}
		return ""
	}
	switch at(1) {
	case "if", "ifdef":
		m.depth++
	case "ifndef":
		if i == 0 && at(3) == "#" && at(4) == "define" && at(2) == at(5) {
			m.depth-- // its #endif
		}
		m.depth++
	case "endif":
		m.depth--
	}
}

// split cuts C into words and single other characters, without comments and what is quoted, and
// notes the macros.
func (m *mentions) split(text string) (tokens []string) {
	for len(text) > 0 {
		n := 1
		switch c := text[0]; {
		case strings.HasPrefix(text, "/*"):
			n = ending(text, 2, "*/")
		case strings.HasPrefix(text, "//"):
			n = ending(text, 2, "\n")
		case c == '"' || c == '\'':
			n = quoted(text)
		case word(c):
			for n < len(text) && word(text[n]) {
				n++
			}
			tokens = append(tokens, text[:n])
			if last := len(tokens) - 2; last > 0 && tokens[last] == "define" && tokens[last-1] == "#" {
				m.defined[text[:n]] = true
				m.macros[text[:n]] = !strings.HasPrefix(text[n:], "(")
			}
		case c > ' ' && c != '\\':
			tokens = append(tokens, text[:1])
		}
		text = text[n:]
	}
	return tokens
}

// ending is where text goes on behind the next end.
func ending(text string, from int, end string) int {
	if i := strings.Index(text[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(text)
}

// quoted is the length of the string or character that text begins with, which ends with its line.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[0], '\n':
			return i + 1
		}
	}
	return len(text)
}

func word(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }

func (m *mentions) scan(list []string) {
	at := func(i int) string {
		if i < len(list) {
			return list[i]
		}
		return ""
	}
	for i, token := range list {
		if token == "#" {
			m.directive(list, i)
		}
		if !identifier(token) {
			continue
		}
		m.names[token] = true
		switch token {
		case "struct", "union", "enum":
			m.tag(token, at(i+1), list[min(i+2, len(list)):])
		case "typedef":
			m.typedef(list[i+1:])
		default:
			if identifier(at(i + 1)) {
				m.values[token] = true
			}
		}
	}
}

// tag notes a type named behind a keyword; rest is what follows the name.
func (m *mentions) tag(keyword, name string, rest []string) {
	if keyword == "enum" {
		body := rest
		if name == "{" {
			m.enumerators(body)
		} else if len(body) > 0 && body[0] == "{" {
			m.enumerators(body[1:])
		}
	}
	if !identifier(name) {
		return
	}
	for len(rest) > 0 && (rest[0] == "const" || rest[0] == "volatile") {
		rest = rest[1:]
	}
	m.tags[name] = true
	switch {
	case len(rest) == 0 || rest[0] == "*" || rest[0] == ";":
	case rest[0] == "{":
		m.define(name)
	default:
		m.values[name] = true
	}
}

// enumerators notes the names that start the items of an enum's body.
func (m *mentions) enumerators(body []string) {
	first := true
	for _, token := range body {
		switch {
		case token == "}":
			return
		case first && identifier(token):
			m.define(token)
			first = false
		case token == ",":
			first = true
		}
	}
}

// typedef notes the names that a typedef declares: those before a "," or ";" or "[" or ")" outside
// of braces; the parameters of a function type are noted too, which only costs a resolved name.
func (m *mentions) typedef(rest []string) {
	depth, last := 0, ""
	for _, token := range rest {
		switch token {
		case "{":
			depth++
		case "}":
			depth--
		case ";", ",", "[", ")":
			if depth == 0 && last != "" && !m.library[last] {
				m.define(last)
			}
			if token == ";" && depth == 0 {
				return
			}
		}
		last = ""
		if identifier(token) {
			last = token
		}
	}
}

func identifier(token string) bool {
	return token != "" && (token[0] == '_' || token[0]|0x20 >= 'a' && token[0]|0x20 <= 'z')
}
