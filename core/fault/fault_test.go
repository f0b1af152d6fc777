package fault

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
)

func TestSentence(t *testing.T) {
	err := &Error{Kind: Attach, Op: "attach kprobe", Subject: "wake_up_new_tsk",
		Cause: fmt.Errorf("no such\nsymbol: %w", syscall.ENOENT), Hint: "closest: wake_up_new_task"}
	want := "attach kprobe wake_up_new_tsk: no such symbol: no such file or directory (closest: wake_up_new_task)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if Errno(err) != syscall.ENOENT {
		t.Errorf("errno %v", Errno(err))
	}
	err.Cause = fmt.Errorf("map create: %w", syscall.EMFILE)
	want = "attach kprobe wake_up_new_tsk: map create: too many open files (ulimit -n sets how many)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestClosest(t *testing.T) {
	names := []string{"wake_up_process", "wake_up_new_task", "schedule", "pid_cnt", "prio", "pid", "Data", "data_t"}
	for name, want := range map[string]string{
		"wake_up_new_tsk": "wake_up_new_task",
		"pid_cmt":         "pid_cnt",
		"pdi":             "pid",
		"data":            "data_t",
		"zzz":             "",
		"schedule":        "",
	} {
		if got := Closest(name, slices.Values(names)); got != want {
			t.Errorf("Closest(%q) = %q, want %q", name, got, want)
		}
	}
}
