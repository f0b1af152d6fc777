package events

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What read(2) on a perf event tells beside its value: for how long it is enabled, and how many records
// it lost (PERF_FORMAT_LOST, 6.0).
const (
	formatEnabled = unix.PERF_FORMAT_TOTAL_TIME_ENABLED
	formatLost    = 1 << 4
)

// In front of a record lies struct perf_event_header, and the length of a sample's data.
const (
	headerSize = 8
	// What a record, with news of a loss before it, takes at most.
	largest = 1<<16 + 64
)

// ring is the perf buffer of one CPU: cilium's perf.Reader mixes up the CPUs where one in between is
// offline, and does not count the losses of a burst that silence follows.
type ring struct {
	cpu    int
	fd     int
	memory []byte // the page of head and tail, then the data
	data   []byte // its length is a power of two
	head   *uint64
	tail   *uint64
	at     uint64 // of the next record
	// The kernel counts losses on fd, and counted have been seen; else it tells with the next record.
	counts  bool
	counted uint64
	lost    uint64 // losses that no batch had room for
	near    bool   // it was near full a moment ago: a loss may be counted only now
	enabled uint64 // nanoseconds, when it was asked last
}

// openRing has the kernel wake a reader when the ring is half full. ENODEV: the CPU is offline.
func openRing(cpu, size int) (*ring, error) {
	r := &ring{cpu: cpu, counts: true}
	attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Sample_type: unix.PERF_SAMPLE_RAW, Read_format: formatEnabled | formatLost,
		Bits: unix.PerfBitWatermark, Wakeup: uint32(size / 2)}
	var err error
	r.fd, err = unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if errors.Is(err, unix.EINVAL) {
		attr.Read_format, r.counts = formatEnabled, false
		r.fd, err = unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	}
	if err != nil {
		return nil, err
	}
	page := os.Getpagesize()
	if r.memory, err = unix.Mmap(r.fd, 0, page+size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		unix.Close(r.fd)
		return nil, err
	}
	control := (*unix.PerfEventMmapPage)(unsafe.Pointer(&r.memory[0]))
	r.head, r.tail, r.data = &control.Data_head, &control.Data_tail, r.memory[page:]
	return r, nil
}

// drain moves records into the batch; full when the batch takes no more.
func (r *ring) drain(b *batch) (full bool) {
	before := r.at
	for end := atomic.LoadUint64(r.head); r.at < end && !full; {
		full = !r.take(b)
	}
	if r.at != before {
		atomic.StoreUint64(r.tail, r.at)
	}
	// Nothing was lost while there was room for the largest record.
	near := atomic.LoadUint64(r.head)-before > uint64(len(r.data)-largest)
	if near || r.near {
		r.ask()
	}
	r.near = near
	if r.lost > 0 && b.lose(r.cpu, r.lost) {
		r.lost = 0
	}
	return full || r.lost > 0
}

// take moves one record; false when the batch has no room for it.
func (r *ring) take(b *batch) bool {
	kind, size := binary.NativeEndian.Uint32(r.bytes(r.at, 4)), uint64(binary.NativeEndian.Uint16(r.bytes(r.at+6, 2)))
	switch kind {
	case unix.PERF_RECORD_LOST: // its number comes after an identifier
		if !r.counts {
			r.lost += binary.NativeEndian.Uint64(r.bytes(r.at+headerSize+8, 8))
		}
	case unix.PERF_RECORD_SAMPLE:
		length := int(binary.NativeEndian.Uint32(r.bytes(r.at+headerSize, 4)))
		if r.lost > 0 { // which was before this record
			if !b.lose(r.cpu, r.lost) {
				return false
			}
			r.lost = 0
		}
		if length > len(b.buffer) {
			r.lost++
			break
		}
		room := b.place(r.cpu, length)
		if room == nil {
			return false
		}
		r.copy(room, r.at+headerSize+4)
	}
	r.at += size
	return true
}

// ask asks the kernel for the losses since the last time, and whether the event is enabled: its time
// goes on.
func (r *ring) ask() (alive bool) {
	var answer [3]uint64 // value, time enabled, lost
	n, err := unix.Read(r.fd, unsafe.Slice((*byte)(unsafe.Pointer(&answer)), unsafe.Sizeof(answer)))
	if err != nil || n < 16 {
		return false
	}
	if r.counts {
		r.lost += answer[2] - r.counted
		r.counted = answer[2]
	}
	alive = answer[1] != r.enabled
	r.enabled = answer[1]
	return alive
}

// bytes are those at a position; headers are aligned to 8 and do not wrap around.
func (r *ring) bytes(at uint64, count int) []byte {
	at &= uint64(len(r.data) - 1)
	return r.data[at : at+uint64(count)]
}

// copy takes data that may go on at the begin of the ring.
func (r *ring) copy(into []byte, at uint64) {
	n := copy(into, r.data[at&uint64(len(r.data)-1):])
	copy(into[n:], r.data)
}

func (r *ring) close() error {
	return errors.Join(unix.Munmap(r.memory), unix.Close(r.fd))
}
