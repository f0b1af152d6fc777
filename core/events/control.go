package events

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// control is what the programs and the reader of a ring buffer tell one another: __lbc_ring of lbc.h.
type control struct {
	memory []byte
	enough *uint64 // bytes at which programs wake the reader; 0: as the kernel does
	lost   *uint64 // records that the buffer had no room for
}

func openControl(m *ebpf.Map, offset uint32) (*control, error) {
	if offset%8 != 0 || uint64(offset)+16 > uint64(m.ValueSize()) {
		return nil, fmt.Errorf("its counter lies at %d, outside of a map of %d bytes", offset, m.ValueSize())
	}
	memory, err := unix.Mmap(m.FD(), 0, int(m.ValueSize()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	both := (*[2]uint64)(unsafe.Pointer(&memory[offset]))
	return &control{memory, &both[0], &both[1]}, nil
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
