// Package tables gives keyed access to a map: bytes in, bytes out, in batches where the kernel can.
package tables

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
)

// Table is a map that is read from user space.
type Table struct {
	name   string
	m      *ebpf.Map
	values int // values of an entry: possible CPUs for per-CPU maps, else 1
	stride int // bytes of one value
}

// New wraps a map. The caller keeps owning it.
func New(name string, m *ebpf.Map) (*Table, error) {
	t := &Table{name: name, m: m, values: 1, stride: int(m.ValueSize())}
	if perCPU(m.Type()) {
		cpus, err := ebpf.PossibleCPU()
		if err != nil {
			return nil, t.failed("count CPUs for", err)
		}
		t.values, t.stride = cpus, (t.stride+7)/8*8
	}
	return t, nil
}

func perCPU(typ ebpf.MapType) bool {
	return typ == ebpf.PerCPUHash || typ == ebpf.PerCPUArray || typ == ebpf.LRUCPUHash
}

// keyless are kinds that cannot be read entry by entry.
var keyless = map[ebpf.MapType]bool{ebpf.Queue: true, ebpf.Stack: true, ebpf.RingBuf: true, ebpf.BloomFilter: true,
	ebpf.PerfEventArray: true, ebpf.ProgramArray: true, ebpf.CGroupArray: true}

func array(typ ebpf.MapType) bool {
	return typ == ebpf.Array || typ == ebpf.PerCPUArray
}

func (t *Table) failed(op string, err error) error {
	kind := fault.System
	if errors.Is(err, ebpf.ErrNotSupported) {
		kind = fault.Invalid
	}
	return &fault.Error{Kind: kind, Op: op, Subject: "map " + t.name, Cause: err}
}

// Lookup returns the value of a key, per-CPU ones side by side, and whether the key is there.
func (t *Table) Lookup(key []byte) (value []byte, found bool, err error) {
	if len(key) != int(t.m.KeySize()) {
		return nil, false, &fault.Error{Kind: fault.Invalid, Op: "look up in", Subject: "map " + t.name,
			Cause: fmt.Errorf("the key has %d bytes, not %d", len(key), t.m.KeySize())}
	}
	v := t.room(1)
	switch err := t.m.Lookup(key, v.target()); {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, t.failed("look up in", err)
	}
	return v.bytes(1), true, nil
}

// room is memory for the values of some entries, in the form that the kernel's wrapper wants: a
// slice of byte arrays, one for each value.
type room struct {
	table *Table
	slice reflect.Value
}

func (t *Table) room(entries int) room {
	return room{t, arrays(entries*t.values, int(t.m.ValueSize()))}
}

func (r room) target() any {
	if r.table.values == 1 && r.slice.Len() == 1 {
		return r.slice.Index(0).Addr().Interface()
	}
	return r.slice.Interface()
}

// bytes packs the values of the first entries.
func (r room) bytes(entries int) []byte {
	size, count := int(r.table.m.ValueSize()), entries*r.table.values
	data := contiguous(r.slice, count)
	if r.table.values == 1 || size == r.table.stride {
		return data
	}
	out := make([]byte, count*r.table.stride)
	for i := range count {
		copy(out[i*r.table.stride:], data[i*size:(i+1)*size])
	}
	return out
}

func arrays(count, size int) reflect.Value {
	return reflect.MakeSlice(reflect.SliceOf(reflect.ArrayOf(size, reflect.TypeFor[byte]())), count, count)
}

// contiguous is the memory of the first arrays of a slice of byte arrays.
func contiguous(slice reflect.Value, count int) []byte {
	return unsafe.Slice((*byte)(slice.UnsafePointer()), count*slice.Type().Elem().Len())
}
