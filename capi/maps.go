package main

// #include "lcc.h"
import "C"

import (
	"unsafe"

	"coolbpf/core/session"
	"coolbpf/core/tables"
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
	return onTable(number, index, func(t *tables.Table) error {
		keys, values, count, err := t.Entries(take != 0)
		if err != nil {
			return err
		}
		out.keys, out.values, out.count = C.CBytes(keys), C.CBytes(values), C.uint64_t(count)
		if count > 0 {
			out.key_size, out.value_size = C.uint32_t(len(keys)/count), C.uint32_t(len(values)/count)
		}
		return nil
	})
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
