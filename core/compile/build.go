package compile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"
	"coolbpf/core/header"
)

// make compiles the source. Kernel types are first printed as far as the source needs them: this
// is ten times faster. If that does not compile all of them are, and the user sees these errors.
func (j *job) make(ctx context.Context) (made *kept, err error) {
	c, err := findCompiler(ctx, j.Request)
	if err != nil {
		return nil, err
	}
	w, err := newWorkspace(j.Temp)
	if err != nil {
		return nil, err
	}
	defer func() {
		if left := w.close(); err == nil {
			err = left
		}
	}()
	if err := w.fill(j.source, j.library); err != nil {
		return nil, err
	}
	if _, ok := j.source.brought["vmlinux.h"]; !ok {
		made, output, err := j.attempt(ctx, c, w, "none")
		if errors.Is(err, errRejected) {
			err = j.compileError(output, nil)
		}
		return made, err
	}
	foreign := j.foreign()
	texts := append(j.source.texts(), j.Env, foreign)
	types, err := j.kernelTypes(texts)
	if err != nil {
		return nil, err
	}
	try := func(p prelude) (*kept, string, error) {
		if err := w.begin(p, foreign, texts); err != nil {
			return nil, "", err
		}
		return j.attempt(ctx, c, w, p.header)
	}
	made, small, err := try(types.needed)
	if !errors.Is(err, errRejected) {
		return made, err
	}
	made, output, err := try(types.whole)
	if !errors.Is(err, errRejected) {
		return made, err
	}
	if m := noType().FindStringSubmatch(firstError(output, j.source.own).text); m != nil && header.Conditional(m[1], texts...) {
		if made, _, err := try(types.unconditional); !errors.Is(err, errRejected) {
			return made, err
		}
	}
	// An error outside the user's files comes from a header of ours that does not suit the compiler.
	if own := j.source.own; !own(firstError(output, own).file) && own(firstError(small, own).file) {
		output = small
	}
	return nil, j.compileError(output, types.Header)
}

// errRejected says that the compiler does not take the source; its output says why.
var errRejected = errors.New("the compiler rejected the source")

var outOfSpace = pattern(`(?m)(?:error|^bpf-clang): .*No space left on device`)

// attempt runs the compiler once and returns its output too, in the user's words.
func (j *job) attempt(ctx context.Context, c *compiler, w *workspace, header string) (*kept, string, error) {
	if err := os.Remove(w.object()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, "", w.unprepared(err)
	}
	output, err := run(ctx, c.path, command(c, w, j.source, j.Arch, j.flags), w.files(j.source.work), w.root)
	output = w.clean(output, j.source.work)
	if outOfSpace().MatchString(output) {
		return nil, output, w.unprepared(syscall.ENOSPC)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil, output, errRejected
	} else if errors.As(err, &exit) && exit.Exited() {
		return nil, output, j.compileError(output, nil)
	}
	if err != nil {
		f := &fault.Error{Kind: fault.System, Op: "run", Subject: c.path, Cause: err, Detail: output}
		if errors.As(err, new(*exec.ExitError)) {
			f.Hint = "more memory or time than a compiler may use?"
		}
		return nil, output, f
	}
	object, err := os.ReadFile(w.object())
	if err != nil {
		return nil, output, errRejected
	}
	if path, err := w.strayed(j.source); err != nil {
		return nil, output, w.unprepared(err)
	} else if path != "" {
		return nil, output, &fault.Error{Kind: fault.Compile, Op: "compile", Subject: j.source.name,
			Cause: fmt.Errorf("it includes %s by a name that a macro makes", path), Hint: "write the name into the #include", Detail: output}
	}
	meta := j.meta
	meta.Header, meta.Compiler, meta.Warnings = header, c.path, worthSaying(output)
	b, err := artefact.Encode(object, meta)
	if err != nil {
		return nil, output, &fault.Error{Kind: fault.Compile, Op: "compile", Subject: j.source.name, Cause: err, Detail: output}
	}
	return &kept{b, meta}, output, nil
}
