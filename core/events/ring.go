package events

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	// In front of a record lies struct perf_event_header, and the length of a sample's data.
	headerSize = 8
	// What a record, with news of a loss before it, takes at most.
	largest = 1<<16 + 64
)

// ring is the perf buffer of one CPU: cilium's perf.Reader mixes up the CPUs where one in between is
// offline, and does not count the losses of a burst that silence follows.
//
// Two perf events write into it. Which one wakes the reader, and when, is a matter of the event that a
// program finds in the map: so a quiet ring has one there, and a busy ring the other.
type ring struct {
	pace
	cpu    int
	array  *ebpf.Map
	half   *event // the reader is woken when the ring is half full
	each   *event // with each record; nil: the kernel does not let two share a ring
	memory []byte // the page of head and tail, then the data
	data   []byte // its length is a power of two
	head   *uint64
	tail   *uint64
	at     uint64 // of the next record
	lost   uint64 // losses that no batch had room for
	near   bool   // it was near full a moment ago: a loss may be counted only now
	time   uint64 // for which it was enabled when alive asked last
}

// openRing makes a ring that is quiet where that can be, but does not put it into the map. ENODEV: the
// CPU is offline.
func openRing(array *ebpf.Map, cpu, size int) (r *ring, err error) {
	r = &ring{cpu: cpu, array: array}
	if r.half, err = openEvent(cpu, size/2, unix.PerfBitWatermark); err != nil {
		return nil, err
	}
	page := os.Getpagesize()
	if r.memory, err = unix.Mmap(r.half.fd, 0, page+size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		unix.Close(r.half.fd)
		return nil, err
	}
	control := (*unix.PerfEventMmapPage)(unsafe.Pointer(&r.memory[0]))
	r.head, r.tail, r.data = &control.Data_head, &control.Data_tail, r.memory[page:]
	if each, err := openEvent(cpu, 1, 0); err == nil {
		if unix.IoctlSetInt(each.fd, unix.PERF_EVENT_IOC_SET_OUTPUT, r.half.fd) == nil {
			r.each = each
		} else {
			unix.Close(each.fd)
		}
	}
	r.set(r.each == nil)
	return r, nil
}

// put has programs find the ring.
func (r *ring) put() error {
	event := r.each
	if r.busy {
		event = r.half
	}
	return r.array.Put(uint32(r.cpu), uint32(event.fd))
}

func (r *ring) turn(busy bool) {
	if r.each == nil {
		return
	}
	before := r.pace
	r.set(busy)
	if r.put() != nil {
		r.pace = before // who froze the map meanwhile has it stay as it is
	}
}

// hurried also sees to it that a loss is asked for once more.
func (r *ring) hurried() bool { return r.pace.hurried() || r.near }

func (r *ring) drain(b *batch) (count int, full bool) {
	before := r.at
	for end := atomic.LoadUint64(r.head); r.at < end && !full; count++ {
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
	return count, !b.settle(r.cpu, &r.lost) || full
}

func (r *ring) waiting() bool { return atomic.LoadUint64(r.head) != r.at || r.lost > 0 }

// take moves one record; false when the batch has no room for it.
func (r *ring) take(b *batch) bool {
	kind, size := binary.NativeEndian.Uint32(r.bytes(r.at, 4)), uint64(binary.NativeEndian.Uint16(r.bytes(r.at+6, 2)))
	switch kind {
	case unix.PERF_RECORD_LOST: // its number comes after an identifier
		if !r.half.counts {
			r.lost += binary.NativeEndian.Uint64(r.bytes(r.at+headerSize+8, 8))
		}
	case unix.PERF_RECORD_SAMPLE:
		length := int(binary.NativeEndian.Uint32(r.bytes(r.at+headerSize, 4)))
		if !b.settle(r.cpu, &r.lost) { // which was before this record
			return false
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

// ask asks the kernel for the losses since the last time, and for how long the ring was enabled.
func (r *ring) ask() (enabled uint64) {
	lost, enabled := r.half.ask()
	r.lost += lost
	if r.each != nil {
		lost, _ = r.each.ask()
		r.lost += lost
	}
	return enabled
}

// alive tells whether the CPU is still there: time goes on since the last call, which must not be so short
// ago that a coarse clock stands still.
func (r *ring) alive() bool {
	before := r.time
	r.time = r.ask()
	return r.time != 0 && r.time != before
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
	errs := []error{unix.Munmap(r.memory), unix.Close(r.half.fd)}
	if r.each != nil {
		errs = append(errs, unix.Close(r.each.fd))
	}
	return errors.Join(errs...)
}
