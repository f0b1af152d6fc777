#!/bin/bash
# headers.sh DIR - put the headers that travel with the compiler into DIR/include, and their
# licences into DIR/licences: libbpf's for BPF programs (bpf/), clang's own (clang/).
# LIBBPF_INCLUDE names a directory that has bpf/bpf_helpers.h of libbpf 1.4 or later.
set -euo pipefail
out=$(realpath -m "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
oldest=1.4 # reads bitfields right, and knows the kfuncs of libraries in use

fail() { echo "headers: $*" >&2; exit 1; }

# version DIR prints the version of the libbpf whose headers are in DIR/bpf.
version() {
	awk '/define LIBBPF_MAJOR_VERSION/ { major = $3 } /define LIBBPF_MINOR_VERSION/ { minor = $3 }
	     END { if (major != "") print major "." minor }' "$1/bpf/libbpf_version.h" 2>/dev/null || true
}

recent() { [ -n "$1" ] && printf '%s\n' "$oldest" "$1" | sort -VC; }

# unpack APT_OPTIONS... downloads the candidate of libbpf-dev, when it is recent, to $work/libbpf.
unpack() {
	local candidate
	candidate=$(apt-cache "$@" policy libbpf-dev | awk '/Candidate:/ { print $2 }')
	recent "${candidate#*:}" || return
	(cd "$work" && apt-get "$@" -qq -o APT::Sandbox::User="$(id -un)" download libbpf-dev >&2 && dpkg -x libbpf-dev_*.deb libbpf)
}

# from SUITE unpacks from another suite of the mirror that the machine uses, checked with the
# distribution's key. All that apt keeps about it stays in $work: the machine's lists are as before.
from() {
	local suite=$1 key=/usr/share/keyrings/$ID-archive-keyring.gpg mirror
	mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		awk -v release="$VERSION_CODENAME" '$1 == release && $2 == "main" { print $3; exit }')
	[ -n "$mirror" ] && [ -f "$key" ] || return
	rm -rf "$work/apt"
	mkdir -p "$work/apt/"{lists,cache}/partial
	: >"$work/apt/status"
	echo "deb [signed-by=$key] $mirror $suite main" >"$work/apt/sources.list"
	local private=(-o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o Dir::State::Lists="$work/apt/lists" -o Dir::State::status="$work/apt/status"
		-o Dir::Cache="$work/apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)"
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
	echo "headers: look for libbpf-dev >= $oldest in $suite" >&2
	apt-get "${private[@]}" -qq update >&2 && unpack "${private[@]}"
}

find_libbpf() {
	if [ -n "${LIBBPF_INCLUDE:-}" ]; then
		[ -f "$LIBBPF_INCLUDE/bpf/bpf_helpers.h" ] || fail "LIBBPF_INCLUDE=$LIBBPF_INCLUDE: no bpf/bpf_helpers.h in it"
		recent "$(version "$LIBBPF_INCLUDE")" || fail "LIBBPF_INCLUDE=$LIBBPF_INCLUDE: libbpf $(version "$LIBBPF_INCLUDE"), not >= $oldest"
		include=$LIBBPF_INCLUDE
	elif recent "$(version /usr/include)"; then
		include=/usr/include
	elif command -v apt-get >/dev/null && . /etc/os-release &&
		{ unpack || from "$VERSION_CODENAME-backports" || from "${newer[$ID]:-$VERSION_CODENAME}"; }; then
		include=$work/libbpf/usr/include
	else
		fail "no libbpf-dev >= $oldest found (give the directory of its headers in LIBBPF_INCLUDE)"
	fi
}

declare -A newer=([debian]=stable [ubuntu]=resolute)
find_libbpf
rm -rf "$out/include" "$out/licences/libbpf" "$out/licences/clang-headers"
mkdir -p "$out/include/bpf" "$out/licences"
for header in bpf_helpers bpf_helper_defs bpf_core_read bpf_tracing bpf_endian usdt.bpf; do
	cp -L "$include/bpf/$header.h" "$out/include/bpf"
done
licence=
for path in share/doc/libbpf-dev/copyright share/licenses/libbpf/LICENSE.BSD-2-Clause ../LICENSE.BSD-2-Clause; do
	[ -f "$include/../$path" ] && licence=$include/../$path && break
done
[ -n "$licence" ] || fail "no licence text beside $include (looked for LICENSE.BSD-2-Clause)"
cp -L "$licence" "$out/licences/libbpf"
echo "headers: libbpf $(version "$include")"

clang=/usr/lib/llvm-19/lib/clang/19/include
if [ -d "$clang" ]; then
	mkdir "$out/include/clang"
	cp -L "$clang"/{stddef,stdint,stdbool,stdarg,limits}.h "$clang"/__std{def,arg}_*.h "$out/include/clang"
	cp -L /usr/share/doc/libclang-common-19-dev/copyright "$out/licences/clang-headers"
fi
