package main

// #include <stdlib.h>
// #include "lcc.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"
	"unsafe"

	"coolbpf/core/fault"
)

// call runs an export's body. Every export goes through it: a panic must not end the host program.
func call(body func() error) (failed *C.lcc_error) {
	defer func() {
		if p := recover(); p != nil {
			failed = failure(&fault.Error{Kind: fault.Internal, Op: "liblcc", Cause: fmt.Errorf("panic: %v", p),
				Hint: "a defect of coolbpf, please report it with the log", Detail: string(debug.Stack())})
		}
	}()
	return failure(body())
}

// until is a context that ends when the flag is set, and with cancel, which must be called.
func until(flag *int32) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	if flag == nil {
		return ctx, cancel
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
				if atomic.LoadInt32(flag) != 0 {
					cancel()
				}
			}
		}
	}()
	return ctx, func() { cancel(); <-ended }
}

func failure(err error) *C.lcc_error {
	if err == nil {
		return nil
	}
	e := (*C.lcc_error)(C.malloc(C.sizeof_lcc_error))
	e.code, e.sys_errno = C.LCC_SYSTEM, C.int32_t(fault.Errno(err))
	detail := ""
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		e.code, detail = C.int32_t(f.Kind), f.Detail
	}
	e.message, e.detail = C.CString(err.Error()), C.CString(detail)
	return e
}

//export lcc_free
func lcc_free(memory unsafe.Pointer) { C.free(memory) }

//export lcc_error_free
func lcc_error_free(e *C.lcc_error) {
	if e != nil {
		C.free(unsafe.Pointer(e.message))
		C.free(unsafe.Pointer(e.detail))
		C.free(unsafe.Pointer(e))
	}
}
