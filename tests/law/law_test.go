// Package law holds the project to the import table of docs/architecture.md.
package law

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module, ebpf = "coolbpf/", "github.com/cilium/ebpf"

// room is a row of the table.
type room struct {
	half    string // MAKE, RUN or floor
	may     []string
	mustNot []string
}

// table reads the rooms, and which half each is in, from the document.
func table(t *testing.T) map[string]room {
	t.Helper()
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	halves := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^    (MAKE|RUN|floor) (.*)$`).FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile(`\w+$|\w+  `).FindAllString(m[2], -1) {
			halves[strings.TrimSpace(name)] = m[1]
		}
	}
	rooms := map[string]room{}
	row := regexp.MustCompile("(?m)^\\| `core/(\\w+)` \\|[^|]*\\|([^|]*)\\|([^|]*)\\|$")
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		rooms[m[1]] = room{halves[m[1]], words(m[2]), words(m[3])}
		if halves[m[1]] == "" {
			t.Errorf("core/%s is in no half", m[1])
		}
	}
	if len(rooms) < 5 {
		t.Fatalf("the table of docs/architecture.md has %d rooms; is this test blind?", len(rooms))
	}
	return rooms
}

func words(cell string) []string {
	var all []string
	for word := range strings.SplitSeq(cell, ",") {
		all = append(all, strings.TrimSpace(word))
	}
	return all
}

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	CgoFiles   []string
}

func list(t *testing.T, patterns ...string) []pkg {
	t.Helper()
	c := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,CgoFiles"}, patterns...)...)
	c.Dir, c.Env, c.Stderr = "../..", append(os.Environ(), "CGO_ENABLED=1"), os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// names says how the table may call an import: its own name and the groups that it is in.
func names(path string, rooms map[string]room) []string {
	if name, ok := strings.CutPrefix(path, module+"core/"); ok {
		return []string{name, rooms[name].half, rooms[name].half + " rooms"}
	}
	if rest, ok := strings.CutPrefix(path, ebpf); ok {
		return []string{"ebpf" + rest}
	}
	if rest, ok := strings.CutPrefix(path, "golang.org/"); ok {
		name, _, _ := strings.Cut(strings.TrimPrefix(rest, "x/"), "/")
		return []string{"x/" + name}
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") && first+"/" != module {
		// "exec" is short for "os/exec".
		return []string{"std", path, path[strings.LastIndex(path, "/")+1:]}
	}
	return []string{path}
}

// allowed is the law: what the row names and the standard library, but nothing that it forbids.
func allowed(r room, path string, rooms map[string]room) bool {
	called := names(path, rooms)
	within := func(list []string) bool {
		return slices.ContainsFunc(called, func(name string) bool { return slices.Contains(list, name) })
	}
	return (within(r.may) || called[0] == "std") && !within(r.mustNot)
}

func TestImports(t *testing.T) {
	rooms := table(t)
	seen := map[string]bool{}
	for _, p := range list(t, "./core/...") {
		name := strings.TrimPrefix(p.ImportPath, module+"core/")
		r, ok := rooms[name]
		if !ok {
			t.Errorf("%s has no row in docs/architecture.md", p.ImportPath)
			continue
		}
		seen[name] = true
		for _, path := range p.Imports {
			if !allowed(r, path, rooms) {
				t.Errorf("core/%s imports %s; its row allows %v and forbids %v", name, path, r.may, r.mustNot)
			}
		}
	}
	for name := range rooms {
		if !seen[name] {
			t.Errorf("docs/architecture.md has a row for core/%s, which has no Go package", name)
		}
	}
}

// The two halves meet in Python: no chain of imports leads from one to the other.
func TestHalves(t *testing.T) {
	rooms := table(t)
	imports := map[string][]string{}
	for _, p := range list(t, "./core/...") {
		imports[p.ImportPath] = p.Imports
	}
	var reach func(from, path string)
	reach = func(from, path string) {
		for _, next := range imports[path] {
			if half := rooms[strings.TrimPrefix(next, module+"core/")].half; imports[next] != nil {
				if half != "floor" && half != rooms[from].half {
					t.Errorf("core/%s (%s) reaches %s (%s)", from, rooms[from].half, next, half)
				}
				reach(from, next)
			}
		}
	}
	for name := range rooms {
		reach(name, module+"core/"+name)
	}
}

// The test of the test: what the table forbids is noticed.
func TestTheLawCanSayNo(t *testing.T) {
	rooms := map[string]room{
		"low": {"floor", []string{"std"}, []string{"everything else"}}, "up": {"RUN", []string{"low", "ebpf/btf"}, []string{"os", "exec"}},
		"all": {"RUN", []string{"RUN rooms", "floor"}, []string{"MAKE rooms"}}, "make": {"MAKE", nil, nil},
	}
	for _, c := range []struct {
		room, path string
		want       bool
	}{
		{"low", "os/exec", true}, {"low", module + "core/up", false}, {"low", "golang.org/x/sys/unix", false},
		{"up", module + "core/low", true}, {"up", ebpf + "/btf", true}, {"up", ebpf, false}, {"up", ebpf + "/link", false},
		{"up", "os", false}, {"up", "os/exec", false}, {"up", "strings", true}, {"up", "example.org/x", false}, {"up", "C", true},
		{"all", module + "core/up", true}, {"all", module + "core/low", true}, {"all", module + "core/make", false},
		{"all", module + "capi", false},
	} {
		if got := allowed(rooms[c.room], c.path, rooms); got != c.want {
			t.Errorf("core/%s imports %s: allowed %v, want %v", c.room, c.path, got, c.want)
		}
	}
}

func TestOnlyTheBoundaryIsC(t *testing.T) {
	for _, p := range list(t, "./...") {
		if p.ImportPath != module+"capi" && (len(p.CgoFiles) > 0 || slices.Contains(p.Imports, "C")) {
			t.Errorf("%s imports \"C\"; only capi may", p.ImportPath)
		}
	}
	c := exec.Command("go", "build", "./core/...")
	c.Dir, c.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("core without cgo: %v\n%s", err, out)
	}
	if files, err := filepath.Glob("../../core/*.go"); err != nil || files != nil {
		t.Errorf("core has a package at its root: %v, %v", files, err)
	}
}

func TestOnlyOneFileOpensTheLibrary(t *testing.T) {
	var found []string
	err := filepath.WalkDir("../../pylcc", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".py" {
			return err
		}
		text, err := os.ReadFile(path)
		if regexp.MustCompile(`\bCDLL\b|\bLoadLibrary\b|\bPyDLL\b`).Match(text) {
			found = append(found, filepath.Base(path))
		}
		return err
	})
	if err != nil || !slices.Equal(found, []string{"_lib.py"}) {
		t.Errorf("these say CDLL: %v, want _lib.py alone; %v", found, err)
	}
}
