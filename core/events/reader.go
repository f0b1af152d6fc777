// Package events reads perf buffers: records in batches, and the exact count of those that the
// kernel had to drop.
package events

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
)

const (
	minRing = 256 << 10
	// A wake-up is due when half of a ring is full; whoever sends less is flushed for.
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

// Reader reads the rings of one perf event array.
type Reader struct {
	name    string
	mu      sync.Mutex
	perf    *perf.Reader
	record  perf.Record
	closed  atomic.Bool
	pending bool // record was read but did not fit into the last buffer
}

// Open makes a ring of at least ringSize bytes for each possible CPU.
func Open(name string, array *ebpf.Map, ringSize int) (*Reader, error) {
	if array.Type() != ebpf.PerfEventArray {
		return nil, &fault.Error{Kind: fault.Invalid, Op: "open perf buffer", Subject: name,
			Cause: errors.New("the map is a " + array.Type().String())}
	}
	ringSize = max(ringSize, minRing)
	p, err := perf.NewReaderWithOptions(array, ringSize, perf.ReaderOptions{Watermark: ringSize / 2})
	if err != nil {
		return nil, &fault.Error{Kind: fault.System, Op: "open perf buffer", Subject: name, Cause: err}
	}
	return &Reader{name: name, perf: p}, nil
}

// Read waits for records until the timeout, copies them into buffer and describes them in runs. It
// returns the number of runs, 0 after a timeout.
func (r *Reader) Read(buffer []byte, runs []Run, timeout time.Duration) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch := batch{buffer: buffer, runs: runs}
	deadline := time.Now().Add(timeout)
	for {
		wait := time.Now().Add(flushEvery)
		if wait.After(deadline) {
			wait = deadline
		}
		r.perf.SetDeadline(wait)
		done, err := r.fill(&batch)
		if err != nil && batch.count == 0 {
			return 0, err
		}
		if done || batch.count > 0 || !time.Now().Before(deadline) {
			return batch.count, nil
		}
	}
}

// fill takes what is in the rings; done when the batch can hold no more.
func (r *Reader) fill(b *batch) (done bool, err error) {
	for {
		if !r.pending {
			err := r.perf.ReadInto(&r.record)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return false, nil
			}
			if errors.Is(err, perf.ErrClosed) {
				return false, &fault.Error{Kind: fault.Closed, Op: "read perf buffer", Subject: r.name, Cause: errors.New("it was closed")}
			}
			if err != nil {
				return false, &fault.Error{Kind: fault.System, Op: "read perf buffer", Subject: r.name, Cause: err}
			}
		}
		if r.pending = !b.add(&r.record); r.pending {
			return true, nil
		}
	}
}

// Close ends a Read that is under way and frees the rings.
func (r *Reader) Close() error {
	r.closed.Store(true)
	return r.perf.Close()
}

// Closed tells whether Close was called.
func (r *Reader) Closed() bool { return r.closed.Load() }
