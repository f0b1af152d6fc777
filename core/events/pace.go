package events

import "time"

const (
	// How often to look into a buffer that does not wake the reader for each record.
	lookEvery = 10 * time.Millisecond
	// A buffer is busy when more records than flood came within lookEvery: from about there on looking
	// now and then costs less than being woken. It is quiet again when as many looks as calmLooks, one
	// after another, found a trickle each.
	flood     = 8
	trickle   = flood / 2
	calmLooks = 10
)

// pace is how fast records come.
type pace struct {
	busy  bool
	last  bool      // it became quiet a moment ago: a program may have found it busy before
	begin time.Time // of the time that records came in
	count int       // of these
	calm  int       // looks
}

// add tells of records that came; it is true when a quiet buffer becomes busy.
func (p *pace) add(records int) (flooded bool) {
	if records == 0 {
		return false
	}
	if now := time.Now(); !p.busy && now.Sub(p.begin) > lookEvery {
		p.begin, p.count = now, 0
	}
	p.count += records
	return !p.busy && p.count > flood
}

// look ends a stretch of lookEvery; it is true when a busy buffer becomes quiet.
func (p *pace) look() (calmed bool) {
	if p.calm++; p.count > trickle {
		p.calm = 0
	}
	p.count, p.last = 0, false
	return p.busy && p.calm >= calmLooks
}

// set begins anew.
func (p *pace) set(busy bool) { *p = pace{busy: busy, last: p.busy && !busy} }

// hurried tells that nobody is woken for a record, which may be there.
func (p *pace) hurried() bool { return p.busy || p.last }
