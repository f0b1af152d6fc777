package events

import (
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const followEvery = time.Second

// openRings makes rings for the CPUs that lack one. Programs may send from CPUs that this process
// does not run on, so all count.
func (r *Reader) openRings() error {
	online, _ := os.ReadFile("/sys/devices/system/cpu/online") // where it is not there, CPUs stay as they are
	for cpu := range int(r.array.MaxEntries()) {
		if r.rings[cpu] != nil {
			continue
		}
		if err := r.openRing(cpu); err != nil && !errors.Is(err, unix.ENODEV) { // offline
			return err
		}
	}
	r.online = string(online)
	return nil
}

func (r *Reader) openRing(cpu int) error {
	ring, err := openRing(r.array, cpu, r.size)
	if err != nil {
		return err
	}
	r.rings[cpu] = ring
	r.order = append(r.order, ring)
	if err = r.alarm.watch(ring.half.fd, unix.EPOLLIN); err == nil {
		err = ring.put()
	}
	if err != nil {
		return errors.Join(err, r.closeRing(cpu))
	}
	return nil
}

// followCPUs makes new rings where CPUs came, also those that were away for a moment: the kernel ends
// the event of one that goes. What is sent from a CPU within a second after it came is not received.
func (r *Reader) followCPUs(b *batch) (err error) {
	defer func() {
		if err != nil {
			r.online = "unknown" // and try again
		}
	}()
	if r.array.Type() != ebpf.PerfEventArray || time.Since(r.followed) < followEvery {
		return nil
	}
	r.followed = time.Now()
	dead := false
	for cpu, ring := range maps.Clone(r.rings) {
		if ring.alive() {
			continue
		}
		if _, full := ring.drain(b); full {
			r.followed = time.Time{} // the rest comes with the next batch
			continue
		}
		if err = r.closeRing(cpu); err != nil {
			return err
		}
		dead = true
	}
	if online, err := os.ReadFile("/sys/devices/system/cpu/online"); !dead && (err != nil || string(online) == r.online) {
		return nil
	}
	return r.openRings()
}

// closeRing forgets the ring of a CPU.
func (r *Reader) closeRing(cpu int) error {
	err := r.array.Delete(uint32(cpu))
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		err = nil
	}
	ring := r.rings[cpu]
	err = errors.Join(err, ring.close())
	delete(r.rings, cpu)
	r.order = slices.DeleteFunc(r.order, func(s source) bool { return s == source(ring) })
	return err
}
