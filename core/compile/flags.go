package compile

import (
	"errors"
	"fmt"
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
		"-MMD", "-MF", w.used(),
	})
	for _, dir := range s.dirs {
		args = append(args, "-I", w.files(dir))
	}
	for _, path := range s.before {
		args = append(args, "-include", w.files(path))
	}
	return slices.Concat(args, user, []string{"-o", w.object(), s.name})
}

// userFlags is env, taken apart.
type userFlags struct {
	rest  []string
	dirs  []string // searched for headers
	files []string // included before the source
}

// reading are the flags that name a directory or a file of headers. These are read by us, so that
// what they hold counts for the key, and is not used where others could have written it.
var reading = map[string]func(*userFlags, string){
	"-isystem":   func(u *userFlags, dir string) { u.dirs = append(u.dirs, dir) },
	"-iquote":    func(u *userFlags, dir string) { u.dirs = append(u.dirs, dir) },
	"-idirafter": func(u *userFlags, dir string) { u.dirs = append(u.dirs, dir) },
	"-I":         func(u *userFlags, dir string) { u.dirs = append(u.dirs, dir) },
	"-include":   func(u *userFlags, file string) { u.files = append(u.files, file) },
}

// unknown are the beginnings of flags that read or write other files, or make something else than
// an object for BPF.
var unknown = []string{"@", "-o", "-x", "-X", "-B", "-E", "-S", "-M", "-l", "-L", "--", "-i", "-fplugin", "-fpass-plugin",
	"-fmodule", "-fprofile", "-fdebug-prefix-map", "-target", "-cc1", "-load", "-save-temps", "-resource-dir", "-specs", "-Wp,", "-Wa,",
	"-Wl,", "-mllvm", "-ftime-trace", "-ftime-report", "-fsanitize", "-fsave-optimization-record", "-foptimization-record", "-fcs-profile",
	"-fcrash-diagnostics", "-fproc-stat-report", "-serialize", "-dependency", "-working-directory"}

func parseFlags(env string) (*userFlags, error) {
	words, err := split(env)
	if strings.Contains(env, "\x00") {
		err = errors.New("it contains a NUL")
	}
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "split env", Subject: env, Cause: err}
	}
	u := &userFlags{}
next:
	for i := 0; i < len(words); i++ {
		word := words[i]
		for flag, keep := range reading {
			value, ok := strings.CutPrefix(word, flag)
			if !ok || strings.HasPrefix(value, "-") { // another flag, with the same beginning
				continue
			}
			if value == "" && i+1 < len(words) {
				i++
				value = words[i]
			}
			if value == "" || strings.HasPrefix(value, "-") {
				return nil, &fault.Error{Kind: fault.Invalid, Op: "use env", Subject: env, Cause: fmt.Errorf("%s needs a value", flag)}
			}
			keep(u, value)
			continue next
		}
		for _, beginning := range unknown {
			if strings.HasPrefix(word, beginning) || !strings.HasPrefix(word, "-") {
				return nil, &fault.Error{Kind: fault.Invalid, Op: "use env", Subject: env, Cause: fmt.Errorf("%s is not for a BPF object", word),
					Hint: "what is: -D, -U, -I, -isystem, -iquote, -idirafter, -include, -W, -O, -g, -f, -m, -std"}
			}
		}
		u.rest = append(u.rest, word)
	}
	return u, nil
}

func absolute(path, work string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(work, path)
}
