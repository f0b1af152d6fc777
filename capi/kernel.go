package main

// #include "lcc.h"
import "C"

import (
	"encoding/json"

	"coolbpf/core/kernel"
)

//export lcc_kernel_types
func lcc_kernel_types(text C.lcc_str, out **C.char) *C.lcc_error {
	return call(func() error {
		query := kernel.Query{}
		if err := options(text, &query); err != nil {
			return err
		}
		facts, err := kernel.This()
		if err != nil {
			return err
		}
		_, types, err := kernel.LoadBTF(query.BTF, facts.Release)
		if err != nil {
			return err
		}
		answer, err := query.Answer(types)
		if err != nil {
			return err
		}
		described, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		*out = C.CString(string(described))
		return nil
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
