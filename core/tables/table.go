// Package tables gives keyed access to a map: bytes in, bytes out, in batches where the kernel can.
package tables

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Table is a map that user space reads and writes.
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
	return typ == ebpf.PerCPUHash || typ == ebpf.PerCPUArray || typ == ebpf.LRUCPUHash || typ == ebpf.PerCPUCGroupStorage
}

func array(typ ebpf.MapType) bool {
	return typ == ebpf.Array || typ == ebpf.PerCPUArray
}

// failed makes a sentence of what the kernel answered.
func (t *Table) failed(op string, err error) error {
	f := &fault.Error{Kind: fault.System, Op: op, Subject: "map " + t.name, Cause: err}
	switch typ := t.m.Type(); {
	case errors.Is(err, ebpf.ErrNotSupported):
		f.Kind, f.Cause = fault.Invalid, fmt.Errorf("this kernel has no such operation for a map of type %v", typ)
	case errors.Is(err, unix.E2BIG) && array(typ):
		f.Kind, f.Cause = fault.Invalid, fmt.Errorf("the index is not below max_entries, %d", t.m.MaxEntries())
	case errors.Is(err, unix.E2BIG), errors.Is(err, unix.ENOSPC) && op == opUpdate:
		f.Kind, f.Cause = fault.Invalid, fmt.Errorf("it is full (max_entries %d)", t.m.MaxEntries())
	case errors.Is(err, unix.ENOSPC) && (typ == ebpf.SockMap || typ == ebpf.SockHash):
		f.Kind, f.Hint = fault.Invalid, "sockets can be read where the value has 8 bytes: their cookies"
	case errors.Is(err, unix.EPERM):
		f.Kind, f.Hint = fault.Invalid, "is it read-only, such as .rodata?"
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EBADF):
		f.Kind = fault.Invalid
	}
	return f
}

func (t *Table) wrong(op, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Op: op, Subject: "map " + t.name, Cause: fmt.Errorf(format, args...)}
}

const (
	opLookup = "look up in"
	opUpdate = "update"
	opDelete = "delete from"
)

// key is a key as the kernel's wrapper wants it: queues, stacks and filters have none.
func (t *Table) key(op string, key []byte) (any, error) {
	switch {
	case len(key) != int(t.m.KeySize()):
		return nil, t.wrong(op, "the key has %d bytes, not %d", len(key), t.m.KeySize())
	case len(key) == 0:
		return nil, nil
	}
	return key, nil
}

// Lookup writes the value of a key, per-CPU ones side by side, and tells whether the key is there.
// With take it is removed in the same step. A bloom filter is asked for what value contains.
func (t *Table) Lookup(key, value []byte, take bool) (found bool, err error) {
	k, err := t.key(opLookup, key)
	if err != nil {
		return false, err
	}
	v := t.room(1)
	if err := v.set(opLookup, value, 1); err != nil {
		return false, err
	}
	if take {
		err = t.m.LookupAndDelete(k, v.target())
	} else {
		err = t.m.Lookup(k, v.target())
	}
	switch {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return false, nil
	case err != nil:
		return false, t.failed(opLookup, err)
	}
	copy(value, v.bytes(1))
	return true, nil
}

// Delete removes an entry and tells whether it was there.
func (t *Table) Delete(key []byte) (found bool, err error) {
	k, err := t.key(opDelete, key)
	switch {
	case err != nil:
		return false, err
	case k == nil:
		return false, t.wrong(opDelete, "a map of type %v has no keys", t.m.Type())
	case array(t.m.Type()):
		return false, t.wrong(opDelete, "entries of an array cannot be removed")
	}
	err = t.m.Delete(k)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return false, nil
	}
	if err != nil {
		return false, t.failed(opDelete, err)
	}
	return true, nil
}

// Update sets count entries, packed as Entries gives them; without keys the values are pushed. What
// is before an entry that fails has been set.
func (t *Table) Update(keys, values []byte, count int) error {
	size := int(t.m.KeySize())
	if len(keys) != count*size {
		return t.wrong(opUpdate, "%d keys have %d bytes, not %d", count, len(keys), count*size)
	}
	if count == 0 {
		return nil
	}
	v := t.room(count)
	if err := v.set(opUpdate, values, count); err != nil {
		return err
	}
	err := ebpf.ErrNotSupported
	if count > 1 && size > 0 {
		_, err = t.m.BatchUpdate(split(keys, count).Interface(), v.slice.Interface(), nil)
	}
	if errors.Is(err, ebpf.ErrNotSupported) {
		err = t.updateEach(keys, v, count)
	}
	if err != nil {
		return t.failed(opUpdate, err)
	}
	return nil
}

func (t *Table) updateEach(keys []byte, v room, count int) error {
	size := int(t.m.KeySize())
	for i := range count {
		k, err := t.key(opUpdate, keys[i*size:(i+1)*size])
		if err != nil {
			return err
		}
		one := room{t, v.slice.Slice(i*t.values, (i+1)*t.values)}
		if err := t.m.Put(k, one.target()); err != nil {
			return err
		}
	}
	return nil
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
	if !perCPU(r.table.m.Type()) && r.slice.Len() == 1 {
		return r.slice.Index(0).Addr().Interface()
	}
	return r.slice.Interface()
}

// bytes packs the values of the first entries.
func (r room) bytes(entries int) []byte {
	size, count := int(r.table.m.ValueSize()), entries*r.table.values
	data := contiguous(r.slice, count)
	if size == r.table.stride {
		return data
	}
	out := make([]byte, count*r.table.stride)
	for i := range count {
		copy(out[i*r.table.stride:], data[i*size:(i+1)*size])
	}
	return out
}

// set stores the values of the first entries, the other way round.
func (r room) set(op string, values []byte, entries int) error {
	size, count := int(r.table.m.ValueSize()), entries*r.table.values
	if len(values) != count*r.table.stride {
		return r.table.wrong(op, "the value has %d bytes, not %d", len(values), count*r.table.stride)
	}
	data := contiguous(r.slice, count)
	for i := range count {
		copy(data[i*size:(i+1)*size], values[i*r.table.stride:])
	}
	return nil
}

func arrays(count, size int) reflect.Value {
	return split(make([]byte, count*size), count)
}

// split is memory as a slice of byte arrays.
func split(memory []byte, count int) reflect.Value {
	return reflect.SliceAt(reflect.ArrayOf(len(memory)/count, reflect.TypeFor[byte]()), unsafe.Pointer(unsafe.SliceData(memory)), count)
}

// contiguous is the memory of the first arrays of a slice of byte arrays.
func contiguous(slice reflect.Value, count int) []byte {
	return unsafe.Slice((*byte)(slice.UnsafePointer()), count*slice.Type().Elem().Len())
}
