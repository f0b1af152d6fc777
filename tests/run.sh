#!/bin/bash
# run.sh - make test: everything, summed up in the last line.
#
#   KERNELS   kernels for virtual machines (5.10 6.1 6.12 newest), default 6.1
#   PYTHONS   versions, default that of the python3 on PATH
#   STRICT    1: a skip is a failure, and a published name that no test calls; so are more than three
#             tests that had to run again
#   TUTORIAL  the tutorial's Markdown file; without it its programs are skipped
#   JOBS      jobs side by side, default 2
#
# run.sh JOB... runs one job of it: go | python 3.12 | long 3.12 | types 3.12 | kernel 6.1 3.12 | go_kernel 6.1 | kernels.
set -euo pipefail
cd "$(dirname "$0")/.."
export KERNELS=${KERNELS-6.1} STRICT=${STRICT:-0}
export PYTHONS=${PYTHONS-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
[ -z "${TUTORIAL:-}" ] || TUTORIAL=$(realpath "$TUTORIAL")
export TUTORIAL=${TUTORIAL:-} PYTHONDONTWRITEBYTECODE=1
# On a loaded machine that emulates another, a moment can last a second: what fails gets a second chance, and is named.
export PYTEST_ADDOPTS="--reruns 1 -raR"
out=$PWD/build/test
kprobes=/sys/bus/event_source/devices/kprobe
newest=$(tr ' ' '\n' <<<"$PYTHONS" | sort -V | tail -1)

die() { echo "$*" >&2; exit 1; }

# interpreter VERSION prints its path: a pyenv shim of the name may be there and not work.
interpreter() {
	local candidate
	for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
		"$candidate" -c 'import sys; print(sys.executable); sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$1" 2>/dev/null &&
			return
	done
	die "there is no Python $1 on PATH or below ${PYENV_ROOT:-$HOME/.pyenv}/versions"
}

# venv VERSION [FOLDER] makes a fresh environment with the wheel, pytest, and what tests/FOLDER needs,
# once in a run; prints its path.
venv() {
	local place=$out/venv-$1${2:+-$2} python
	(
		flock 9
		[ ! -e "$place/ready" ] || exit 0
		python=$(interpreter "$1") || exit 1
		if [[ $1 == 2.* ]]; then
			# The last virtualenv that knows Python 2.7.
			python3 -m venv "$out/virtualenv"
			"$out/virtualenv/bin/pip" install -q --disable-pip-version-check 'virtualenv==20.21.1'
			"$out/virtualenv/bin/virtualenv" -q --no-download -p "$python" "$place"
		else
			"$python" -m venv "$place"
		fi
		"$place/bin/pip" install -q --disable-pip-version-check --no-index dist/coolbpf-*.whl
		"$place/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt
		[ -z "${2:-}" ] || "$place/bin/pip" install -q --disable-pip-version-check -r "tests/$2/requirements.txt"
		touch "$place/ready"
	) 9>"$place.lock" >&2 && echo "$place"
}

job_go() {
	go test -count=1 -v ./...
}

# record JOB PYTHON sets what records which names are called, where that is the newest Python: options
# of pytest and variables.
record() {
	options=()
	if [ "$2" = "$newest" ] && [[ $2 != 2.* ]]; then
		export LCC_RECORD=$out/record-$1 PYTHONPATH=$PWD/tests/record
		mkdir -p -m 1777 "$LCC_RECORD" # for processes of other users too
		options=(-p recording -o enable_assertion_pass_hook=true)
	fi
}

job_python() {
	local place tests=(tests/api) options
	place=$(venv "$1")
	record "python-$1" "$1"
	[ ! -e $kprobes ] || tests+=(tests/kprobe tests/scripts)
	timeout -s ABRT 900 "$place/bin/pytest" "${options[@]}" "${tests[@]}"
}

# What takes long and is the same on each Python: generated structs, threads for a minute.
job_long() {
	local place
	place=$(venv "$1" long)
	LBC_TEST_SECONDS=60 timeout -s ABRT 900 "$place/bin/pytest" tests/long tests/api/test_threads.py
}

# The type stubs, by a mypy that needs Python 3.10.
job_types() {
	local place
	place=$(venv "$1" types)
	timeout 300 "$place/bin/pytest" tests/types
}

job_kernel() {
	local place options
	place=$(venv "$2")
	record "kernel-$1" "$2"
	# What the guest writes is kept in the directory of -d alone.
	tests/vm/run -t 1800 ${LCC_RECORD:+-d "$LCC_RECORD"} -e LCC_RECORD -e PYTHONPATH -e TUTORIAL -e PYTHONDONTWRITEBYTECODE -e PYTEST_ADDOPTS "$1" -- \
		"$place/bin/pytest" "${options[@]}" tests/kprobe tests/scripts tests/api/test_tables.py tests/api/test_take.py
}

# The rooms that talk to a kernel, tested on an other one, and the header room on its types.
job_go_kernel() {
	local room rooms="attach events kernel session symbols tables" place=$out/go-$1
	mkdir "$place"
	for room in $rooms; do
		CGO_ENABLED=0 go test -c -tags kernel -o "$place/$room.test" "./core/$room"
	done
	VM_CPUS=3 tests/vm/run -t 1800 -d "$place" "$1" -- bash -c 'cp /sys/kernel/btf/vmlinux "$0/btf"
		for room in $1; do (cd "core/$room" && "$0/$room.test" -test.v) || bad=1; done; exit $bad' "$place" "$rooms"
	LBC_TEST_BTF=$place/btf go test -count=1 -v -run 'HeaderHas|Pruned|NeededIs' ./core/compile
}

# One program, built on one kernel and run on an other.
job_kernels() {
	local place
	place=$(venv "$newest")
	timeout 600 "$place/bin/pytest" tests/vm
}

jobs_of_all() {
	local kernel python
	echo go
	[[ $newest == 2.* ]] || echo "long $newest"
	! printf '%s\n' 3.10 "$newest" | sort -VC || echo "types $newest"
	for kernel in $KERNELS; do
		echo "kernel $kernel $newest"
		echo "go_kernel $kernel"
	done
	for python in $PYTHONS; do
		echo "python $python"
		[[ $python != 2.* || -z $KERNELS ]] || echo "kernel ${KERNELS%% *} $python"
	done
	[[ $KERNELS != *" "* ]] || echo kernels
}

# count LOG JOB reads a log of go test or pytest: passed, failed, skipped, run again. A Go test that needs kprobes
# or a virtual machine is not skipped where the jobs go_kernel run it too.
count() {
	local elsewhere=
	[ "$2" != go ] || [ -z "$KERNELS" ] || elsewhere='kprobe|virtual machine'
	awk -v elsewhere="$elsewhere" '
		/^ *--- PASS/ { passed++ }
		/^ *--- FAIL/ { failed++ }
		/^ *--- SKIP/ && !(elsewhere && (previous $0) ~ elsewhere) { skipped++ }
		/^=+ .* in [0-9.:]+ ?s/ {
			for (i = 2; i <= NF; i++) {
				if ($i ~ /^passed/) passed += $(i - 1)
				if ($i ~ /^(failed|error)/) failed += $(i - 1)
				if ($i ~ /^skipped/) skipped += $(i - 1)
				if ($i ~ /^rerun/) again += $(i - 1)
			}
		}
		{ previous = $0 }
		END { print passed + 0, failed + 0, skipped + 0, again + 0 }' "$1"
}

# run_job WORDS... runs one job and reports it, also in the file of sums.
run_job() {
	local name=$* status passed failed skipped again begin=$SECONDS
	local log=$out/${name// /-}.log
	set +e # and not ||, which would switch off the inner one
	(set -e; "job_$1" "${@:2}") >"$log" 2>&1 </dev/null
	status=$?
	set -e
	read -r passed failed skipped again < <(count "$log" "$1")
	[ $status = 0 ] || [ "$failed" != 0 ] || failed=1
	(
		flock 9
		echo "$passed $failed $skipped $again" >>"$out/sum"
		echo "test: $name: $passed passed, $failed failed, $skipped skipped, $again run again, $((SECONDS - begin)) s"
		[ "$((failed + again))" = 0 ] || cat "$log"
		[ "$failed" = 0 ] || echo "test: $name FAILED, exit status $status, see $log"
		[ "$skipped" = 0 ] || grep -B1 -E '^SKIPPED|^ *--- SKIP' "$log" || true
	) 9>"$out/lock"
}

if [ $# -gt 0 ]; then
	run_job "$@"
	exit
fi

[ "$(id -u)" = 0 ] || die "make test loads programs into the kernel: run it as root (sudo make test)"
ls dist/coolbpf-*.whl >/dev/null 2>&1 || die "there is no wheel in dist/: run make wheel"
rm -rf "$out"
mkdir -p "$out"
[ -z "$KERNELS" ] || tests/vm/fetch $KERNELS
# Absent interpreters are found out before the first test runs.
for python in $PYTHONS; do interpreter "$python" >/dev/null; done
jobs_of_all | xargs -P "${JOBS:-2}" -L 1 tests/run.sh

# Who has run all of it writes down what was shown to work.
unproven=0
if [[ $newest != 2.* ]] && { [ -n "$KERNELS" ] || [ -e $kprobes ]; }; then
	python3 tests/record/report.py docs/compatibility.md "$out"/record-* || unproven=1
fi

awk -v strict="$STRICT" -v unproven=$unproven '
	{ passed += $1; failed += $2; skipped += $3; again += $4 }
	END {
		printf "%d passed, %d failed, %d skipped, %d run again\n", passed, failed, skipped, again
		exit failed > 0 || !passed || (strict == 1 && (skipped + unproven > 0 || again > 3))
	}' "$out/sum"
