package header

import "strings"

// HelperList is libbpf's list of the kernel's helper functions: it is most of what a compiler reads, and
// few of them are called.
const HelperList = "bpf/bpf_helper_defs.h"

// Helpers is that list without comments, and with those functions alone that the texts name. From libbpf 1.5
// a line before a function may say something of it: __bpf_fastcall.
func Helpers(list string, texts ...string) string {
	names := lex(texts).names
	var kept strings.Builder
	declaration := ""
	for line := range strings.Lines(uncommented(list)) {
		switch text := strings.TrimSpace(line); {
		case text == "":
			continue
		case strings.HasPrefix(text, "#"):
			kept.WriteString(line)
			continue
		}
		if declaration += line; !strings.Contains(line, ";") {
			continue
		}
		if name := helper(declaration); name == "" || names[name] {
			kept.WriteString(declaration)
		}
		declaration = ""
	}
	return kept.String()
}

func uncommented(text string) string {
	var kept strings.Builder
	for {
		before, comment, more := strings.Cut(text, "/*")
		kept.WriteString(before)
		if !more {
			return kept.String()
		}
		text = comment[ending(comment, 0, "*/"):]
	}
}

// helper is the name in "static long (* const name)(void) = (void *) 1;".
func helper(declaration string) string {
	_, name, _ := strings.Cut(declaration, "(*")
	name, _, _ = strings.Cut(name, ")")
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), "const "))
}
