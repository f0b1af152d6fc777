package types

// Check says what no compiler writes: types that are made of themselves, which never end to who prints
// or lays them out.
func (r *Raw) Check() error {
	const prototype Kind = 13
	for _, ends := range [][]Kind{{Struct, Union}, {pointer, prototype}} {
		if id := r.circle(ends); id != 0 {
			return malformed("type %d is made of itself", id)
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
	const begun, ended = 1, 2
	state := make([]byte, len(r.offsets))
	var visit func(id ID) (circle ID)
	visit = func(id ID) (circle ID) {
		switch {
		case id == 0 || id >= ID(len(state)) || state[id] == ended:
			return 0
		case state[id] == begun:
			return id
		}
		state[id] = begun
		if t := r.at(id); !stops[t.kind()] {
			t.refer(func(word []byte) {
				if circle == 0 {
					circle = visit(ID(order.Uint32(word)))
				}
			})
		}
		state[id] = ended
		return circle
	}
	for id := range state {
		if circle := visit(ID(id)); circle != 0 {
			return circle
		}
	}
	return 0
}
