package events

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What read(2) on a perf event tells beside its value: for how long it is enabled, and how many records
// it lost (PERF_FORMAT_LOST, 6.0).
const (
	formatEnabled = unix.PERF_FORMAT_TOTAL_TIME_ENABLED
	formatLost    = 1 << 4
)

// event is a perf event of one CPU, which programs send records to.
type event struct {
	fd int
	// The kernel counts losses on fd, and counted have been seen; else it tells with the next record.
	counts  bool
	counted uint64
}

// openEvent has the kernel wake a reader by wakeup, in records or, with that bit, bytes. ENODEV: the
// CPU is offline.
func openEvent(cpu, wakeup int, bits uint64) (*event, error) {
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Sample_type: unix.PERF_SAMPLE_RAW, Read_format: formatEnabled | formatLost,
		Bits: bits, Wakeup: uint32(wakeup)}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	counts := err == nil
	if errors.Is(err, unix.EINVAL) {
		attr.Read_format = formatEnabled
		fd, err = unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	}
	if err != nil {
		return nil, err
	}
	return &event{fd: fd, counts: counts}, nil
}

// ask asks the kernel for the losses since the last time, and for how many nanoseconds the event was
// enabled; 0: there is no answer.
func (e *event) ask() (lost, enabled uint64) {
	var answer [3]uint64 // value, time enabled, lost
	n, err := unix.Read(e.fd, unsafe.Slice((*byte)(unsafe.Pointer(&answer)), unsafe.Sizeof(answer)))
	if err != nil || n < 16 {
		return 0, 0
	}
	if e.counts {
		lost, e.counted = answer[2]-e.counted, answer[2]
	}
	return lost, answer[1]
}
