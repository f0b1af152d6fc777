// Package fault is the one error form of coolbpf: operation, subject, cause and a hint in a
// sentence, with the whole log beside it.
package fault

import (
	"errors"
	"strings"
	"syscall"
)

// Kind says who can mend an error. capi/lcc.h gives the same numbers to its callers.
type Kind int32

const (
	Invalid   Kind = iota + 1 // the caller's argument or object
	Compile                   // the C source
	Missing                   // a file that should be there
	Privilege                 // a capability the process lacks
	Load                      // the kernel refused an object, a map or a program
	Attach                    // a program loaded but could not be attached
	Closed                    // the handle was closed
	System                    // the operating system: disk, memory, file descriptors
	Internal                  // a defect in coolbpf
)

// Error reads "Op Subject: Cause (Hint)". Detail is the compiler output or verifier log, whole.
type Error struct {
	Kind    Kind
	Op      string
	Subject string
	Cause   error
	Hint    string
	Detail  string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subject != "" {
		b.WriteString(" " + e.Subject)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	if hint := e.hint(); hint != "" {
		b.WriteString(" (" + hint + ")")
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// hint is the same for all that takes file descriptors.
func (e *Error) hint() string {
	if errors.Is(e.Cause, syscall.EMFILE) {
		return "ulimit -n sets how many"
	}
	return e.Hint
}

func (e *Error) Unwrap() error { return e.Cause }

// Errno is the operating system's error number behind err, or 0.
func Errno(err error) syscall.Errno {
	var errno syscall.Errno
	errors.As(err, &errno)
	return errno
}
