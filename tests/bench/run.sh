#!/bin/bash
# run.sh - make bench: what coolbpf costs, beside BCC where that is installed. Ratios of one run.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=$PWD/build/bench-venv
python3 -m venv --clear "$venv"
"$venv/bin/pip" install -q --no-index dist/coolbpf-*.whl

bcc_python= bcc_headers=
headers=$(ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | tail -1 || true)
if /usr/bin/python3 -c 'import bcc' 2>/dev/null && [ -n "$headers" ]; then
	# BCC wants one tree; Debian splits the headers in two.
	bcc_python=/usr/bin/python3 bcc_headers=$PWD/build/bcc-headers
	if [ ! -d "$bcc_headers" ]; then
		mkdir "$bcc_headers"
		cp -rs "${headers%-amd64}-common/." "$bcc_headers"
		cp -rsf "$headers/." "$bcc_headers"
	fi
fi
exec "$venv/bin/python" tests/bench/start.py "$venv/bin/python" "$bcc_python" "$bcc_headers"
