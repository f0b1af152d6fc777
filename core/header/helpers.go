package header

import "strings"

// HelperList is libbpf's list of the kernel's helper functions: it is most of what a compiler reads, and
// few of them are called.
const HelperList = "bpf/bpf_helper_defs.h"

// Helpers is that list without comments, and with those functions alone that the texts name.
func Helpers(list string, texts ...string) string {
	names := lex(texts).names
	var kept strings.Builder
	for line := range strings.Lines(uncommented(list)) {
		if line != "\n" && (!strings.HasPrefix(line, "static ") || names[helper(line)]) {
			kept.WriteString(line)
		}
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
