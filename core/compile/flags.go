package compile

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"coolbpf/core/fault"
)

// flags are those that every compiler gets. -mcpu=v2 is what the oldest kernels take. What newer
// clangs refuse by default only warns, as it did when many scripts were written; but a function
// that nobody declares would load nowhere. From the embedded source the lines of C get into BTF,
// and from there into the verifier's log.
var flags = []string{"-target", "bpf", "-mcpu=v2", "-O2", "-g", "-gdwarf-5", "-gembed-source", "-gz", "-c", "-fno-stack-protector",
	"-Wno-unknown-warning-option",
	"-Wno-error=int-conversion",
	"-Wno-error=incompatible-pointer-types",
	"-Wno-error=incompatible-function-pointer-types",
	"-Wno-error=implicit-int",
	"-Wno-error=return-type",
	"-Wno-error=return-mismatch",
	"-Werror=implicit-function-declaration",
}

// targets are the names that libbpf's headers have for machines, by what uname -m says.
var targets = map[string]string{"x86_64": "x86", "aarch64": "arm64"}

func knownArch(arch string) error {
	if targets[arch] == "" {
		return &fault.Error{Kind: fault.Invalid, Op: "compile for", Subject: arch, Cause: errors.New("unknown machine"),
			Hint: "known: " + strings.Join(slices.Sorted(maps.Keys(targets)), ", ")}
	}
	return nil
}

// command is the compiler's command line.
func command(c *compiler, w *workspace, s *source, arch string, user []string) []string {
	args := slices.Concat(flags, c.flags, []string{
		"-D__TARGET_ARCH_" + targets[arch],
		// The object has the user's paths, and is the same wherever it was made.
		"-fdebug-prefix-map=" + w.files("") + "=",
		"-fdebug-prefix-map=" + w.ours("") + "=coolbpf",
		// A system directory: nobody is warned of what is ours.
		"-isystem", w.ours(""),
	})
	for _, dir := range s.dirs {
		args = append(args, "-I", w.files(dir))
	}
	return slices.Concat(args, user, []string{"-o", w.object(), s.name})
}

// userFlags splits env. Directories that it names by -I are searched by us, as those of
// Request.Include are, so that what they hold counts for the key.
func userFlags(env string) (rest, dirs []string, err error) {
	words, err := split(env)
	if strings.Contains(env, "\x00") {
		err = errors.New("it contains a NUL")
	}
	if err != nil {
		return nil, nil, &fault.Error{Kind: fault.Invalid, Op: "split env", Subject: env, Cause: err}
	}
	for i := 0; i < len(words); i++ {
		dir, ok := strings.CutPrefix(words[i], "-I")
		if ok && dir == "" && i+1 < len(words) {
			i++
			dir = words[i]
		}
		if ok && dir != "" {
			dirs = append(dirs, dir)
		} else {
			rest = append(rest, words[i])
		}
	}
	return rest, dirs, nil
}

func absolute(path, work string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(work, path)
}
