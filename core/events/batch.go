package events

import "github.com/cilium/ebpf/perf"

// batch is the caller's memory, as far as it is filled.
type batch struct {
	buffer []byte
	used   int
	runs   []Run
	count  int
}

// add appends a record or a loss; false when there is no room for it.
func (b *batch) add(record *perf.Record) bool {
	size := len(record.RawSample)
	stride := (size + 7) &^ 7
	tooLarge := stride > len(b.buffer)
	if b.used+stride > len(b.buffer) && !tooLarge {
		return false
	}
	if record.LostSamples > 0 || tooLarge {
		lost := record.LostSamples
		if tooLarge {
			lost++
		}
		return b.append(Run{Lost: lost, Offset: uint64(b.used), CPU: int32(record.CPU)})
	}
	if !b.extend(record.CPU, size, stride) &&
		!b.append(Run{Offset: uint64(b.used), Count: 1, Stride: uint32(stride), Size: uint32(size), CPU: int32(record.CPU)}) {
		return false
	}
	copy(b.buffer[b.used:], record.RawSample)
	b.used += stride
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
func (b *batch) extend(cpu, size, stride int) bool {
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
