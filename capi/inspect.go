package main

// #include "lcc.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"unsafe"

	"coolbpf/core/kernel"
	"coolbpf/core/session"
)

//export lcc_inspect
func lcc_inspect(artefact C.lcc_bytes, size C.uint64_t, out **C.char) *C.lcc_error {
	return call(func() error {
		text, err := session.Inspect(bytes.Clone(borrow[byte](unsafe.Pointer(artefact), int(size))))
		if err != nil {
			return err
		}
		*out = C.CString(string(text))
		return nil
	})
}

//export lcc_findings
func lcc_findings(btf C.lcc_str, out **C.char) *C.lcc_error {
	return call(func() error {
		facts, err := kernel.This()
		if err != nil {
			return err
		}
		text, err := json.Marshal(facts.Findings(C.GoString(btf)))
		if err != nil {
			return err
		}
		*out = C.CString(string(text))
		return nil
	})
}
