package events

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// one reads a record, in a call that has no end of its own, so to speak.
func (s *sender) one(r *Reader, want uint64) {
	s.Helper()
	buffer, runs := make([]byte, 4096), make([]Run, 16)
	n, err := r.Read(buffer, runs, time.Minute)
	for n == 0 && err == nil { // a signal of Go's own
		n, err = r.Read(buffer, runs, time.Minute)
	}
	if n != 1 || err != nil || runs[0].Count != 1 || binary.NativeEndian.Uint64(buffer[runs[0].Offset:]) != want {
		s.Fatalf("%d runs, %+v, %v; want %d", n, runs[0], err, want)
	}
}

// quiet reads until no ring is busy and the clock stands.
func (s *sender) quiet(r *Reader) {
	s.Helper()
	got := s.read(r, 4096, 16, func(*received) bool { return r.alarm.every == 0 })
	for cpu, ring := range r.rings {
		if ring.busy || got.count() != 0 {
			s.Fatalf("CPU %d, %d records: %+v", cpu, got.count(), ring.pace)
		}
	}
}

// A lone record wakes the reader of a quiet ring, without a clock; a busy ring becomes quiet again.
func TestQuietBusyQuiet(t *testing.T) {
	s := newSender(t, 8)
	r := s.open(0)
	if r.rings[0].each == nil {
		t.Fatal("two perf events cannot share a ring here")
	}
	for range 2 {
		if r.rings[0].busy || r.alarm.every != 0 {
			t.Fatalf("%+v, %v", r.rings[0].pace, r.alarm.every)
		}
		s.send(0, 7)
		s.one(r, 7)
		for i := range 1000 {
			s.send(0, uint64(i))
		}
		s.read(r, 4096, 16, func(got *received) bool { return got.count() == 1000 })
		if !r.rings[0].busy || r.alarm.every != lookEvery {
			t.Fatalf("%+v, %v", r.rings[0].pace, r.alarm.every)
		}
		s.send(0, 8)
		s.one(r, 8)
		s.quiet(r)
	}
}

// Where the kernel does not let two events share a ring it stays busy, and the clock goes on.
func TestOneEvent(t *testing.T) {
	s := newSender(t, 8)
	r := s.open(0)
	each := r.rings[0].each
	r.rings[0].turn(true)
	r.rings[0].each = nil
	t.Cleanup(func() { unix.Close(each.fd) })
	if err := r.alarm.set(r.every()); err != nil {
		t.Fatal(err)
	}
	for number := range uint64(30) {
		s.send(0, number)
		s.one(r, number)
	}
	if !r.rings[0].busy || r.alarm.every != lookEvery {
		t.Errorf("%+v, %v", r.rings[0].pace, r.alarm.every)
	}
}

// A map that nobody may write to any more keeps the event that it has.
func TestFrozen(t *testing.T) {
	s := newSender(t, 8)
	r := s.open(0)
	if err := s.array.Freeze(); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		s.send(0, uint64(i))
	}
	s.read(r, 4096, 16, func(got *received) bool { return got.count() == 100 })
	if r.rings[0].busy {
		t.Error("the ring is busy")
	}
	s.send(0, 9)
	s.one(r, 9)
}

// Two CPUs send while their rings become busy and quiet at any moment: every record is received or
// counted, in order, whether the reader keeps up or not.
func TestTurnsUnderLoad(t *testing.T) {
	for _, record := range []struct{ size, buffer int }{{8, 1 << 16}, {248, 8192}} {
		s := newSender(t, int32(record.size))
		r := s.open(0)
		cpus := min(2, ebpf.MustPossibleCPU())
		const sent = 20000
		var senders sync.WaitGroup
		var ended atomic.Bool
		for cpu := range cpus {
			senders.Go(func() {
				for i := range sent {
					s.send(cpu, uint64(i))
				}
			})
		}
		go func() { senders.Wait(); ended.Store(true) }()
		turns := 0
		got := s.read(r, record.buffer, 4, func(got *received) bool {
			for _, ring := range r.rings {
				ring.turn(!ring.busy)
				turns++
			}
			if record.size > 8 {
				time.Sleep(time.Millisecond)
			}
			return ended.Load() && got.quiet
		})
		for cpu := range cpus { // an older kernel tells of a loss with the next record only
			s.send(cpu, sent)
		}
		last := s.read(r, 4096, 16, func(got *received) bool { return got.count() == cpus })
		if sum := got.count() + int(got.lost+last.lost); sum != sent*cpus {
			t.Errorf("%+v: received %d, lost %d + %d, sent %d", record, got.count(), got.lost, last.lost, sent*cpus)
		}
		for cpu, numbers := range got.numbers {
			for i, number := range numbers {
				if i > 0 && number <= numbers[i-1] {
					t.Fatalf("%+v: CPU %d: record %d after %d", record, cpu, number, numbers[i-1])
				}
			}
		}
		t.Logf("%+v: %d turns, %d lost", record, turns, got.lost)
	}
}

// readable asks as an event loop does.
func (s *sender) readable(fd int, timeout time.Duration) bool {
	s.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(timeout.Milliseconds()))
	if err != nil && err != unix.EINTR {
		s.Fatal(err)
	}
	return n > 0
}

func TestDescriptor(t *testing.T) {
	for name, s := range map[string]*sender{"perf": newSender(t, 8), "ring": newRingSender(t, 8)} {
		r := s.open(0)
		fd, err := r.FD()
		if err != nil {
			t.Fatal(err)
		}
		for round := range uint64(3) {
			for number := range round + 1 {
				s.send(0, number)
			}
			for number := range round + 1 { // in a buffer that has room for one
				if !s.readable(fd, 30*time.Second) || number > 0 && !s.readable(fd, 0) {
					t.Fatalf("%s: %d of %d is not told of", name, number, round)
				}
				got := s.read(r, 12, 1, func(got *received) bool { return got.count() == 1 })
				for _, numbers := range got.numbers {
					if numbers[0] != number {
						t.Errorf("%s: %d, want %d", name, numbers[0], number)
					}
				}
			}
			s.read(r, 4096, 16, func(got *received) bool { return got.quiet && !s.readable(fd, 0) })
		}
		s.send(0, 5)
		for range 3 { // and nobody acts upon it
			s.readable(fd, 0)
		}
		if again, err := r.FD(); again != fd || err != nil || !s.readable(fd, 0) {
			t.Errorf("%s: %d, %v", name, again, err)
		}
		s.one(r, 5)
		s.registered(r, fd)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.FD(); err == nil {
			t.Errorf("%s: it is closed", name)
		}
	}
}

// registered waits by epoll, which was told of the record as it came to know of the descriptor.
func (s *sender) registered(r *Reader, fd int) {
	s.Helper()
	loop, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		s.Fatal(err)
	}
	defer unix.Close(loop)
	s.send(0, 6)
	if err := unix.EpollCtl(loop, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		s.Fatal(err)
	}
	for range 2 { // the first wait takes what the registration was told
		if _, err := r.FD(); err != nil {
			s.Fatal(err)
		}
		if n, err := unix.EpollWait(loop, make([]unix.EpollEvent, 1), 0); n != 1 {
			s.Errorf("%s: the descriptor is not readable: %v", kind(r.array), err)
		}
	}
	s.one(r, 6)
}

// A busy reader has programs wake it when the ring buffer is half full, a quiet one as the kernel does.
// What they lost it takes once.
func TestControl(t *testing.T) {
	s := newRingSender(t, 8)
	shared, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 16 * 300, MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE})
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	told := func() [300][2]uint64 {
		t.Helper()
		var words [300][2]uint64
		if err := shared.Lookup(uint32(0), &words); err != nil {
			t.Fatal(err)
		}
		return words
	}
	r, err := Open("e_out", s.array, Options{Control: shared, Offset: 16 * 299})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	for range 2 {
		if words := told(); r.alarm.every != idleEvery || words != [300][2]uint64{} {
			t.Fatalf("%v, %v", words, r.alarm.every)
		}
		for number := range uint64(100) {
			s.send(0, number)
		}
		want := [300][2]uint64{}
		want[299][1] = 3
		if err := shared.Put(uint32(0), want); err != nil {
			t.Fatal(err)
		}
		got := s.read(r, 4096, 16, func(got *received) bool { return got.count() == 100 })
		want[299] = [2]uint64{2048, 0}
		if words := told(); got.lost != 3 || r.alarm.every != lookEvery || words != want {
			t.Errorf("lost %d, %v, %v", got.lost, words, r.alarm.every)
		}
		s.read(r, 4096, 16, func(*received) bool { return r.alarm.every == idleEvery })
	}
}
