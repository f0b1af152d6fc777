package main

// #include "lcc.h"
import "C"

import (
	"encoding/json"
	"io"
	"unsafe"

	"coolbpf/core/session"
	"coolbpf/core/symbols"
)

//export lcc_kernel_names
func lcc_kernel_names(number C.lcc_handle, addresses C.lcc_addresses, count C.uint32_t, out **C.char) *C.lcc_error {
	return call(func() error {
		book, err := opened(int64(number))
		if err != nil {
			return err
		}
		asked := borrow[uint64](unsafe.Pointer(addresses), int(count))
		kernel, err := book.KernelAt(asked...)
		if err != nil {
			return err
		}
		*out = C.CString(string(kernel.Lines(asked)))
		return nil
	})
}

//export lcc_symbols_open
func lcc_symbols_open(out *C.lcc_handle) *C.lcc_error {
	return call(func() error {
		return give(&symbols.Book{}, 0, out)
	})
}

//export lcc_symbols_at
func lcc_symbols_at(number C.lcc_handle, text C.lcc_str, addresses C.lcc_addresses, count C.uint32_t, out **C.char) *C.lcc_error {
	return ask(number, text, out, func(book *symbols.Book, space symbols.Space) (any, error) {
		return book.At(space, borrow[uint64](unsafe.Pointer(addresses), int(count)))
	})
}

//export lcc_symbols_find
func lcc_symbols_find(number C.lcc_handle, text C.lcc_str, name C.lcc_str, out **C.char) *C.lcc_error {
	return ask(number, text, out, func(book *symbols.Book, space symbols.Space) (any, error) {
		return book.Find(space, C.GoString(name))
	})
}

// opened is the book of a handle of its own, or of a session.
func opened(number int64) (*symbols.Book, error) {
	if value, err := held[io.Closer](number); err == nil {
		if s, ok := value.(*session.Session); ok {
			return s.Symbols(), nil
		}
	}
	return held[*symbols.Book](number)
}

// ask hands out the answer of a book as JSON.
func ask(number C.lcc_handle, text C.lcc_str, out **C.char, question func(*symbols.Book, symbols.Space) (any, error)) *C.lcc_error {
	return call(func() error {
		space := symbols.Space{PID: -1}
		if err := options(text, &space); err != nil {
			return err
		}
		book, err := opened(int64(number))
		if err != nil {
			return err
		}
		answer, err := question(book, space)
		if err != nil {
			return err
		}
		written, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		*out = C.CString(string(written))
		return nil
	})
}
