package events

import (
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// rings is how many ring buffers a program may have: __LBC_RINGS of lbc.h.
const rings = 64

// control is what the programs and the reader of a ring buffer tell one another: __lbc_rings of lbc.h.
type control struct {
	memory []byte
	enough *uint64 // bytes at which programs wake the reader; 0: as the kernel does
	lost   *uint64 // records that the buffer had no room for
}

func openControl(m *ebpf.Map, number int) (*control, error) {
	memory, err := unix.Mmap(m.FD(), 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	both := (*[2][rings]uint64)(unsafe.Pointer(&memory[0]))
	return &control{memory, &both[0][number], &both[1][number]}, nil
}

// wake has programs wake the reader when there are as many bytes; 0: for each record that it waits for.
func (c *control) wake(bytes int) { atomic.StoreUint64(c.enough, uint64(bytes)) }

// take counts losses once, also when the buffer is opened again: as with the records themselves.
func (c *control) take() uint64 {
	if atomic.LoadUint64(c.lost) == 0 {
		return 0
	}
	return atomic.SwapUint64(c.lost, 0)
}

func (c *control) close() error { return unix.Munmap(c.memory) }
