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
	busy      = 1 << 31 // its program has not committed it yet
	discarded = 1 << 30
)

// noCPU is that of records in a ring that all CPUs share.
const noCPU = -1

// shared is a ring buffer map (5.8). Nobody counts the records that it had no room for.
type shared struct {
	ours   []byte // the page with the position of the next record to read
	theirs []byte // the page with the end of the records, then these, twice in a row: none wraps around
	data   []byte
	at     uint64
	pace   pace
}

func openShared(m *ebpf.Map) (s *shared, err error) {
	page, size := os.Getpagesize(), int(m.MaxEntries())
	s = &shared{}
	if s.ours, err = unix.Mmap(m.FD(), 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, err
	}
	if s.theirs, err = unix.Mmap(m.FD(), int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, errors.Join(err, unix.Munmap(s.ours))
	}
	s.data, s.at = s.theirs[page:], atomic.LoadUint64(position(s.ours))
	return s, nil
}

func position(page []byte) *uint64 { return (*uint64)(unsafe.Pointer(&page[0])) }

// drain moves records into the batch and counts them; full when the batch takes no more.
func (s *shared) drain(b *batch) (count int, full bool) {
	for end := atomic.LoadUint64(position(s.theirs)); s.at < end; count++ {
		record := s.data[s.at&uint64(len(s.data)/2-1):]
		head := atomic.LoadUint32((*uint32)(unsafe.Pointer(&record[0])))
		if head&busy != 0 {
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
	return count, full
}

func (s *shared) waiting() bool { return atomic.LoadUint64(position(s.theirs)) != s.at }

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
	return errors.Join(unix.Munmap(s.theirs), unix.Munmap(s.ours))
}
