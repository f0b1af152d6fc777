package tables

import (
	"errors"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// What is read at once.
const (
	maxBatch      = 4096
	maxBatchBytes = 1 << 20
)

// Entries returns all entries, packed. With take each entry is removed as it is read.
func (t *Table) Entries(take bool) (keys, values []byte, count int, err error) {
	op, read := "read", t.m.BatchLookup
	if take {
		op, read = "take the entries of", t.m.BatchLookupAndDelete
	}
	if err := t.hasKeys(op); err != nil {
		return nil, nil, 0, err
	}
	if take && array(t.m.Type()) {
		return nil, nil, 0, &fault.Error{Kind: fault.Invalid, Op: op, Subject: "map " + t.name,
			Cause: errors.New("entries of an array cannot be removed"), Hint: "use get() and clear()"}
	}
	keys, values, count, err = t.inBatches(read)
	if errors.Is(err, ebpf.ErrNotSupported) && count == 0 {
		keys, values, count, err = t.oneByOne(take)
	}
	// What was removed is handed out; what prevents the rest prevents the next call too.
	if err != nil && !(take && count > 0) {
		return nil, nil, 0, t.failed(op, err)
	}
	return keys, values, count, nil
}

// hasKeys is an error about maps that have none to go through.
func (t *Table) hasKeys(op string) error {
	if t.m.KeySize() == 0 || t.m.Type() == ebpf.PerfEventArray {
		return t.wrong(op, "a map of type %v has no keys to go through", t.m.Type())
	}
	return nil
}

type batchRead func(*ebpf.MapBatchCursor, any, any, *ebpf.BatchOptions) (int, error)

func (t *Table) inBatches(read batchRead) (keys, values []byte, count int, err error) {
	var cursor ebpf.MapBatchCursor
	size := t.batchSize()
	for {
		k, v := arrays(size, int(t.m.KeySize())), t.room(size)
		n, err := read(&cursor, k.Interface(), v.slice.Interface(), nil)
		if errors.Is(err, unix.ENOSPC) && size < int(t.m.MaxEntries()) {
			size *= 4 // a bucket of the hash did not fit
			continue
		}
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return keys, values, count, err
		}
		keys, values, count = append(keys, contiguous(k, n)...), append(values, v.bytes(n)...), count+n
		if err != nil {
			return keys, values, count, nil
		}
	}
}

func (t *Table) batchSize() int {
	return max(1, min(maxBatch, maxBatchBytes/(t.values*t.stride+1), int(t.m.MaxEntries())))
}

// oneByOne iterates by the next key: kernels before 5.6, and map types without batches. Deleting
// while iterating restarts the kernel's walk, so keys are read first.
func (t *Table) oneByOne(take bool) (keys, values []byte, count int, err error) {
	all, err := t.keys()
	if err != nil {
		return nil, nil, 0, err
	}
	for _, key := range all {
		v := t.room(1)
		if take && t.m.Type() != ebpf.StackTrace {
			err = t.m.LookupAndDelete(key, v.target())
		} else if err = t.m.Lookup(key, v.target()); err == nil && take {
			err = t.m.Delete(key) // a stack does not change
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue
		}
		if err != nil {
			return keys, values, count, err
		}
		keys, values, count = append(keys, key...), append(values, v.bytes(1)...), count+1
	}
	return keys, values, count, nil
}

// keys walks the map once. When a key that the walk stands on is deleted the kernel starts over:
// a key seen twice is dropped and the walk is bounded.
func (t *Table) keys() ([][]byte, error) {
	var all [][]byte
	seen := map[string]bool{}
	var at any
	for range 2*int(t.m.MaxEntries()) + 1 {
		next, err := t.m.NextKeyBytes(at)
		if err != nil || next == nil {
			return all, err
		}
		if !seen[string(next)] {
			seen[string(next)] = true
			all = append(all, next)
		}
		at = next
	}
	return all, nil
}

// Clear deletes every entry; the values of an array are set to zero.
func (t *Table) Clear() error {
	if err := t.hasKeys("clear"); err != nil {
		return err
	}
	clear := t.deleteAll
	if array(t.m.Type()) {
		clear = t.zeroAll
	}
	if err := clear(); err != nil {
		return t.failed("clear", err)
	}
	return nil
}

func (t *Table) deleteAll() error {
	all, err := t.keys()
	for _, key := range all {
		if err := t.m.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
	}
	return err
}

func (t *Table) zeroAll() error {
	size := t.batchSize()
	indexes, zeros := make([]uint32, size), t.room(size).slice.Interface()
	for first := 0; first < int(t.m.MaxEntries()); first += size {
		if left := int(t.m.MaxEntries()) - first; left < size {
			indexes, zeros = indexes[:left], t.room(left).slice.Interface()
		}
		for i := range indexes {
			indexes[i] = uint32(first + i)
		}
		_, err := t.m.BatchUpdate(indexes, zeros, nil)
		if errors.Is(err, ebpf.ErrNotSupported) {
			err = t.zeroEach(indexes)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) zeroEach(indexes []uint32) error {
	zero := t.room(1)
	for _, i := range indexes {
		if err := t.m.Put(i, zero.target()); err != nil {
			return err
		}
	}
	return nil
}
