#!/bin/bash
# hello-watch.sh PYTHON - run guide/hello.py, start processes, show the lines of the trace about them.
set -euo pipefail
python=$1
program=$(cd "$(dirname "$0")/.." && pwd)/guide/hello.py
set -m # jobs in process groups of their own, that take a SIGINT

place=$(mktemp -d)
hello= tracer=
end() {
	kill $hello $tracer 2>/dev/null || true
	rm -rf "$place"
}
trap end EXIT
cd "$place"

"$python" -u "$program" >said 2>&1 &
hello=$!
trace=/sys/kernel/tracing
[ -e $trace/trace_pipe ] || mount -t tracefs tracefs $trace
cat $trace/trace_pipe >trace &
tracer=$!
disown # its end is no news

shown=0
for _ in $(seq 300); do
	kill -0 $hello 2>/dev/null || { echo "guide/hello.py ended early:" >&2; cat said >&2; exit 1; }
	/bin/true &
	pid=$!
	wait $pid
	sleep 0.1
	line=$(grep -E "hello lcc, .*: $pid\$" trace || true)
	[ -n "$line" ] || continue
	[ $shown -gt 0 ] || { cat said; echo "    process   line of $trace/trace_pipe"; }
	echo "    $(printf %-9s $pid) $(sed "s,^ *,," <<<"$line")"
	shown=$((shown + 1))
	[ $shown -lt 3 ] || break
done
[ $shown -gt 0 ] || { echo "no line about the processes that were started" >&2; cat said trace >&2; exit 1; }

kill -INT $hello
status=0
wait $hello || status=$?
tail -1 said
exit $status
