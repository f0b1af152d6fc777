package compile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"
)

const maxSource = 16 << 20

// source is C text with all that it includes, directly or not.
type source struct {
	name    string   // NAME.bpf.c: what diagnostics call it
	work    string   // directory that it is in
	dirs    []string // searched for local headers: work, then those that the user named
	text    []byte
	files   []file            // local headers
	before  []string          // paths of those that come before the text
	brought map[string]string // headers that coolbpf brings
}

// file is a local header.
type file struct {
	spelled string // in the #include
	path    string
	text    []byte
}

// readSource reads what text, which came from path, includes. A header of the library always wins
// over a local file of that name.
func readSource(path string, text []byte, dirs, before []string, l library) (*source, error) {
	s := &source{name: filepath.Base(path), work: filepath.Dir(path), text: text, brought: map[string]string{}}
	s.dirs = append([]string{s.work}, dirs...)
	if len(bytes.TrimSpace(bytes.TrimPrefix(text, mark))) == 0 {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "compile", Subject: s.name, Cause: errors.New("the source is empty")}
	}
	for _, name := range before {
		f, err := find(name, s.dirs)
		if err == nil && f == nil {
			err = &fault.Error{Kind: fault.Missing, Op: "include", Subject: name, Cause: fs.ErrNotExist, Hint: "searched: " + strings.Join(s.dirs, ", ")}
		}
		if err == nil {
			err = s.add(f, l)
		}
		if err != nil {
			return nil, err
		}
		s.before = append(s.before, f.path)
	}
	return s, s.follow(text, s.work, l)
}

// add takes a local header and what it includes.
func (s *source) add(f *file, l library) error {
	if f == nil || s.has(f.path) {
		return nil
	}
	s.files = append(s.files, *f)
	return s.follow(f.text, filepath.Dir(f.path), l)
}

var mark = []byte("\ufeff") // how some editors begin UTF-8 text

var inclusion = pattern(`^[ \t]*(?:include|include_next|import)[ \t]*(?:"([^"\r\n]+)"|<([^>\r\n]+)>)`)

// included yields what a text includes: the name in quotes, or that in brackets. Headers are long and
// few of their lines have a #.
func included(text []byte) iter.Seq2[string, string] {
	return func(yield func(quoted, bracketed string) bool) {
		for {
			i := bytes.IndexByte(text, '#')
			if i < 0 {
				return
			}
			before := text[bytes.LastIndexByte(text[:i], '\n')+1 : i]
			text = text[i+1:]
			line, _, _ := bytes.Cut(text, []byte{'\n'})
			if len(bytes.Trim(before, " \t\f\v")) > 0 {
				continue
			}
			if m := inclusion().FindSubmatch(line); m != nil && !yield(string(m[1]), string(m[2])) {
				return
			}
		}
	}
}

// follow reads what text, which lies in directory, includes. One in a branch or a comment that
// the compiler skips is read too: this can only cause a compilation too many.
func (s *source) follow(text []byte, directory string, l library) error {
	for quoted, bracketed := range included(bytes.TrimPrefix(text, mark)) {
		dirs, spelled := s.dirs, bracketed
		if quoted != "" {
			dirs, spelled = append([]string{directory}, s.dirs...), quoted
		}
		if s.bring(spelled, l) {
			continue
		}
		f, err := find(spelled, dirs)
		if err != nil {
			return err
		}
		if err := s.add(f, l); err != nil {
			return err
		}
	}
	return nil
}

// bring takes a header, and those that it includes, from the library if it is there.
func (s *source) bring(name string, l library) bool {
	name = filepath.Clean(name)
	if _, ok := s.brought[name]; ok {
		return true
	}
	text, ok := l.open(name)
	if !ok {
		return false
	}
	s.brought[name] = text
	for quoted, bracketed := range included([]byte(text)) {
		if quoted == "" || !s.bring(filepath.Join(filepath.Dir(name), quoted), l) {
			s.bring(quoted+bracketed, l)
		}
	}
	return true
}

// find returns the file of that name in the first directory that has one, or nil.
func find(spelled string, dirs []string) (*file, error) {
	if filepath.IsAbs(spelled) {
		dirs = []string{"/"}
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, spelled)
		text, err := artefact.ReadLinked(path, maxSource)
		if err == nil {
			return &file{spelled, path, text}, nil
		}
		if errno := fault.Errno(err); !errors.Is(err, fs.ErrNotExist) && errno != syscall.EISDIR && errno != syscall.ENOTDIR {
			return nil, err
		}
	}
	return nil, nil
}

func (s *source) has(path string) bool {
	for _, f := range s.files {
		if f.path == path {
			return true
		}
	}
	return false
}

// expanded is all that the user wrote: what the key of NAME.so is made of. Headers go by the name
// in their #include, so that NAME.so may move with its source.
func (s *source) expanded() []byte {
	b := bytes.Clone(s.text)
	for _, f := range s.files {
		b = fmt.Appendf(b, "\x00%s\x00%d\x00%s", f.spelled, len(f.text), f.text)
	}
	return b
}

// texts are the source and the local headers, library all that it includes of ours, for who wants to
// know the names in them.
func (s *source) texts() []string {
	all := []string{string(s.text)}
	for _, f := range s.files {
		all = append(all, string(f.text))
	}
	return all
}

func (s *source) library() []string { return slices.Collect(maps.Values(s.brought)) }

// own reports whether path, as a diagnostic has it, is a file of the user.
func (s *source) own(path string) bool {
	path = strings.TrimPrefix(path, "./")
	if path == s.name {
		return true
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.work, path)
	}
	return s.has(filepath.Clean(path))
}
