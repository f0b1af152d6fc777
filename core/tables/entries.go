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

// Memory is where entries are written to.
type Memory interface {
	// Room makes it size bytes or larger; what is in it stays.
	Room(size int) ([]byte, error)
}

// Entries writes all entries, packed, and returns how many they are. With take each entry is removed
// as it is read.
func (t *Table) Entries(take bool, keys, values Memory) (count int, err error) {
	op, read := "read", t.m.BatchLookup
	if take {
		op, read = "take the entries of", t.m.BatchLookupAndDelete
	}
	if err := t.hasKeys(op); err != nil {
		return 0, err
	}
	if take && array(t.m.Type()) {
		return 0, &fault.Error{Kind: fault.Invalid, Op: op, Subject: "map " + t.name,
			Cause: errors.New("entries of an array cannot be removed"), Hint: "use get() and clear()"}
	}
	to := output{t, keys, values, 0}
	err = to.inBatches(read)
	if errors.Is(err, ebpf.ErrNotSupported) && to.count == 0 {
		err = to.oneByOne(take)
	}
	// What was removed is handed out; what prevents the rest prevents the next call too.
	if err != nil && !(take && to.count > 0) {
		return 0, t.failed(op, err)
	}
	return to.count, nil
}

// output is where entries go: those that are there, and room for more.
type output struct {
	*Table
	keys, values Memory
	count        int
}

// KeySize is how many bytes a key takes.
func (t *Table) KeySize() int { return int(t.m.KeySize()) }

// EntrySize is how many bytes the values of an entry take.
func (t *Table) EntrySize() int { return t.values * t.stride }

// next is memory for the next entries.
func (o *output) next(entries int) (keys, values []byte, err error) {
	from, to := o.count, o.count+entries
	key, value := o.KeySize(), o.EntrySize()
	if keys, err = o.keys.Room(to * key); err == nil {
		values, err = o.values.Room(to * value)
	}
	if err != nil {
		return nil, nil, err
	}
	return keys[from*key : to*key], values[from*value : to*value], nil
}

// hasKeys is an error about maps that have none to go through.
func (t *Table) hasKeys(op string) error {
	if t.m.KeySize() == 0 || t.m.Type() == ebpf.PerfEventArray {
		return t.wrong(op, "a map of type %v has no keys to go through", t.m.Type())
	}
	return nil
}

type batchRead func(*ebpf.MapBatchCursor, any, any, *ebpf.BatchOptions) (int, error)

// inBatches has the kernel write into the memory itself: per-CPU values come as they are packed.
func (o *output) inBatches(read batchRead) error {
	var cursor ebpf.MapBatchCursor
	size := o.batchSize()
	for {
		keys, values, err := o.next(size)
		if err != nil {
			return err
		}
		n, err := read(&cursor, split(keys, size).Interface(), split(values, size).Interface(), nil)
		if errors.Is(err, unix.ENOSPC) && size < int(o.m.MaxEntries()) {
			size *= 4 // a bucket of the hash did not fit
			continue
		}
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
		o.count += n
		if err != nil {
			return nil
		}
	}
}

func (t *Table) batchSize() int {
	return max(1, min(maxBatch, maxBatchBytes/(t.EntrySize()+1), int(t.m.MaxEntries())))
}

// oneByOne iterates by the next key: kernels before 5.6, and map types without batches. Deleting
// while iterating restarts the kernel's walk, so keys are read first.
func (o *output) oneByOne(take bool) error {
	all, err := o.Table.keys()
	if err != nil {
		return err
	}
	for _, key := range all {
		v := o.room(1)
		if take && o.m.Type() != ebpf.StackTrace {
			err = o.m.LookupAndDelete(key, v.target())
		} else if err = o.m.Lookup(key, v.target()); err == nil && take {
			err = o.m.Delete(key) // a stack does not change
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		keys, values, err := o.next(1)
		if err != nil {
			return err
		}
		copy(keys, key)
		copy(values, v.bytes(1))
		o.count++
	}
	return nil
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
