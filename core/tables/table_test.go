package tables

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"
)

func create(t *testing.T, typ ebpf.MapType, entries, valueSize uint32) (*Table, *ebpf.Map) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("maps are for root")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	if typ == ebpf.LRUHash || typ == ebpf.LRUCPUHash {
		entries *= 64 // each CPU hoards free ones: a small map may lose entries long before it is full
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: typ, KeySize: 4, ValueSize: valueSize, MaxEntries: entries})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	table, err := New("m", m)
	if err != nil {
		t.Fatal(err)
	}
	return table, m
}

// value is what the tests store under a key: size bytes for each CPU.
func value(key uint32, cpu, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(int(key)*7 + cpu*3 + i)
	}
	return b
}

func (t *Table) fill(n int) error {
	for key := range uint32(n) {
		values := make([][]byte, t.values)
		for cpu := range values {
			values[cpu] = value(key, cpu, int(t.m.ValueSize()))
		}
		if err := t.m.Put(key, t.of(values)); err != nil {
			return fmt.Errorf("key %d: %w", key, err)
		}
	}
	return nil
}

// of is what Put takes: a value for each CPU, or one.
func (t *Table) of(values [][]byte) any {
	if t.values == 1 {
		return values[0]
	}
	return values
}

// heap is memory of Go's.
type heap []byte

func (h *heap) Room(size int) ([]byte, error) {
	if size > len(*h) {
		*h = append(*h, make([]byte, size-len(*h))...)
	}
	return *h, nil
}

// entries are those that read writes, packed.
func entries(table *Table, read func(*output) error) (keys, values []byte, count int, err error) {
	var k, v heap
	to := output{table, &k, &v, 0}
	err = read(&to)
	return k[:to.count*table.KeySize()], v[:to.count*table.EntrySize()], to.count, err
}

// all are those that Entries writes.
func (t *Table) all(take bool) (keys, values []byte, count int, err error) {
	return entries(t, func(o *output) (err error) {
		o.count, err = t.Entries(take, o.keys, o.values)
		return err
	})
}

// content is Entries by key, each value checked against what fill stored.
func content(t *testing.T, table *Table, take bool) map[uint32]bool {
	t.Helper()
	keys, values, count, err := table.all(take)
	if err != nil {
		t.Fatal(err)
	}
	return checked(t, table, keys, values, count)
}

func checked(t *testing.T, table *Table, keys, values []byte, count int) map[uint32]bool {
	t.Helper()
	size := int(table.m.ValueSize())
	if len(keys) != 4*count || len(values) != count*table.values*table.stride {
		t.Fatalf("%d entries: %d bytes of keys, %d of values", count, len(keys), len(values))
	}
	found := map[uint32]bool{}
	for i := range count {
		key := binary.NativeEndian.Uint32(keys[4*i:])
		if found[key] {
			t.Errorf("key %d twice", key)
		}
		found[key] = true
		for cpu := range table.values {
			at := (i*table.values + cpu) * table.stride
			if got := values[at : at+size]; !slices.Equal(got, value(key, cpu, size)) {
				t.Errorf("key %d, CPU %d: % x", key, cpu, got)
			}
		}
	}
	return found
}

var types = []ebpf.MapType{ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.Array, ebpf.PerCPUArray}

func TestEntries(t *testing.T) {
	for _, typ := range types {
		for _, size := range []uint32{1, 4, 8, 12, 40} {
			t.Run(fmt.Sprintf("%v of %d bytes", typ, size), func(t *testing.T) {
				table, _ := create(t, typ, 64, size)
				if !array(typ) && len(content(t, table, false)) != 0 {
					t.Error("a new map has entries")
				}
				n := 10
				if array(typ) {
					n = 64
				}
				if err := table.fill(n); err != nil {
					t.Fatal(err)
				}
				if found := content(t, table, false); len(found) != n || !found[0] || !found[uint32(n-1)] {
					t.Errorf("keys %v", slices.Sorted(maps.Keys(found)))
				}
				if keys, values, count, err := entries(table, func(o *output) error { return o.oneByOne(false) }); err != nil || len(checked(t, table, keys, values, count)) != n {
					t.Errorf("one by one: %d entries, %v", count, err)
				}
				got := make([]byte, table.values*table.stride)
				found, err := table.Lookup(binary.NativeEndian.AppendUint32(nil, 3), got, false)
				if err != nil || !found || !slices.Equal(got[:size], value(3, 0, int(size))) {
					t.Errorf("look up: % x, %v, %v", got, found, err)
				}
			})
		}
	}
}

func TestTake(t *testing.T) {
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			table, _ := create(t, typ, 64, 8)
			if err := table.fill(10); err != nil {
				t.Fatal(err)
			}
			if array(typ) {
				_, _, _, err := table.all(true)
				if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid || !strings.Contains(err.Error(), "array") {
					t.Error(err)
				}
				return
			}
			if found := content(t, table, true); len(found) != 10 {
				t.Errorf("took %d", len(found))
			}
			if found := content(t, table, false); len(found) != 0 {
				t.Errorf("left %d", len(found))
			}
			if err := table.fill(10); err != nil {
				t.Fatal(err)
			}
			keys, values, count, err := entries(table, func(o *output) error { return o.oneByOne(true) })
			if errors.Is(err, ebpf.ErrNotSupported) {
				return // Linux 5.14 brings it for hashes; before, only batches take from them
			}
			if err != nil || len(checked(t, table, keys, values, count)) != 10 || len(content(t, table, false)) != 0 {
				t.Errorf("one by one: %d entries, %v", count, err)
			}
		})
	}
}

func TestClear(t *testing.T) {
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			table, _ := create(t, typ, 16, 8)
			if err := table.fill(16); err != nil {
				t.Fatal(err)
			}
			if err := table.Clear(); err != nil {
				t.Fatal(err)
			}
			_, values, count, err := table.all(false)
			if err != nil {
				t.Fatal(err)
			}
			if !array(typ) && count != 0 {
				t.Errorf("%d entries left", count)
			}
			for _, b := range values {
				if b != 0 {
					t.Fatal("values left")
				}
			}
			if !array(typ) {
				return
			}
			if err := table.fill(1); err != nil {
				t.Fatal(err)
			}
			if err := table.zeroEach([]uint32{0}); err != nil {
				t.Fatal(err)
			}
			value := make([]byte, table.values*table.stride)
			_, err = table.Lookup(make([]byte, 4), value, false)
			if err != nil || slices.ContainsFunc(value, func(b byte) bool { return b != 0 }) {
				t.Errorf("one by one: % x, %v", value, err)
			}
		})
	}
}

func TestClearLargeArray(t *testing.T) {
	for _, typ := range []ebpf.MapType{ebpf.Array, ebpf.PerCPUArray} {
		table, m := create(t, typ, 10000, 12)
		values := make([][]byte, table.values)
		for cpu := range values {
			values[cpu] = value(1, cpu, 12)
		}
		for _, key := range []uint32{0, 4095, 4096, 9999} {
			if err := m.Put(key, table.of(values)); err != nil {
				t.Fatal(err)
			}
		}
		if err := table.Clear(); err != nil {
			t.Fatal(err)
		}
		_, data, count, err := table.all(false)
		if err != nil || count != 10000 || slices.ContainsFunc(data, func(b byte) bool { return b != 0 }) {
			t.Errorf("%v: %d entries, %v", typ, count, err)
		}
	}
}

// More entries than a batch, and buckets that do not fit into one.
func TestManyEntries(t *testing.T) {
	table, _ := create(t, ebpf.Hash, 40000, 4)
	if err := table.fill(30000); err != nil {
		t.Fatal(err)
	}
	if found := content(t, table, false); len(found) != 30000 {
		t.Errorf("found %d", len(found))
	}
	if found := content(t, table, true); len(found) != 30000 {
		t.Errorf("took %d", len(found))
	}
	if found := content(t, table, false); len(found) != 0 {
		t.Errorf("left %d", len(found))
	}
	if keys, err := table.keys(); err != nil || len(keys) != 0 {
		t.Errorf("%d keys left, %v", len(keys), err)
	}
}

func TestWithoutKeys(t *testing.T) {
	_, _, _, err := keyless(t, ebpf.Queue).all(false)
	if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid || err.Error() != "read map m: a map of type Queue has no keys to go through" {
		t.Error(err)
	}
}

func TestWrongKey(t *testing.T) {
	table, _ := create(t, ebpf.Hash, 4, 4)
	value := make([]byte, 4)
	_, err := table.Lookup([]byte{1, 2}, value, false)
	if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid || err.Error() != "look up in map m: the key has 2 bytes, not 4" {
		t.Error(err)
	}
	if found, err := table.Lookup([]byte{1, 2, 3, 4}, value, false); found || err != nil {
		t.Error(found, err)
	}
}

func key(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

func TestUpdateAndDelete(t *testing.T) {
	for _, typ := range types {
		t.Run(typ.String(), func(t *testing.T) {
			table, _ := create(t, typ, 5000, 12)
			var keys, values []byte
			for n := range uint32(4500) {
				keys = append(keys, key(n)...)
				for cpu := range table.values {
					values = append(values, value(n, cpu, 12)...)
					values = append(values, make([]byte, table.stride-12)...)
				}
			}
			if err := table.Update(keys, values, 4500); err != nil {
				t.Fatal(err)
			}
			one := make([]byte, table.values*table.stride)
			if err := table.Update(key(7), one, 1); err != nil {
				t.Fatal(err)
			}
			if found, err := table.Lookup(key(7), one, false); err != nil || !found || !slices.Equal(one, make([]byte, len(one))) {
				t.Errorf("% x, %v, %v", one, found, err)
			}
			if found, err := table.Lookup(key(4499), one, false); err != nil || !found || !slices.Equal(one[:12], value(4499, 0, 12)) {
				t.Errorf("% x, %v, %v", one, found, err)
			}
			if array(typ) {
				_, err := table.Delete(key(7))
				if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid || !strings.Contains(err.Error(), "array") {
					t.Error(err)
				}
				return
			}
			if found, err := table.Delete(key(7)); err != nil || !found {
				t.Error(found, err)
			}
			if found, err := table.Delete(key(7)); err != nil || found {
				t.Error(found, err)
			}
			if _, _, count, err := table.all(false); err != nil || count != 4499 {
				t.Error(count, err)
			}
		})
	}
}

func TestUpdateOfWrongSize(t *testing.T) {
	table, _ := create(t, ebpf.Hash, 4, 4)
	for _, err := range []error{table.Update(key(1), make([]byte, 4), 2), table.Update(key(1), make([]byte, 5), 1), table.Update(nil, nil, 1)} {
		if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Invalid || !strings.HasPrefix(err.Error(), "update map m: ") {
			t.Error(err)
		}
	}
	if err := table.Update(nil, nil, 0); err != nil {
		t.Error(err)
	}
	for n := range uint32(5) {
		err := table.Update(key(n), key(n), 1)
		if full := err != nil && err.Error() == "update map m: it is full (max_entries 4)"; full != (n == 4) {
			t.Error(n, err)
		}
	}
}

// keyless is a map without keys, nil where the kernel has none of its type.
func keyless(t *testing.T, typ ebpf.MapType) *Table {
	t.Helper()
	if err := features.HaveMapType(typ); errors.Is(err, ebpf.ErrNotSupported) {
		return nil
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: typ, ValueSize: 4, MaxEntries: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	table, err := New("m", m)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestQueue(t *testing.T) {
	queue := keyless(t, ebpf.Queue)
	for n := range uint32(3) {
		if err := queue.Update(nil, key(n), 1); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, 4)
	for _, take := range []bool{false, true} {
		if found, err := queue.Lookup(nil, got, take); err != nil || !found || !slices.Equal(got, key(0)) {
			t.Errorf("% x, %v, %v", got, found, err)
		}
	}
	if found, err := queue.Lookup(nil, got, true); err != nil || !found || !slices.Equal(got, key(1)) {
		t.Errorf("% x, %v, %v", got, found, err)
	}
}

// A filter is asked for what the value contains.
func TestBloomFilter(t *testing.T) {
	filter := keyless(t, ebpf.BloomFilter)
	if filter == nil {
		return // Linux 5.16 brings it
	}
	if err := filter.Update(nil, key(5), 1); err != nil {
		t.Fatal(err)
	}
	found := 0
	for n := range uint32(100) {
		ok, err := filter.Lookup(nil, key(n), false)
		if err != nil || n == 5 && !ok {
			t.Fatal(n, ok, err)
		}
		if ok {
			found++
		}
	}
	if found > 50 {
		t.Errorf("%d of 100 are said to be in it", found)
	}
}
