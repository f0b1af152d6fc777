package main

// #include "lcc.h"
import "C"

import (
	"encoding/json"

	"coolbpf/core/kernel"
)

//export lcc_types_open
func lcc_types_open(path C.lcc_str, out *C.lcc_handle) *C.lcc_error {
	return call(func() error {
		types, err := kernel.OpenTypes(C.GoString(path))
		if err != nil {
			return err
		}
		return give(types, 0, out)
	})
}

//export lcc_types_find
func lcc_types_find(number C.lcc_handle, text C.lcc_str, out **C.char) *C.lcc_error {
	return call(func() error {
		var query kernel.Query
		if err := options(text, &query); err != nil {
			return err
		}
		types, err := held[*kernel.Types](int64(number))
		if err != nil {
			return err
		}
		answer, err := types.Find(query)
		if err != nil {
			return err
		}
		written, err := json.Marshal(answer)
		if err == nil {
			*out = C.CString(string(written))
		}
		return err
	})
}

//export lcc_tracefs
func lcc_tracefs(out **C.char) *C.lcc_error {
	return call(func() error {
		facts, err := kernel.This()
		if err != nil {
			return err
		}
		dir, err := facts.Tracefs()
		if err != nil {
			return err
		}
		*out = C.CString(dir)
		return nil
	})
}
