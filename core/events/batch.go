package events

// batch is the caller's memory, as far as it is filled.
type batch struct {
	buffer []byte
	used   int
	runs   []Run
	count  int
}

// place makes room for a record of size bytes; nil when there is none.
func (b *batch) place(cpu, size int) []byte {
	stride := (size + 7) &^ 7
	if b.used+size > len(b.buffer) {
		return nil
	}
	if !b.extend(cpu, size) && !b.append(Run{Offset: uint64(b.used), Count: 1, Stride: uint32(stride), Size: uint32(size), CPU: int32(cpu)}) {
		return nil
	}
	room := b.buffer[b.used : b.used+size : b.used+size]
	b.used = min(b.used+stride, len(b.buffer))
	return room
}

// lose tells of records that were lost; false when there is no room for that.
func (b *batch) lose(cpu int, lost uint64) bool {
	return b.append(Run{Lost: lost, Offset: uint64(b.used), CPU: int32(cpu)})
}

// settle tells of losses that are due; false while there is no room for that.
func (b *batch) settle(cpu int, due *uint64) bool {
	if *due > 0 && !b.lose(cpu, *due) {
		return false
	}
	*due = 0
	return true
}

func (b *batch) append(run Run) bool {
	if b.count == len(b.runs) {
		return false
	}
	b.runs[b.count] = run
	b.count++
	return true
}

// extend counts the record into the last run, where it continues that.
func (b *batch) extend(cpu, size int) bool {
	if b.count == 0 {
		return false
	}
	last := &b.runs[b.count-1]
	if last.CPU != int32(cpu) || last.Size != uint32(size) || last.Count == 0 {
		return false
	}
	last.Count++
	return true
}
