package events

import "time"

// turn makes a ring busy or quiet: programs find the event of that in the map.
func (r *Reader) turn(ring *ring, busy bool) {
	before := ring.pace
	ring.pace.set(busy)
	if err := r.array.Put(uint32(ring.cpu), uint32(ring.event().fd)); err != nil {
		ring.pace = before // who froze the map meanwhile has it stay as it is
	}
}

// calm is called when the clock has ticked: rings that were busy may be quiet now. What a program
// that had found the other event before sends through that one waits for one more tick.
func (r *Reader) calm() {
	if r.shared != nil && r.shared.pace.look() {
		r.shared.pace.set(false)
	}
	for _, ring := range r.rings {
		ring.last = ring.pace.look() && ring.each != nil
		if ring.last {
			r.turn(ring, false)
		}
	}
}

// every is how often the clock has to tick.
func (r *Reader) every() time.Duration {
	if r.shared != nil && r.shared.pace.busy {
		return lookEvery
	}
	for _, ring := range r.rings {
		if ring.pace.busy || ring.last || ring.near {
			return lookEvery
		}
	}
	switch {
	case r.shared != nil:
		return idleEvery
	case r.handed:
		return followEvery
	}
	return 0
}
