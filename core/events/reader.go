// Package events reads perf buffers: records in batches, and the exact count of those that the
// kernel had to drop; and ring buffers, which have no such count.
package events

import (
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	minRing = 256 << 10
	// A wake-up is due when half of a ring is full; for whoever sends less there is a look now and then.
	flushEvery = 10 * time.Millisecond
)

// Run is a stretch of records of equal size from one CPU: record i lies at Offset + i*Stride. Lost
// records came before the first of the run. It has the layout of lcc_run.
type Run struct {
	Lost   uint64
	Offset uint64
	Count  uint32
	Stride uint32
	Size   uint32
	CPU    int32
}

// Reader reads the rings of one perf event array, or a ring buffer.
type Reader struct {
	name   string
	mu     sync.Mutex
	array  *ebpf.Map
	size   int
	rings  map[int]*ring // by CPU
	shared *shared       // of a ring buffer, instead of rings
	order  []int         // CPUs, the next to be drained first
	full   bool          // the last batch left records behind
	epoll  int
	wake   int // an eventfd that Close writes to
	closed atomic.Bool
	ending sync.Once

	online   string // CPUs, as the kernel lists them
	followed time.Time
}

// Open makes a ring of at least ringSize bytes for each CPU; that of a ring buffer is there already.
func Open(name string, array *ebpf.Map, ringSize int) (*Reader, error) {
	if array.Type() != ebpf.PerfEventArray && array.Type() != ebpf.RingBuf {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "open perf buffer", Subject: name,
			Cause: errors.New("the map is a " + array.Type().String())}
	}
	r := &Reader{name: name, array: array, size: minRing, rings: map[int]*ring{}, epoll: -1, wake: -1}
	for r.size < ringSize {
		r.size *= 2
	}
	err := r.prepare()
	switch {
	case err != nil:
	case array.Type() == ebpf.RingBuf:
		err = r.openShared()
	default:
		r.followed, err = time.Now(), r.openRings()
	}
	if err != nil {
		r.free()
		return nil, r.failed("open", err)
	}
	return r, nil
}

func (r *Reader) failed(op string, err error) error {
	f := &fault.Error{Kind: fault.System, Op: op + " perf buffer", Subject: r.name, Cause: err}
	if errors.Is(err, fs.ErrPermission) {
		f.Kind, f.Hint = fault.Privilege, "it needs CAP_PERFMON, and where kernel.perf_event_paranoid is 3 CAP_SYS_ADMIN"
	}
	return f
}

func (r *Reader) prepare() (err error) {
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if r.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	return r.watch(r.wake)
}

func (r *Reader) openShared() (err error) {
	if r.shared, err = openShared(r.array); err == nil {
		err = r.watch(r.array.FD())
	}
	return err
}

func (r *Reader) watch(fd int) error {
	return unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// Read waits for records until the timeout, copies them into buffer and describes them in runs. It
// returns the number of runs, 0 after a timeout.
func (r *Reader) Read(buffer []byte, runs []Run, timeout time.Duration) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(runs) == 0 {
		return 0, &fault.Error{Kind: fault.Invalid, Op: "read perf buffer", Subject: r.name, Cause: errors.New("there is no room for a run")}
	}
	batch := batch{buffer: buffer, runs: runs}
	for deadline := time.Now().Add(timeout); ; {
		if !r.full && !r.closed.Load() {
			if err := r.wait(min(flushEvery, time.Until(deadline))); err != nil {
				return 0, r.failed("read", err)
			}
		}
		if r.closed.Load() {
			return 0, &fault.Error{Kind: fault.Closed, Op: "read perf buffer", Subject: r.name, Cause: errors.New("it was closed")}
		}
		if r.full = r.drain(&batch); !r.full {
			if err := r.followCPUs(&batch); err != nil && batch.count == 0 {
				return 0, r.failed("read", err)
			}
		}
		if batch.count > 0 || !time.Now().Before(deadline) {
			return batch.count, nil
		}
	}
}

// wait returns when a ring is half full, when the reader was closed, or after a time.
func (r *Reader) wait(most time.Duration) error {
	var events [1]unix.EpollEvent
	milliseconds := max(0, (most + time.Millisecond - 1).Milliseconds())
	_, err := unix.EpollWait(r.epoll, events[:], int(milliseconds))
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return err
}

// drain takes what is in the rings; full when the batch takes no more. Then the next batch begins
// with the ring behind the one that filled it.
func (r *Reader) drain(b *batch) (full bool) {
	if r.shared != nil {
		return r.shared.drain(b)
	}
	for i, cpu := range r.order {
		if r.rings[cpu].drain(b) {
			r.order = append(r.order[i+1:len(r.order):len(r.order)], r.order[:i+1]...)
			return true
		}
	}
	return false
}

// Close ends a Read that is under way and frees the rings; a second call waits for the first. The map
// must still be open.
func (r *Reader) Close() (err error) {
	r.ending.Do(func() {
		r.closed.Store(true)
		_, woken := unix.Write(r.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		r.mu.Lock()
		defer r.mu.Unlock()
		if err = errors.Join(woken, r.free()); err != nil {
			err = r.failed("close", err)
		}
	})
	return err
}

func (r *Reader) free() error {
	var errs []error
	for cpu := range r.rings {
		errs = append(errs, r.closeRing(cpu))
	}
	if r.shared != nil {
		errs = append(errs, r.shared.close())
	}
	for _, fd := range []int{r.epoll, r.wake} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

// Closed tells whether Close was called.
func (r *Reader) Closed() bool { return r.closed.Load() }
