#!/bin/bash
# lint.sh - what can be said of the sources without running them.
set -uo pipefail
cd "$(dirname "$0")/../.."
bad=0
check() { # check TITLE COMMAND...: fails when the command does
	local title=$1
	shift
	echo "lint: $title"
	"$@" || bad=1
}

no_output() { local output; output=$("$@" 2>&1) && [ -z "$output" ] || { echo "$output"; return 1; }; }

# pythons prints the interpreters of this machine, the oldest version first.
pythons() {
	for p in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python /usr/bin/python[23].[0-9]*; do
		[[ $p != *-config && -x $p ]] && "$p" -c 'import sys; print("%d %d %s" % (sys.version_info[0], sys.version_info[1], sys.executable))'
	done | sort -n -k1,1 -k2,2 | cut -d' ' -f3
}

parses='import sys
for path in sys.argv[1:]:
    if path.endswith("_asyncio.py") and sys.version_info < (3,):
        continue  # Python 2 neither imports nor reads it
    with open(path, "rb") as f:
        compile(f.read(), path, "exec")'

mapfile -t python_files < <(git ls-files -co --exclude-standard '*.py')
mapfile -t shell_files < <(git ls-files -co --exclude-standard | xargs grep -lE '^#!/bin/(ba)?sh')
mapfile -t package_files < <(git ls-files -co --exclude-standard 'pylcc/*.py' 'guide/*.py')
mapfile -t found < <(pythons)

check "gofmt" no_output gofmt -l capi core tests
check "go vet" go vet ./...
[ ${#found[@]} -gt 0 ] || found=(python3)
for python in "${found[0]}" "${found[-1]}"; do
	check "$("$python" --version 2>&1) parses pylcc and guide" "$python" -c "$parses" "${package_files[@]}"
done
# Names that do not exist, code that cannot be meant; taste is left alone.
check "flake8" build/venv/bin/python -m flake8 --isolated --select=E9,F4,F5,F6,F7,F8 --extend-ignore=F403,F405 \
	--per-file-ignores='pylcc/*:F401' --builtins=long,unicode,xrange "${python_files[@]}"
for file in "${shell_files[@]}"; do
	bash -n "$file" || bad=1
done
exit $bad
