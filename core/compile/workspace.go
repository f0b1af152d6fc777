package compile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"
	"coolbpf/core/header"

	"golang.org/x/sys/unix"
)

// workspace is a private directory with all that the compiler is to see:
//
//	files/   the user's files, each under its absolute path: "../x.h" works as it does there
//	ours/    the headers that coolbpf brings
//	object   what the compiler makes
//	used     the user's files that it has read
//
// It is locked as long as it is in use.
type workspace struct {
	root string
	lock *os.File
}

// private is how the name of a workspace begins; nobody else's does.
const private = ".coolbpf-compile-"

func newWorkspace(temp string) (*workspace, error) {
	w := &workspace{root: filepath.Join(temp, private)}
	temp, err := artefact.Directory(temp)
	if err != nil {
		return nil, w.unprepared(err)
	}
	root, err := os.MkdirTemp(temp, private)
	if err != nil {
		return nil, w.unprepared(err)
	}
	w.root = root
	if w.lock, err = lock(root); err != nil {
		return nil, w.unprepared(errors.Join(err, os.RemoveAll(root)))
	}
	sweep(temp)
	return w, nil
}

// lock fails where another process has the directory locked.
func lock(directory string) (*os.File, error) {
	f, err := os.OpenFile(directory, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sweep takes away what a process of this user left behind when it was killed. One that has only
// just been made may not be locked yet.
func sweep(temp string) {
	left, _ := filepath.Glob(filepath.Join(temp, private+"*"))
	for _, path := range left {
		var s unix.Stat_t
		if unix.Lstat(path, &s) != nil || s.Uid != uint32(os.Geteuid()) || time.Since(time.Unix(s.Mtim.Unix())) < time.Minute {
			continue
		}
		if f, err := lock(path); err == nil {
			os.RemoveAll(path)
			f.Close()
		}
	}
}

func (w *workspace) close() error {
	err := os.RemoveAll(w.root)
	w.lock.Close()
	if err != nil {
		return w.unprepared(err)
	}
	return nil
}

func (w *workspace) object() string           { return filepath.Join(w.root, "object") }
func (w *workspace) used() string             { return filepath.Join(w.root, "used") }
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
	return w.link(l.libbpf)
}

func (w *workspace) link(libbpf string) error {
	headers, err := os.ReadDir(libbpf)
	if err == nil {
		err = os.Mkdir(w.ours("bpf"), 0o700)
	}
	for _, h := range headers {
		if err == nil {
			err = os.Symlink(filepath.Join(libbpf, h.Name()), w.ours("bpf/"+h.Name()))
		}
	}
	if err != nil {
		return w.unprepared(err)
	}
	return nil
}

// begin puts what stands before the source in its place.
func (w *workspace) begin(p prelude, foreign string, texts []string) error {
	text, err := p.types(texts...)
	if err == nil {
		err = w.put(w.ours("vmlinux.h"), []byte(foreign+text))
	}
	if err == nil && p.helpers != "" {
		err = w.put(w.ours(header.HelperList), []byte(p.helpers))
	}
	return err
}

// put makes a file, in the place of one that may be a link.
func (w *workspace) put(path string, text []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return w.unprepared(err)
	}
	return nil
}

var word = pattern(`(?:\\.|\S)+`)

// strayed names a file that the compiler has read, but we have not, or is "". It counts for no key,
// and whom to trust it for was not asked.
func (w *workspace) strayed(s *source) (string, error) {
	rule, err := os.ReadFile(w.used()) // of make: "object: file file"
	if err != nil {
		return "", err
	}
	for _, path := range word().FindAllString(string(rule), -1) {
		path = strings.NewReplacer(`\ `, " ", `\#`, "#", "$$", "$").Replace(strings.TrimSuffix(path, ":"))
		if !filepath.IsAbs(path) {
			path = filepath.Join(w.files(s.work), path)
		}
		if !strings.HasPrefix(path, w.root+"/") && !s.has(path) {
			return path, nil
		}
	}
	return "", nil
}

// unprepared is the error of a private directory that cannot be used.
func (w *workspace) unprepared(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	return &fault.Error{Kind: fault.System, Op: "compile in a private directory under", Subject: filepath.Dir(w.root), Cause: err,
		Hint: "TMPDIR names another place"}
}

var here = pattern(`(?m)^(In file included from )?\./`)

// clean makes the compiler's output speak of the user's files, by their path from work.
func (w *workspace) clean(output, work string) string {
	for _, private := range []string{w.files(work) + "/", w.files(""), w.ours("") + "/", w.root + "/"} {
		output = strings.ReplaceAll(output, private, "")
	}
	return here().ReplaceAllString(output, "$1")
}
