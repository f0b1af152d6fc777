package session

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"
	"time"

	"coolbpf/core/events"
)

const ringBuffers = `
struct record_t { u64 number; char fill[248]; };
LBC_RINGBUF(few, struct record_t, 4096);
LBC_RINGBUF(many, u64, 8192);
u64 sent;
SEC("raw_tracepoint/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct record_t *r;
	u64 number, size = sizeof(number);

	if (bpf_get_current_pid_tgid() >> 32 != FILTER || ctx->args[1] != GETPPID)
		return 0;
	number = sent++;
	lbc_ringbuf_output(&many, &number, size++, 0);
	if (size != sizeof(number) + 1)
		return 0;
	r = lbc_ringbuf_reserve(&few, sizeof(*r), 0);
	if (!r)
		return 0;
	r->number = number;
	lbc_ringbuf_submit(&few, r, 0);
	return 0;
}
`

// Every record is received or counted, over bursts and silence, and while nobody has the ring open.
func TestRingBuffersCount(t *testing.T) {
	s := load(t, mine(ringBuffers))
	described, err := s.Describe()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(described), "lbc") {
		t.Errorf("what nobody declared is among the maps: %s", described)
	}
	sent, received, lost, last := uint64(0), [3]uint64{}, [3]uint64{}, [3]int64{-1, -1, -1}
	buffer, runs := make([]byte, 4096), make([]events.Run, 8)
	drain := func(index int, r *events.Reader) {
		for {
			n, err := r.Read(buffer, runs, 30*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				return
			}
			for _, run := range runs[:n] {
				lost[index] += run.Lost
				received[index] += uint64(run.Count)
				for i := range uint64(run.Count) {
					number := int64(binary.NativeEndian.Uint64(buffer[run.Offset+i*uint64(run.Stride):]))
					if number <= last[index] || run.CPU != -1 {
						t.Fatalf("record %d of CPU %d after %d", number, run.CPU, last[index])
					}
					last[index] = number
				}
			}
		}
	}
	for round, burst := range []uint64{3, 5000, 3, 5000, 20000} {
		open := [3]*events.Reader{}
		for _, index := range []int{1, 2} { // after .bss
			if open[index], err = s.OpenEvents(index, 0); err != nil {
				t.Fatal(err)
			}
		}
		for range burst {
			syscall.Getppid()
		}
		sent += burst
		for _, index := range []int{1, 2} {
			if round != 3 { // the next reader gets it
				drain(index, open[index])
				if received[index]+lost[index] != sent {
					t.Errorf("round %d, map %d: received %d, lost %d, sent %d", round, index, received[index], lost[index], sent)
				}
			}
			if err := open[index].Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if lost[1] == 0 || lost[2] == 0 || lost[1] <= lost[2] {
		t.Errorf("lost %d", lost)
	}
}
