package events

import (
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Flags in the length of a record.
const (
	uncommitted = 1 << 31
	discarded   = 1 << 30
)

// noCPU is that of records in a ring that all CPUs share.
const noCPU = -1

// shared is a ring buffer map (5.8).
type shared struct {
	pace
	ours    []byte // the page with the position of the next record to read
	theirs  []byte // the page with the end of the records, then these, twice in a row: none wraps around
	data    []byte
	at      uint64
	control *control // nil: programs wake the reader as they like, and nobody counts what there was no room for
	lost    uint64   // losses that no batch had room for
}

func openShared(m *ebpf.Map, o Options) (s *shared, err error) {
	page, size := os.Getpagesize(), int(m.MaxEntries())
	s = &shared{}
	if o.Control != nil {
		if s.control, err = openControl(o.Control, o.Offset); err != nil {
			return nil, err
		}
	}
	if s.ours, err = unix.Mmap(m.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if s.theirs, err = unix.Mmap(m.FD(), int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.data, s.at = s.theirs[page:], atomic.LoadUint64(position(s.ours))
	s.turn(false)
	return s, nil
}

func (s *shared) turn(busy bool) {
	s.set(busy)
	switch {
	case s.control == nil:
	case busy:
		s.control.wake(len(s.data) / 4) // which is there twice
	default:
		s.control.wake(0)
	}
}

func position(page []byte) *uint64 { return (*uint64)(unsafe.Pointer(&page[0])) }

func (s *shared) drain(b *batch) (count int, full bool) {
	for end := atomic.LoadUint64(position(s.theirs)); s.at < end; count++ {
		record := s.data[s.at&uint64(len(s.data)/2-1):]
		head := atomic.LoadUint32((*uint32)(unsafe.Pointer(&record[0])))
		if head&uncommitted != 0 {
			break
		}
		length := int(head &^ discarded)
		if head&discarded == 0 && !take(b, record[headerSize:headerSize+length]) {
			full = true
			break
		}
		s.at += uint64(headerSize+length+7) &^ 7
	}
	atomic.StoreUint64(position(s.ours), s.at)
	if s.control != nil {
		s.lost += s.control.take()
	}
	return count, !b.settle(noCPU, &s.lost) || full
}

func (s *shared) waiting() bool { return atomic.LoadUint64(position(s.theirs)) != s.at || s.lost > 0 }

// take copies one record; false when the batch has no room for it.
func take(b *batch, record []byte) bool {
	if len(record) > len(b.buffer) {
		return b.lose(noCPU, 1)
	}
	room := b.place(noCPU, len(record))
	copy(room, record)
	return room != nil
}

func (s *shared) close() error {
	var errs []error
	for _, memory := range [][]byte{s.theirs, s.ours} {
		if memory != nil {
			errs = append(errs, unix.Munmap(memory))
		}
	}
	if s.control != nil {
		errs = append(errs, s.control.close())
	}
	return errors.Join(errs...)
}
