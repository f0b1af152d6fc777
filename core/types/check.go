package types

// Check says what no compiler writes: types that are made of themselves, or so deep that they are too much
// for who prints them.
func (r *Raw) Check() error {
	for _, ends := range [][]Kind{{Struct, Union}, {pointer, prototype}} {
		if id := r.circle(ends); id != 0 {
			return malformed("type %d is made of itself, or of too much", id)
		}
	}
	return nil
}

// circle is a type that one comes back to without passing those kinds, or 0.
func (r *Raw) circle(ends []Kind) ID {
	var stops [kinds]bool
	for _, kind := range ends {
		stops[kind] = true
	}
	const begun, ended, deepest = 1, 2, 1000
	state := make([]byte, len(r.offsets))
	var visit func(id ID, depth int) (circle ID)
	visit = func(id ID, depth int) (circle ID) {
		switch {
		case id == 0 || id >= ID(len(state)) || state[id] == ended:
			return 0
		case state[id] == begun || depth > deepest:
			return id
		}
		state[id] = begun
		if t := r.at(id); !stops[t.kind()] {
			t.refer(func(word []byte) {
				if circle == 0 {
					circle = visit(ID(order.Uint32(word)), depth+1)
				}
			})
		}
		state[id] = ended
		return circle
	}
	for id := range state {
		if circle := visit(ID(id), 0); circle != 0 {
			return circle
		}
	}
	return 0
}
