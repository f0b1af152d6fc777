package compile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"

	"golang.org/x/sys/unix"
)

// workspace is a private directory with all that the compiler is to see:
//
//	files/   the user's files, each under its absolute path: "../x.h" works as it does there
//	ours/    the headers that coolbpf brings
//	object   what the compiler makes
type workspace struct{ root string }

func newWorkspace(temp string) (*workspace, error) {
	w := &workspace{filepath.Join(temp, "coolbpf-")}
	if temp, err := filepath.Abs(temp); err != nil {
		return nil, w.unprepared(err)
	} else if err := artefact.Directory(temp); err != nil {
		return nil, w.unprepared(err)
	} else if w.root, err = os.MkdirTemp(temp, "coolbpf-"); err != nil {
		w.root = filepath.Join(temp, "coolbpf-")
		return nil, w.unprepared(err)
	}
	sweep(temp)
	return w, nil
}

// sweep takes away what a process of this user left behind when it was killed. No compiler runs for
// an hour.
func sweep(temp string) {
	left, _ := filepath.Glob(filepath.Join(temp, "coolbpf-*"))
	for _, path := range left {
		var s unix.Stat_t
		if unix.Lstat(path, &s) == nil && s.Mode&unix.S_IFMT == unix.S_IFDIR && s.Uid == uint32(os.Geteuid()) &&
			time.Since(time.Unix(s.Mtim.Unix())) > time.Hour {
			os.RemoveAll(path)
		}
	}
}

func (w *workspace) close() error {
	if err := os.RemoveAll(w.root); err != nil {
		return w.unprepared(err)
	}
	return nil
}

func (w *workspace) object() string           { return filepath.Join(w.root, "object") }
func (w *workspace) ours(name string) string  { return filepath.Join(w.root, "ours", name) }
func (w *workspace) files(path string) string { return w.root + "/files" + path }

// fill puts the source and its headers in their places.
func (w *workspace) fill(s *source, l library) error {
	for _, f := range s.files {
		if err := w.put(w.files(f.path), f.text); err != nil {
			return err
		}
	}
	if err := w.put(w.files(filepath.Join(s.work, s.name)), s.text); err != nil {
		return err
	}
	for name, text := range l.embedded {
		if err := w.put(w.ours(name), []byte(text)); err != nil {
			return err
		}
	}
	if l.libbpf == "" {
		return nil
	}
	if err := os.Symlink(l.libbpf, w.ours("bpf")); err != nil {
		return w.unprepared(err)
	}
	return nil
}

func (w *workspace) put(path string, text []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return w.unprepared(err)
	}
	return nil
}

// unprepared is the error of a private directory that cannot be used.
func (w *workspace) unprepared(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	return &fault.Error{Kind: fault.System, Op: "compile in a private directory under", Subject: filepath.Dir(w.root), Cause: err,
		Hint: "TMPDIR names another place"}
}

var here = regexp.MustCompile(`(?m)^(In file included from )?\./`)

// clean makes the compiler's output speak of the user's files, by their path from work.
func (w *workspace) clean(output, work string) string {
	for _, private := range []string{w.files(work) + "/", w.files(""), w.ours("") + "/", w.root + "/"} {
		output = strings.ReplaceAll(output, private, "")
	}
	return here.ReplaceAllString(output, "$1")
}
