// Package events reads perf buffers and ring buffers: records in batches, and the exact count of those
// that there was no room for; of ring buffers where lbc.h counts them.
package events

import (
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	minRing = 256 << 10
	// How often to look into a ring buffer for records that are to wake nobody: those that a program wants
	// so, and one of a program that found the reader busy, was interrupted, and sent long after.
	idleEvery = 250 * time.Millisecond
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
	rings  map[int]*ring // by CPU, of a perf event array
	order  []source      // the next to be drained first
	full   bool          // the last batch left records behind
	alarm  *alarm
	idle   time.Duration // how often to look although nobody wakes the reader
	handed bool          // somebody waits for the alarm's descriptor
	closed atomic.Bool
	ending sync.Once

	online   string // CPUs, as the kernel lists them
	followed time.Time
}

// Options say how a buffer is opened.
type Options struct {
	RingSize int       // of a perf event array: bytes for each CPU, at least
	Control  *ebpf.Map // of a ring buffer of LBC_RINGBUF: the map with its __lbc_ring
	Offset   uint32    // of that
}

// Open makes a ring for each CPU; that of a ring buffer is there already.
func Open(name string, array *ebpf.Map, o Options) (*Reader, error) {
	if array.Type() != ebpf.PerfEventArray && array.Type() != ebpf.RingBuf {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "open perf buffer", Subject: name,
			Cause: errors.New("the map is a " + array.Type().String())}
	}
	r := &Reader{name: name, array: array, size: minRing, rings: map[int]*ring{}}
	for r.size < o.RingSize {
		r.size *= 2
	}
	var err error
	if r.alarm, err = openAlarm(); err != nil {
		return nil, r.failed("open", err)
	}
	switch {
	case array.Type() == ebpf.RingBuf:
		err = r.openShared(o)
	default:
		r.followed, err = time.Now(), r.openRings()
	}
	if err = errors.Join(err, r.alarm.set(r.every())); err != nil {
		r.free()
		return nil, r.failed("open", err)
	}
	return r, nil
}

func kind(m *ebpf.Map) string {
	if m.Type() == ebpf.RingBuf {
		return "ring buffer"
	}
	return "perf buffer"
}

func (r *Reader) failed(op string, err error) error {
	f := &fault.Error{Kind: fault.System, Op: op + " " + kind(r.array), Subject: r.name, Cause: err}
	if errors.Is(err, fs.ErrPermission) {
		f.Kind, f.Hint = fault.Privilege, "it needs CAP_PERFMON, and where kernel.perf_event_paranoid is 3 CAP_SYS_ADMIN"
	}
	return f
}

func (r *Reader) over(op string) error {
	return &fault.Error{Kind: fault.Closed, Op: op + " " + kind(r.array), Subject: r.name, Cause: errors.New("it was closed")}
}

func (r *Reader) openShared(o Options) error {
	s, err := openShared(r.array, o)
	if err != nil {
		return err
	}
	r.order, r.idle = append(r.order, s), idleEvery
	return r.alarm.watch(r.array.FD(), unix.EPOLLIN)
}

// Read waits for records until the timeout, or until the thread has handled a signal, copies them into
// buffer and describes them in runs. It returns the number of runs, which may be 0.
func (r *Reader) Read(buffer []byte, runs []Run, timeout time.Duration) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(runs) == 0 {
		return 0, &fault.Error{Kind: fault.Invalid, Op: "read " + kind(r.array), Subject: r.name, Cause: errors.New("there is no room for a run")}
	}
	if r.closed.Load() {
		return 0, r.over("read")
	}
	batch := batch{buffer: buffer, runs: runs}
	for deadline := time.Now().Add(timeout); ; {
		interrupted, err := r.wait(deadline)
		if r.closed.Load() {
			return 0, r.over("read")
		}
		if err == nil {
			err = r.look(&batch)
		}
		if batch.count > 0 {
			return batch.count, nil
		}
		if err != nil {
			return 0, r.failed("read", err)
		}
		if interrupted || !time.Now().Before(deadline) {
			return 0, nil
		}
	}
}

// wait returns when there is something to look at, at a time, or interrupted by a signal.
func (r *Reader) wait(deadline time.Time) (interrupted bool, err error) {
	if r.full {
		deadline = time.Time{}
	}
	ticked, err := r.alarm.wait(time.Until(deadline))
	if ticked {
		r.calm()
	}
	if errors.Is(err, unix.EINTR) {
		return true, nil
	}
	return false, err
}

// look takes what is there, and sees to it that the alarm tells of what is left and what comes.
func (r *Reader) look(b *batch) error {
	r.full = r.drain(b)
	err := r.followCPUs(b)
	if r.full {
		return errors.Join(err, r.alarm.strike())
	}
	return errors.Join(err, r.alarm.set(r.every()))
}

// FD is a descriptor to wait for: it becomes readable when there is something to read, and at least
// once a second. Then Read without a timeout, and wait again. The kernel tells of a ring once, also whoever
// registers the descriptor: who did that, or was told and did not read, calls FD anew. A Read under way
// ends first. Close closes the descriptor.
func (r *Reader) FD() (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Load() {
		return 0, r.over("wait for")
	}
	r.handed = true
	err := r.alarm.set(r.every())
	if slices.ContainsFunc(r.order, source.waiting) {
		err = errors.Join(err, r.alarm.strike())
	}
	if err != nil {
		return 0, r.failed("wait for", err)
	}
	return r.alarm.epoll, nil
}

// Close ends a Read that is under way and frees the rings; a second call waits for the first. The map
// must still be open.
func (r *Reader) Close() (err error) {
	r.ending.Do(func() {
		r.closed.Store(true)
		woken := r.alarm.strike()
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
	for _, s := range r.order {
		errs = append(errs, s.close())
	}
	return errors.Join(append(errs, r.alarm.close())...)
}

// Closed tells whether Close was called.
func (r *Reader) Closed() bool { return r.closed.Load() }
