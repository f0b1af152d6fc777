package main

// #include "lcc.h"
import "C"

import (
	"encoding/json"
	"unsafe"

	"coolbpf/core/compile"
)

//export lcc_make
func lcc_make(text C.lcc_str, stop C.lcc_flag, out *C.lcc_made) *C.lcc_error {
	return call(func() error {
		ctx, cancel := until((*int32)(unsafe.Pointer(stop)))
		defer cancel()
		var request compile.Request
		if err := options(text, &request); err != nil {
			return err
		}
		made, err := compile.Make(ctx, request)
		if err != nil {
			return err
		}
		report, err := json.Marshal(made.Report)
		if err != nil {
			return err
		}
		out.artefact, out.size = C.CBytes(made.Artefact), C.uint64_t(len(made.Artefact))
		out.report = C.CString(string(report))
		return nil
	})
}
