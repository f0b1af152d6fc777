package events

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// alarm is one descriptor for all that a reader waits for: the rings, a bell, a clock.
type alarm struct {
	epoll  int
	bell   int // an eventfd
	clock  int // a timerfd
	every  time.Duration
	events [64]unix.EpollEvent
}

func openAlarm() (*alarm, error) {
	a := &alarm{epoll: -1, bell: -1, clock: -1}
	err := a.open()
	if err != nil {
		a.close()
	}
	return a, err
}

func (a *alarm) open() (err error) {
	if a.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if a.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if a.clock, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return err
	}
	return errors.Join(a.watch(a.bell, unix.EPOLLIN|unix.EPOLLET), a.watch(a.clock, unix.EPOLLIN))
}

func (a *alarm) watch(fd int, events uint32) error {
	return unix.EpollCtl(a.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// strike makes the descriptor readable until the next wait, which returns at once: an edge of the bell.
func (a *alarm) strike() error {
	_, err := unix.Write(a.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	return err
}

// set has the clock tick; 0: never.
func (a *alarm) set(every time.Duration) error {
	if every == a.every {
		return nil
	}
	a.every = every
	ticks := unix.NsecToTimespec(every.Nanoseconds())
	return unix.TimerfdSettime(a.clock, 0, &unix.ItimerSpec{Interval: ticks, Value: ticks}, nil)
}

// wait returns when there is something to look at, or after a time, or with EINTR when the thread
// handled a signal; ticked: the clock is among it.
func (a *alarm) wait(most time.Duration) (ticked bool, err error) {
	milliseconds := max(0, (most + time.Millisecond - 1).Milliseconds())
	n, err := unix.EpollWait(a.epoll, a.events[:], int(milliseconds))
	if err != nil {
		return false, err
	}
	for _, event := range a.events[:n] {
		if event.Fd == int32(a.clock) {
			var ticks uint64
			_, err := unix.Read(a.clock, unsafe.Slice((*byte)(unsafe.Pointer(&ticks)), unsafe.Sizeof(ticks)))
			ticked = err == nil // else it was set anew
		}
	}
	return ticked, nil
}

func (a *alarm) close() error {
	var errs []error
	for _, fd := range []int{a.epoll, a.bell, a.clock} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}
