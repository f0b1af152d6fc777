#!/bin/bash
# library.sh DIR - build DIR/liblcc.so for every x86-64 Linux with glibc 2.17 or later, and put the
# licences of what is in it into DIR/licences/liblcc. zig brings the old glibc to link with.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "$1")
python=$PWD/build/venv/bin/python
export ZIG_GLOBAL_CACHE_DIR=$PWD/build/zig ZIG_LOCAL_CACHE_DIR=$PWD/build/zig
export CC="'$python' -m ziglang cc -target x86_64-linux-gnu.2.17" CGO_ENABLED=1 GOTOOLCHAIN=local

mkdir -p "$out" build/library
exports=$(mktemp) # a path without spaces
trap 'rm -f "$exports"' EXIT
cp capi/lcc.map "$exports"
go build -buildmode=c-shared -trimpath -buildvcs=false \
	-ldflags "-s -w -extldflags=-Wl,--version-script=$exports" -o build/library/liblcc.so ./capi

licences=$out/licences/liblcc
rm -rf "$licences"
mkdir -p "$licences"
# The path of each module that is in it is the path of its licence.
go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./capi | sort -u | while read -r module dir; do
	[ -n "$module" ] || continue
	mkdir -p "$(dirname "$licences/$module")"
	cp --no-preserve=mode "$dir/LICENSE" "$licences/$module"
done
# Packagers move Go's own licence about; its vendored modules have the same text in a fixed place.
cp --no-preserve=mode "$(go env GOROOT)/src/vendor/golang.org/x/sys/LICENSE" "$licences/go"
cp --no-preserve=mode "$("$python" -c 'import os, ziglang; print(os.path.dirname(ziglang.__file__))')/LICENSE" "$licences/zig"
# The library of before stays whole for whoever has it mapped.
mv build/library/liblcc.so "$out/liblcc.so"
