#!/bin/bash
# build.sh DIR - link DIR/bpf-clang from Debian's or Ubuntu's static LLVM 19, and put the licences
# of all that went into it, and what it takes to link it again, into DIR/licences/bpf-clang.
set -euo pipefail
out=$(realpath -m "$1")
cd "$(dirname "$0")"
llvm=/usr/lib/llvm-19
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

clang=()
for part in Driver Frontend CodeGen Parse Serialization Sema APINotes Analysis Edit AST ASTMatchers \
	ExtractAPI InstallAPI Lex Basic Support; do
	clang+=("$llvm/lib/libclang$part.a")
done
mapfile -t archives < <("$llvm/bin/llvm-config" --link-static --libfiles bpf option passes lto linker irreader \
	coverage instrumentation coroutines objcarcopts windowsdriver hipstdpar \
	frontenddriver frontendopenmp frontendhlsl frontendoffloading | tr ' ' '\n')

g++ -std=c++17 -O2 -Wall -Wextra -fno-rtti -fno-exceptions -ffunction-sections \
	-isystem "$llvm/include" -c -o "$work/bpf-clang.o" bpf-clang.cpp
# A static program that asks for users or plug-ins draws warnings; this one does neither.
g++ -static -s -Wl,--gc-sections -Wl,-Map="$work/map" -o "$work/bpf-clang" "$work/bpf-clang.o" \
	-Wl,--start-group "${clang[@]}" "${archives[@]}" -Wl,--end-group -lzstd -lz \
	>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

licences=$out/licences/bpf-clang
rm -rf "$licences"
mkdir -p "$licences"
# The map has "ARCHIVE(MEMBER)" for what was taken from an archive, "LOAD FILE" for start files.
sed -nE 's,^(/[^ (]+\.a)\(.*,\1,p; s,^LOAD (/.+\.o)$,\1,p' "$work/map" | grep -vF "$work/" |
	xargs realpath | sort -u | xargs dpkg -S | sed 's/:.*//' | sort -u >"$work/packages"
while read -r package; do
	cp "/usr/share/doc/$package/copyright" "$licences/$package"
done <"$work/packages"
cp bpf-clang.cpp build.sh "$licences"
{
	echo "bpf-clang is one static program; parts of it, the C library among them, are under the LGPL."
	echo "With the packages below, in these or other versions, \`bash build.sh DIR\` links it anew:"
	xargs dpkg-query -W -f '${binary:Package} ${Version} (source: ${source:Package} ${source:Version})\n' <"$work/packages"
} >"$licences/relink.txt"
chmod 755 "$work/bpf-clang"
mv "$work/bpf-clang" "$out/bpf-clang"
