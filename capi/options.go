package main

// #include "lcc.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"unsafe"

	"coolbpf/core/fault"
)

// options reads a JSON object into a struct; a name that the struct lacks is an error.
func options(text C.lcc_str, into any) error {
	if text == nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader([]byte(C.GoString(text))))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &fault.Error{Kind: fault.Invalid, Op: "read options", Cause: err}
	}
	return nil
}

// borrow is the caller's memory as a slice, for the length of a call.
func borrow[T any](at unsafe.Pointer, count int) []T {
	if at == nil {
		return nil
	}
	return unsafe.Slice((*T)(at), count)
}
