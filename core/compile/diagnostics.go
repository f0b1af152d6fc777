package compile

import (
	"errors"
	"regexp"
	"strings"

	"coolbpf/core/fault"
)

// diagnostic is the first error in a compiler's output.
type diagnostic struct {
	place string // file:line:column, or ""
	file  string
	text  string
}

var (
	placedError = regexp.MustCompile(`(?m)^((.+?):\d+:\d+): (?:fatal )?error: (.*)$`)
	plainError  = regexp.MustCompile(`(?m)^(?:.*clang[^:]*: )?(?:fatal )?error: (.*)$`)
	crash       = regexp.MustCompile(`(?m)^bpf-clang: (.*)$`) // what the bundled compiler says of itself
)

func firstError(output string) diagnostic {
	if m := placedError.FindStringSubmatch(output); m != nil {
		return diagnostic{place: m[1], file: m[2], text: m[3]}
	}
	for _, form := range []*regexp.Regexp{plainError, crash} {
		if m := form.FindStringSubmatch(output); m != nil {
			return diagnostic{text: m[1]}
		}
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return diagnostic{text: strings.TrimSpace("the compiler failed: " + lines[len(lines)-1])}
}

// compileError says what is wrong with the source, in a sentence, with the whole output beside it.
func (j *job) compileError(output string, names namer) error {
	d := firstError(output)
	subject := d.place
	if subject == "" {
		subject = j.source.name
	}
	return &fault.Error{Kind: fault.Compile, Op: "compile", Subject: subject, Cause: errors.New(d.text),
		Hint: j.hint(d.text, names), Detail: output}
}

var (
	noHeader = regexp.MustCompile(`^'([^']+)' file not found`)
	noField  = regexp.MustCompile(`^no member named '(\w+)' in '(?:struct |union )?(\w+)'`)
	noType   = regexp.MustCompile(`(?:incomplete (?:definition of )?type|unknown type name) '(?:const |volatile )*(?:struct |union |enum )?(\w+)`)
	noName   = regexp.MustCompile(`undeclared (?:identifier|function) '(\w+)'`)
)

// hint names what the user may have meant.
func (j *job) hint(text string, names namer) string {
	if m := noHeader.FindStringSubmatch(text); m != nil {
		if strings.HasPrefix(m[1], "bpf/") && j.library.libbpf == "" {
			return "libbpf's headers are missing: pip install coolbpf brings them; or install libbpf-dev"
		}
		return "searched: " + strings.Join(j.source.dirs, ", ") + ", then the headers that coolbpf brings"
	}
	if names == nil || strings.Contains(text, "did you mean") {
		return ""
	}
	closest := ""
	if m := noField.FindStringSubmatch(text); m != nil {
		closest = names.ClosestField(m[2], m[1])
	} else if m := noType.FindStringSubmatch(text); m != nil {
		closest = names.ClosestType(m[1])
	} else if m := noName.FindStringSubmatch(text); m != nil {
		closest = names.ClosestName(m[1])
	}
	if closest == "" {
		return ""
	}
	return "closest: " + closest
}
