package events

import "time"

// source is where records come from: the ring of a CPU, or a ring buffer that all share.
type source interface {
	// drain moves records into the batch and counts them; full when the batch takes no more.
	drain(b *batch) (count int, full bool)
	waiting() bool
	close() error

	add(records int) (flooded bool)
	look() (calmed bool)
	hurried() bool
	// turn has programs send as to a busy reader, or a quiet one.
	turn(busy bool)
}

// drain takes what is in the sources; full when the batch takes no more. Then the next batch begins
// with the one behind that which filled it.
func (r *Reader) drain(b *batch) (full bool) {
	for i, s := range r.order {
		count, full := s.drain(b)
		if s.add(count) {
			s.turn(true)
		}
		if full {
			r.order = append(r.order[i+1:len(r.order):len(r.order)], r.order[:i+1]...)
			return true
		}
	}
	return false
}

// calm is called when the clock has ticked: what was busy may be quiet now. What a program sends that
// found it busy before waits for one more tick.
func (r *Reader) calm() {
	for _, s := range r.order {
		if s.look() {
			s.turn(false)
		}
	}
}

// every is how often the clock has to tick.
func (r *Reader) every() time.Duration {
	for _, s := range r.order {
		if s.hurried() {
			return lookEvery
		}
	}
	if r.handed && r.idle == 0 {
		return followEvery
	}
	return r.idle
}
