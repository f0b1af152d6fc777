package events

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const onlineEvery = time.Second

// online is what the kernel said of its CPUs the last time it was asked.
type online struct {
	list  string
	asked time.Time
}

// changed asks the kernel, once a second.
func (o *online) changed() bool {
	if time.Since(o.asked) < onlineEvery {
		return false
	}
	list, err := os.ReadFile("/sys/devices/system/cpu/online")
	before := o.list
	o.asked, o.list = time.Now(), string(list)
	return err == nil && before != "" && o.list != before
}

// openRings makes rings for the CPUs that lack one. Programs may send from CPUs that this process
// does not run on, so all count.
func (r *Reader) openRings(cpus int) error {
	r.online.changed()
	for cpu := range cpus {
		if r.rings[cpu] != nil {
			continue
		}
		if err := r.openRing(cpu); err != nil && !errors.Is(err, unix.ENODEV) { // offline
			return err
		}
	}
	return nil
}

func (r *Reader) openRing(cpu int) error {
	ring, err := openRing(cpu, r.size)
	if err != nil {
		return err
	}
	r.rings[cpu] = ring
	r.order = append(r.order, cpu)
	if err := r.watch(ring.fd); err != nil {
		return err
	}
	return r.array.Put(uint32(cpu), uint32(ring.fd))
}

// followCPUs, called when the rings are empty, makes new ones where CPUs came or went: the kernel ends
// the event of one that goes. What is sent from a CPU within a second after it came is not received.
func (r *Reader) followCPUs() (err error) {
	if r.shared != nil || !r.online.changed() {
		return nil
	}
	defer func() {
		if err != nil {
			r.online.list = "unknown" // and try again
		}
	}()
	for _, cpu := range slices.Clone(r.order) {
		if !offline(cpu) {
			continue
		}
		if err = r.closeRing(cpu); err != nil {
			return err
		}
	}
	return r.openRings(int(r.array.MaxEntries()))
}

func offline(cpu int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/online", cpu))
	return err == nil && string(state) == "0\n"
}

// closeRing forgets the ring of a CPU.
func (r *Reader) closeRing(cpu int) error {
	err := r.array.Delete(uint32(cpu))
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		err = nil
	}
	err = errors.Join(err, r.rings[cpu].close())
	delete(r.rings, cpu)
	r.order = slices.DeleteFunc(r.order, func(other int) bool { return other == cpu })
	return err
}
