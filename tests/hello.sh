#!/bin/bash
# hello.sh - run guide/hello.py from the wheel in dist/ on a kernel with kprobes, and show what it prints.
# KERNEL: 5.10, 6.1, 6.12 or newest, for the virtual machine; default one that was fetched before, or 6.1.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "hello: $*"; }

wheel=$(ls -t dist/coolbpf-*.whl 2>/dev/null | head -1 || true)
[ -n "$wheel" ] || { say "there is no wheel in dist/: run make wheel" >&2; exit 1; }
venv=$PWD/build/hello-venv
if ! sha256sum --check --status "$venv/wheel.sha256" 2>/dev/null; then
	say "install $(basename "$wheel") in build/hello-venv"
	rm -rf "$venv"
	python3 -m venv "$venv"
	"$venv/bin/pip" install -q --disable-pip-version-check --no-index "$wheel"
	sha256sum "$wheel" >"$venv/wheel.sha256"
fi

why=
[ "$(id -u)" = 0 ] || why="you are not root"
[ -e /sys/bus/event_source/devices/kprobe ] || why="this machine's kernel has no kprobes"
if [ -z "$why" ]; then
	say "run guide/hello.py on this machine's kernel, $(uname -r)"
	tests/hello-watch.sh "$venv/bin/python"
else
	kernel=${KERNEL:-$(for k in 6.1 6.12 newest 5.10; do [ ! -e "build/kernels/$k/release" ] || echo "$k"; done | head -1)}
	kernel=${kernel:-6.1}
	say "run guide/hello.py in a virtual machine with Debian's kernel $kernel, as $why"
	tests/vm/run -t 120 "$kernel" -- tests/hello-watch.sh "$venv/bin/python"
fi

echo
say "it works. Next: read guide/eventOut.py, which sends C structs to Python; all tests: make test"
