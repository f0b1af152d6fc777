package compile

import (
	"errors"
	"regexp"
	"strings"
	"sync"

	"coolbpf/core/fault"
	"coolbpf/core/header"
)

// pattern is a regular expression that is compiled when it is first used: few starts use any.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// diagnostic is one error in a compiler's output.
type diagnostic struct {
	place string // file:line:column, or ""
	file  string
	text  string
}

var (
	placedError = pattern(`(?m)^((.+?):\d+:\d+): (?:fatal )?error: (.*)$`)
	plainError  = pattern(`(?m)^(?:.*clang[^:]*: )?(?:fatal )?error: (.*)$`)
	crash       = pattern(`(?m)^bpf-clang: (.*)$`) // what the bundled compiler says of itself
)

// firstError is the first one in a file of the user, who can mend that, else the first of all.
func firstError(output string, own func(file string) bool) diagnostic {
	all := placedError().FindAllStringSubmatch(output, -1)
	for _, m := range all {
		if own(m[2]) {
			return diagnostic{m[1], m[2], m[3]}
		}
	}
	if all != nil {
		return diagnostic{all[0][1], all[0][2], all[0][3]}
	}
	for _, form := range []*regexp.Regexp{plainError(), crash()} {
		if m := form.FindStringSubmatch(output); m != nil {
			return diagnostic{text: m[1]}
		}
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return diagnostic{text: strings.TrimSpace("the compiler failed: " + lines[len(lines)-1])}
}

var (
	aWarning  = pattern(`(?m)^\S+:\d+:\d+: warning: `)
	summary   = pattern(`(?m)^\d+ warnings? generated\.\n`)
	mapPassed = pattern(`^.*passing 'struct \(unnamed struct at .*\) \*' to parameter of type '(?:const )?struct bpf_map_def \*'`)
)

// worthSaying is what a compiler warned of when it succeeded, but that a map is passed to a function
// that takes any: struct bpf_map_def is the name that scripts have for that.
func worthSaying(output string) string {
	output = summary().ReplaceAllString(output, "")
	starts := append(aWarning().FindAllStringIndex(output, -1), []int{len(output)})
	said := output[:starts[0][0]]
	for i, start := range starts[:len(starts)-1] {
		if block := output[start[0]:starts[i+1][0]]; !mapPassed().MatchString(block) {
			said += block
		}
	}
	return said
}

// compileError says what is wrong with the source, in a sentence, with the whole output beside it.
func (j *job) compileError(output string, types *header.Header) error {
	d := firstError(output, j.source.own)
	subject := d.place
	if subject == "" {
		subject = j.source.name
	}
	return &fault.Error{Kind: fault.Compile, Op: "compile", Subject: subject, Cause: errors.New(d.text),
		Hint: j.hint(output, d, types), Detail: output}
}

// macro is the one that a line with an error may mean by a name that begins like those of lbc.h. To the
// compiler an unknown one is a function, and its types and numbers are what is wrong.
func (j *job) macro(output string, d diagnostic) string {
	_, shown, _ := strings.Cut(output, d.place+": error: "+d.text+"\n")
	m := mapMacro().FindStringSubmatch(shown)
	if m == nil || strings.Contains(strings.Join(append(j.source.texts(), j.source.library()...), "\n"), "define "+m[1]+"(") {
		return ""
	}
	return j.closest(m[1], nil, nil)
}

var (
	noHeader = pattern(`^'([^']+)' file not found`)
	noField  = pattern(`^no member named '(\w+)' in '(?:struct |union )?(\w+)'`)
	noType   = pattern(`(?:incomplete (?:definition of )?type|unknown type name) '(?:const |volatile )*(?:struct |union |enum )?(\w+)`)
	noRing   = pattern(`^no member named 'key' in '(?:struct )?\((?:unnamed|anonymous)|function for call to '__lbc_counter_of'|incompatible type 'struct __lbc_ring'`)
	mapMacro = pattern(`^ *\d+ \| *(LBC_\w+)\(`)
	noName   = pattern(`undeclared (?:identifier|function) '(\w+)'`)
)

// hint names what the user may have meant.
func (j *job) hint(output string, d diagnostic, types *header.Header) string {
	if closest := j.macro(output, d); closest != "" {
		return "closest: " + closest
	}
	text := d.text
	if m := noHeader().FindStringSubmatch(text); m != nil {
		if strings.HasPrefix(m[1], "bpf/") && j.library.libbpf == "" {
			return "libbpf's headers are missing: pip install coolbpf brings them; or install libbpf-dev"
		}
		if f, err := find(m[1], j.source.dirs); err == nil && f != nil {
			return "an #include is followed if it has the name itself, not a macro"
		}
		return "searched: " + strings.Join(j.source.dirs, ", ") + ", then the headers that coolbpf brings"
	}
	if strings.Contains(text, "did you mean") {
		return ""
	}
	closest := ""
	if m := noField().FindStringSubmatch(text); m != nil && types != nil {
		closest = types.ClosestField(m[2], m[1])
	} else if m := noType().FindStringSubmatch(text); m != nil {
		closest = j.closest(m[1], types, (*header.Header).ClosestType)
	} else if m := noName().FindStringSubmatch(text); m != nil {
		closest = j.closest(m[1], types, (*header.Header).ClosestName)
	}
	switch {
	case noRing().MatchString(text):
		return "lbc_ringbuf_output and the like take &NAME of an LBC_RINGBUF"
	case closest != "":
		return "closest: " + closest
	case types == nil && (noType().MatchString(text) || noName().MatchString(text)):
		return `the kernel's types and the macros come with #include "lbc.h"`
	}
	return ""
}

var identifier = pattern(`[A-Za-z_]\w*`)

// closest is the nearest name of those in the source and the headers that it includes, and the
// kernel's.
func (j *job) closest(name string, types *header.Header, kernels func(*header.Header, string) string) string {
	if len(name) < 4 {
		return "" // everything is near
	}
	return fault.Closest(name, func(yield func(string) bool) {
		for _, text := range append(j.source.texts(), j.source.library()...) {
			for _, candidate := range identifier().FindAllString(text, -1) {
				if !yield(candidate) {
					return
				}
			}
		}
		if types != nil {
			yield(kernels(types, name))
		}
	})
}
