package compile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"

	"golang.org/x/sys/unix"
)

// errNoCompiler is behind the error that no compiler is there.
var errNoCompiler = errors.New("no compiler")

const oldest = 11 // the first clang that writes all relocations that libbpf's headers ask for

// compiler is a clang that knows BPF.
type compiler struct {
	path  string
	flags []string // where its own headers are
}

// findCompiler takes the one that the request names, then the one in its home, then a clang on its
// path. One that somebody else could have written is not run: it would run as the caller, who may
// be root.
func findCompiler(ctx context.Context, r Request) (*compiler, error) {
	if r.Clang != "" {
		path, err := named(r.Clang, r.Path)
		if err == nil {
			path, err = artefact.Executable(path)
		}
		if err != nil {
			return nil, &fault.Error{Kind: fault.Missing, Op: "use the compiler of LBC_CLANG", Cause: err,
				Hint: "give the absolute path of a clang, or unset LBC_CLANG"}
		}
		return newCompiler(path), nil
	}
	if path := filepath.Join(r.Home, "bpf-clang"); r.Home != "" && isFile(path) && unix.Access(path, unix.X_OK) == nil {
		return newCompiler(path), nil
	}
	missing := &fault.Error{Kind: fault.Missing, Op: "compile", Cause: fmt.Errorf("%w: no bpf-clang in %q and no clang >= %d on PATH",
		errNoCompiler, r.Home, oldest), Hint: "pip install coolbpf brings one; or install clang; or set LBC_CLANG to the path of one"}
	for _, path := range clangs(r.Path) {
		if path, err := artefact.Executable(path); err != nil {
			missing.Detail += err.Error() + "\n"
		} else if version := clangVersion(ctx, path, r.Temp); version < oldest {
			missing.Detail += fmt.Sprintf("%s: version %d\n", path, version)
		} else {
			return newCompiler(path), nil
		}
	}
	if ctx.Err() != nil {
		return nil, &fault.Error{Kind: fault.System, Op: "compile", Cause: context.Cause(ctx)}
	}
	return nil, missing
}

// named is the absolute path of a program that is given as a path, or as a name in the directories.
func named(program, directories string) (string, error) {
	if strings.Contains(program, "/") {
		return filepath.Abs(program)
	}
	for _, dir := range filepath.SplitList(directories) {
		if path := filepath.Join(dir, program); filepath.IsAbs(path) && isFile(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no %s in %s: %w", program, directories, fs.ErrNotExist)
}

// newCompiler knows where a clang has stddef.h and the like: the bundled one in include/clang
// beside it, any other where it says. No compiler may use headers of the machine.
func newCompiler(path string) *compiler {
	own := filepath.Join(filepath.Dir(path), "include", "clang")
	if isFile(filepath.Join(own, "stddef.h")) {
		return &compiler{path, []string{"-nostdinc", "-isystem", own}}
	}
	return &compiler{path, []string{"-nostdlibinc"}}
}

var numbered = pattern(`^clang-([0-9]+)$`)

// clangs are the clang and all clang-NN in the directories, the newest first.
func clangs(directories string) []string {
	var plain, versions []string
	for _, dir := range filepath.SplitList(directories) {
		if !filepath.IsAbs(dir) {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // a path may name what is not there
		}
		for _, e := range entries {
			if e.Name() == "clang" {
				plain = append(plain, filepath.Join(dir, "clang"))
			} else if numbered().MatchString(e.Name()) {
				versions = append(versions, filepath.Join(dir, e.Name()))
			}
		}
	}
	number := func(path string) int {
		n, _ := strconv.Atoi(numbered().FindStringSubmatch(filepath.Base(path))[1])
		return n
	}
	slices.SortStableFunc(versions, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
	return append(plain, versions...)
}

var versionText = pattern(`clang version ([0-9]+)\.`)

// clangVersion is 0 for what is no clang.
func clangVersion(ctx context.Context, path, temp string) int {
	output, err := run(ctx, path, []string{"--version"}, "/", temp)
	m := versionText().FindStringSubmatch(output)
	if err != nil || m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func isFile(path string) bool {
	s, err := os.Stat(path)
	return err == nil && s.Mode().IsRegular()
}
