package main

// #include "lcc.h"
import "C"

import (
	"fmt"
	"unsafe"

	"coolbpf/core/fault"
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
	out unsafe.Pointer, size C.uint32_t, found *C.int32_t) *C.lcc_error {
	return onTable(number, index, func(t *tables.Table) error {
		value, ok, err := t.Lookup(borrow[byte](unsafe.Pointer(key), int(keySize)))
		if err != nil {
			return err
		}
		*found = 0
		if ok {
			if len(value) != int(size) {
				return &fault.Error{Kind: fault.Invalid, Op: "look up a key",
					Cause: fmt.Errorf("the value has %d bytes, the buffer %d", len(value), size)}
			}
			copy(borrow[byte](out, int(size)), value)
			*found = 1
		}
		return nil
	})
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
