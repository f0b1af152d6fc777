#!/bin/bash
# run.sh [GROUP...] - make bench: what coolbpf costs, beside BCC and a C program on libbpf where these
# are installed, in less than five minutes. GROUP: a file here that has run(bench); without one, all of
# them, and docs/performance.md is written.
#
#   PYTHONS  versions to measure, default all that are here
#   ROUNDS   how often each is measured, default 3
set -euo pipefail
cd "$(dirname "$0")/../.."
ls dist/coolbpf-*.whl >/dev/null 2>&1 || { echo "there is no wheel in dist/: run make wheel" >&2; exit 1; }

build=build/bench
mkdir -p $build
# One copy for all Pythons; a wheel that is older is in it already.
if [ ! $build/site -nt "$(ls dist/coolbpf-*.whl)" ]; then
	rm -rf $build/site
	build/venv/bin/pip install -q --disable-pip-version-check --no-index --no-deps --target $build/site dist/coolbpf-*.whl
	touch $build/site
fi
gcc -O2 -Wall -Wextra -o $build/producer tests/bench/producer.c
rm -f $build/peer
if [ -e /usr/include/bpf/libbpf.h ]; then
	gcc -O2 -Wall -Wextra -o $build/peer tests/bench/peer.c -lbpf
fi

# BCC reads the headers of a kernel. It wants one tree; Debian splits them in two.
headers=/lib/modules/$(uname -r)/build
for split in /usr/src/linux-headers-*-common; do :; done
if [ ! -e "$headers" ] && [ -e "$split" ]; then
	headers=$PWD/$build/headers
	rm -rf "$headers"
	mkdir "$headers"
	cp -rs "$split/." "$headers"
	cp -rsf "${split%common}$(dpkg --print-architecture)/." "$headers"
fi
if [ -e "$headers" ] && /usr/bin/python3 -c 'import bcc' 2>/dev/null; then
	export BCC_KERNEL_SOURCE=$headers BCC=/usr/bin/python3
fi
exec python3 tests/bench/bench.py "$@"
