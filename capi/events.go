package main

// #include "lcc.h"
import "C"

import (
	"time"
	"unsafe"

	"coolbpf/core/events"
	"coolbpf/core/session"
)

//export lcc_events_open
func lcc_events_open(number C.lcc_handle, index C.uint32_t, ringSize C.uint32_t, out *C.lcc_handle) *C.lcc_error {
	return call(func() error {
		s, err := held[*session.Session](int64(number))
		if err != nil {
			return err
		}
		r, err := s.OpenEvents(int(index), int(ringSize))
		if err != nil {
			return err
		}
		return give(r, int64(number), out)
	})
}

//export lcc_events_read
func lcc_events_read(number C.lcc_handle, buffer unsafe.Pointer, size C.uint64_t, timeout C.int32_t,
	runs *C.lcc_run, maxRuns C.uint32_t, count *C.uint32_t) *C.lcc_error {
	return call(func() error {
		r, err := held[*events.Reader](int64(number))
		if err != nil {
			return err
		}
		// events.Run has the layout of lcc_run.
		n, err := r.Read(borrow[byte](buffer, int(size)), borrow[events.Run](unsafe.Pointer(runs), int(maxRuns)),
			time.Duration(timeout)*time.Millisecond)
		if err != nil {
			return err
		}
		*count = C.uint32_t(n)
		return nil
	})
}

//export lcc_events_fd
func lcc_events_fd(number C.lcc_handle, out *C.int32_t) *C.lcc_error {
	return call(func() error {
		r, err := held[*events.Reader](int64(number))
		if err != nil {
			return err
		}
		fd, err := r.FD()
		if err == nil {
			*out = C.int32_t(fd)
		}
		return err
	})
}

var _ [unsafe.Sizeof(events.Run{})]byte = [C.sizeof_lcc_run]byte{}
