package main

// #include "lcc.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"coolbpf/core/fault"
)

// handles gives numbers to what C callers hold. A number is never used twice.
type handles struct {
	mu   sync.Mutex
	last int64
	open map[int64]entry
}

type entry struct {
	value  io.Closer
	parent int64
}

var table = handles{open: map[int64]entry{}}

// add is an error where the parent, which closes what was opened from it, was closed meanwhile.
func (h *handles) add(value io.Closer, parent int64) (int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.open[parent]; parent != 0 && !ok {
		return 0, h.unknown(parent)
	}
	h.last++
	h.open[h.last] = entry{value, parent}
	return h.last, nil
}

// give adds a value and tells the caller its number.
func give(value io.Closer, parent int64, out *C.lcc_handle) error {
	number, err := table.add(value, parent)
	if err == nil {
		*out = C.lcc_handle(number)
	}
	return err
}

// remove takes a number, and those of what was opened from it, out of the table.
func (h *handles) remove(number int64) (io.Closer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.open[number]
	if !ok {
		return nil, h.unknown(number)
	}
	delete(h.open, number)
	for n, child := range h.open {
		if child.parent == number {
			delete(h.open, n)
		}
	}
	return e.value, nil
}

func (h *handles) unknown(number int64) error {
	if number > 0 && number <= h.last {
		return &fault.Error{Kind: fault.Closed, Op: "use a closed object", Cause: errors.New("close() was called")}
	}
	return &fault.Error{Kind: fault.Invalid, Op: "use handle", Subject: fmt.Sprint(number), Cause: fmt.Errorf("no such handle")}
}

// held returns what a number stands for.
func held[T io.Closer](number int64) (T, error) {
	table.mu.Lock()
	defer table.mu.Unlock()
	e, ok := table.open[number]
	if !ok {
		var none T
		return none, table.unknown(number)
	}
	value, ok := e.value.(T)
	if !ok {
		return value, &fault.Error{Kind: fault.Invalid, Op: "use handle", Subject: fmt.Sprint(number),
			Cause: fmt.Errorf("it is a %T, not a %T", e.value, value)}
	}
	return value, nil
}
