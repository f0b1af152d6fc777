package main

// #include <stdlib.h>
// #include "lcc.h"
import "C"

import (
	"unsafe"

	"coolbpf/core/session"
	"coolbpf/core/tables"

	"golang.org/x/sys/unix"
)

// onTable makes a call that uses a map, which stays open until it returns.
func onTable(number C.lcc_handle, index C.uint32_t, use func(*tables.Table) error) *C.lcc_error {
	return call(func() error {
		s, err := held[*session.Session](int64(number))
		if err != nil {
			return err
		}
		return s.UseTable(int(index), use)
	})
}

//export lcc_map_lookup
func lcc_map_lookup(number C.lcc_handle, index C.uint32_t, key C.lcc_bytes, keySize C.uint32_t,
	value unsafe.Pointer, size C.uint32_t, take C.int32_t, found *C.int32_t) *C.lcc_error {
	return onTable(number, index, func(t *tables.Table) error {
		ok, err := t.Lookup(borrow[byte](unsafe.Pointer(key), int(keySize)), borrow[byte](value, int(size)), take != 0)
		return tell(found, ok, err)
	})
}

//export lcc_map_update
func lcc_map_update(number C.lcc_handle, index C.uint32_t, keys C.lcc_bytes, keysSize C.uint64_t,
	values C.lcc_bytes, valuesSize C.uint64_t, count C.uint32_t) *C.lcc_error {
	return onTable(number, index, func(t *tables.Table) error {
		return t.Update(borrow[byte](unsafe.Pointer(keys), int(keysSize)), borrow[byte](unsafe.Pointer(values), int(valuesSize)), int(count))
	})
}

//export lcc_map_delete
func lcc_map_delete(number C.lcc_handle, index C.uint32_t, key C.lcc_bytes, keySize C.uint32_t, found *C.int32_t) *C.lcc_error {
	return onTable(number, index, func(t *tables.Table) error {
		ok, err := t.Delete(borrow[byte](unsafe.Pointer(key), int(keySize)))
		return tell(found, ok, err)
	})
}

// tell writes a result, which stays untouched by an error.
func tell(found *C.int32_t, ok bool, err error) error {
	if err == nil {
		*found = 0
		if ok {
			*found = 1
		}
	}
	return err
}

//export lcc_map_entries
func lcc_map_entries(number C.lcc_handle, index C.uint32_t, take C.int32_t, out *C.lcc_entries) *C.lcc_error {
	var keys, values memory
	failed := onTable(number, index, func(t *tables.Table) error {
		count, err := t.Entries(take != 0, &keys, &values)
		if err != nil {
			return err
		}
		out.keys, out.values, out.count = keys.at, values.at, C.uint64_t(count)
		out.key_size, out.value_size = C.uint32_t(t.KeySize()), C.uint32_t(t.EntrySize())
		return nil
	})
	if failed != nil {
		C.free(keys.at)
		C.free(values.at)
	}
	return failed
}

// memory is malloc'ed and given to the caller, who frees it.
type memory struct {
	at   unsafe.Pointer
	size int
}

func (m *memory) Room(size int) ([]byte, error) {
	if size > m.size {
		size = max(size, 2*m.size)
		at := C.realloc(m.at, C.size_t(size))
		if at == nil {
			return nil, unix.ENOMEM
		}
		m.at, m.size = at, size
	}
	return borrow[byte](m.at, m.size), nil
}

//export lcc_map_clear
func lcc_map_clear(number C.lcc_handle, index C.uint32_t) *C.lcc_error {
	return onTable(number, index, func(t *tables.Table) error {
		return t.Clear()
	})
}

//export lcc_fd
func lcc_fd(number C.lcc_handle, name C.lcc_str, out *C.int32_t) *C.lcc_error {
	return call(func() error {
		s, err := held[*session.Session](int64(number))
		if err != nil {
			return err
		}
		fd, err := s.FD(C.GoString(name))
		if err == nil {
			*out = C.int32_t(fd)
		}
		return err
	})
}
