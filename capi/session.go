package main

// #include "lcc.h"
import "C"

import (
	"bytes"
	"unsafe"

	"coolbpf/core/attach"
	"coolbpf/core/session"
)

//export lcc_load
func lcc_load(artefact C.lcc_bytes, size C.uint64_t, text C.lcc_str, out *C.lcc_handle) *C.lcc_error {
	return call(func() error {
		opts := struct {
			Attach   *bool
			LogLevel uint32 `json:"log_level"`
			BTF      string
			Path     string
		}{}
		if err := options(text, &opts); err != nil {
			return err
		}
		s, err := session.Load(bytes.Clone(borrow[byte](unsafe.Pointer(artefact), int(size))), session.Options{
			Attach: opts.Attach == nil || *opts.Attach, LogLevel: opts.LogLevel, BTF: opts.BTF, Path: opts.Path})
		if err != nil {
			return err
		}
		return give(s, 0, out)
	})
}

//export lcc_attach
func lcc_attach(number C.lcc_handle, program C.lcc_str, text C.lcc_str) *C.lcc_error {
	return call(func() error {
		target := attach.Target{PID: -1, CPU: -1, FD: -1}
		if err := options(text, &target); err != nil {
			return err
		}
		s, err := held[*session.Session](int64(number))
		if err != nil {
			return err
		}
		return s.Attach(C.GoString(program), target)
	})
}

//export lcc_describe
func lcc_describe(number C.lcc_handle, out **C.char) *C.lcc_error {
	return call(func() error {
		s, err := held[*session.Session](int64(number))
		if err != nil {
			return err
		}
		text, err := s.Describe()
		if err != nil {
			return err
		}
		*out = C.CString(string(text))
		return nil
	})
}

//export lcc_close
func lcc_close(number C.lcc_handle) *C.lcc_error {
	return call(func() error {
		value, err := table.remove(int64(number))
		if err != nil {
			return err
		}
		return value.Close()
	})
}
