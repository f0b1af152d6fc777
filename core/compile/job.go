package compile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"coolbpf/core/artefact"
)

// errNoSource says that the request has no source.
var errNoSource = errors.New("no source")

// job is one object to make.
type job struct {
	Request
	source  *source
	library library
	flags   []string      // the user's
	meta    artefact.Meta // what is known of the object before it is made
}

func newJob(r Request) (*job, error) {
	user, err := parseFlags(r.Env)
	if err != nil {
		return nil, err
	}
	var text []byte
	if r.Source != nil {
		text = []byte(*r.Source)
	} else if text, err = artefact.Read(r.sourcePath(), maxSource); errors.Is(err, fs.ErrNotExist) {
		return nil, errNoSource
	} else if err != nil {
		return nil, err
	}
	dirs := slices.Concat(r.Include, user.dirs)
	for i := range dirs {
		dirs[i] = absolute(dirs[i], r.Work)
	}
	library := newLibrary(r.Home)
	s, err := readSource(r.sourcePath(), text, dirs, user.files, library)
	if err != nil {
		return nil, err
	}
	return &job{r, s, library, user.rest, artefact.Meta{
		Key: artefact.Key(s.expanded(), r.Env, r.Arch), Arch: r.Arch, Release: r.Release, BTF: r.BTF, Engine: engine(s),
	}}, nil
}

// builder is what turned a source into an object, so far as it changes the object.
func builder(m artefact.Meta) [3]string { return [3]string{m.Release, m.BTF, m.Engine} }

// generation is raised when kernel types are printed in another way, or a new compiler is bundled.
const generation = 3

// engine names this version of the room: other flags or headers make another object of a source.
func engine(s *source) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", flags)
	for _, name := range slices.Sorted(maps.Keys(s.brought)) {
		fmt.Fprintf(h, "%q %d\n", name, len(s.brought[name]))
		io.WriteString(h, s.brought[name])
	}
	return fmt.Sprintf("%d-%x", generation, h.Sum(nil)[:8])
}
