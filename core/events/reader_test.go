package events

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"coolbpf/core/fault"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// sender sends records from any CPU: size bytes of which the first eight are a number.
type sender struct {
	*testing.T
	array   *ebpf.Map
	program *ebpf.Program
}

func newSender(t *testing.T, size int32) *sender {
	t.Helper()
	return newSenderTo(t, &ebpf.MapSpec{Type: ebpf.PerfEventArray}, size, func(array *ebpf.Map) asm.Instructions {
		return asm.Instructions{
			asm.LoadMapPtr(asm.R2, array.FD()),
			asm.LoadImm(asm.R3, 0xffffffff, asm.DWord), // BPF_F_CURRENT_CPU
			asm.Mov.Reg(asm.R4, asm.RFP), asm.Add.Imm(asm.R4, -size),
			asm.Mov.Imm(asm.R5, size),
			asm.FnPerfEventOutput.Call()}
	})
}

func newRingSender(t *testing.T, size int32) *sender {
	t.Helper()
	return newSenderTo(t, &ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096}, size, func(array *ebpf.Map) asm.Instructions {
		return asm.Instructions{
			asm.LoadMapPtr(asm.R1, array.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -size),
			asm.Mov.Imm(asm.R3, size),
			asm.Mov.Imm(asm.R4, 0),
			asm.FnRingbufOutput.Call()}
	})
}

func newSenderTo(t *testing.T, spec *ebpf.MapSpec, size int32, output func(*ebpf.Map) asm.Instructions) *sender {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("maps and programs are for root")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	array, err := ebpf.NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { array.Close() })
	code := asm.Instructions{asm.LoadMem(asm.R6, asm.R1, 0, asm.DWord)}
	for at := -int16(size); at < 0; at += 8 {
		code = append(code, asm.StoreMem(asm.RFP, at, asm.R6, asm.DWord))
	}
	code = append(code, output(array)...)
	code = append(code, asm.Mov.Imm(asm.R0, 0), asm.Return())
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.RawTracepoint, Instructions: code, License: "GPL"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return &sender{t, array, program}
}

func (s *sender) send(cpu int, number uint64) {
	s.Helper()
	_, err := s.program.Run(&ebpf.RunOptions{Context: [12]uint64{number}, Flags: 1, CPU: uint32(cpu)}) // BPF_F_TEST_RUN_ON_CPU
	if err != nil {
		s.Fatal(err)
	}
}

func (s *sender) open(ringSize int) *Reader {
	s.Helper()
	r, err := Open("e_out", s.array, Options{RingSize: ringSize})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { r.Close() })
	return r
}

// received is what came from each CPU, in order.
type received struct {
	numbers map[int32][]uint64
	lost    uint64
	quiet   bool // the last read found nothing
}

func (got *received) count() (n int) {
	for _, numbers := range got.numbers {
		n += len(numbers)
	}
	return n
}

// read reads until enough is true, into buffers of the given sizes.
func (s *sender) read(r *Reader, bufferSize, runCount int, enough func(*received) bool) *received {
	s.Helper()
	got := &received{numbers: map[int32][]uint64{}}
	buffer, runs := make([]byte, bufferSize), make([]Run, runCount)
	for deadline := time.Now().Add(30 * time.Second); !enough(got); {
		if time.Now().After(deadline) {
			s.Fatalf("received %d, lost %d", got.count(), got.lost)
		}
		n, err := r.Read(buffer, runs, 100*time.Millisecond)
		if err != nil {
			s.Fatal(err)
		}
		got.quiet = n == 0
		for _, run := range runs[:n] {
			got.lost += run.Lost
			for i := range uint64(run.Count) {
				at := run.Offset + i*uint64(run.Stride)
				got.numbers[run.CPU] = append(got.numbers[run.CPU], binary.NativeEndian.Uint64(buffer[at:]))
			}
		}
	}
	return got
}

func TestRecordsArriveInOrder(t *testing.T) {
	cpus := ebpf.MustPossibleCPU()
	for _, size := range []struct{ record, buffer, runs int }{{8, 1 << 16, 64}, {8, 64, 64}, {32, 256, 1}, {8, 16, 1}} {
		s := newSender(t, int32(size.record))
		r := s.open(0)
		const each = 500
		for i := range each {
			for cpu := range cpus {
				s.send(cpu, uint64(i))
			}
		}
		got := s.read(r, size.buffer, size.runs, func(got *received) bool { return got.count() == each*cpus })
		for cpu := range cpus {
			for i, number := range got.numbers[int32(cpu)] {
				if number != uint64(i) {
					t.Fatalf("%+v: CPU %d: record %d is %d", size, cpu, i, number)
				}
			}
		}
		if got.lost != 0 {
			t.Errorf("%+v: lost %d", size, got.lost)
		}
	}
}

// What does not fit is counted, at the latest when a further record comes through.
func TestLostIsCounted(t *testing.T) {
	s := newSender(t, 64)
	r := s.open(0)
	const burst = 20000
	for i := range burst {
		s.send(0, uint64(i))
	}
	first := s.read(r, 1<<20, 64, func(got *received) bool { return got.quiet })
	s.send(0, burst)
	rest := s.read(r, 1<<20, 64, func(got *received) bool { return got.count() == 1 })
	if sum := first.count() + rest.count() + int(first.lost+rest.lost); sum != burst+1 {
		t.Errorf("received %d + %d, lost %d + %d, sent %d", first.count(), rest.count(), first.lost, rest.lost, burst+1)
	}
	if first.lost+rest.lost == 0 {
		t.Error("the burst fits into the ring: make it larger")
	}
}

func TestTimeout(t *testing.T) {
	r := newSender(t, 8).open(0)
	begin := time.Now()
	n, err := r.Read(make([]byte, 64), make([]Run, 1), 30*time.Millisecond)
	if spent := time.Since(begin); n != 0 || err != nil || spent < 30*time.Millisecond {
		t.Errorf("%d runs, %v, after %v", n, err, spent)
	}
}

// Where the kernel keeps count (6.0) no further record is needed.
func TestLostIsCountedBeforeSilence(t *testing.T) {
	s := newSender(t, 64)
	r := s.open(0)
	if !r.rings[0].half.counts {
		var name unix.Utsname
		if err := unix.Uname(&name); err != nil || name.Release[0] >= '6' || name.Release[1] != '.' {
			t.Fatalf("Linux %s keeps no count: %v", unix.ByteSliceToString(name.Release[:]), err)
		}
		t.Log("this kernel tells of a loss with the next record only (before 6.0)")
		return
	}
	const burst = 20000
	for round := range 3 {
		for i := range burst {
			s.send(0, uint64(i))
		}
		got := s.read(r, 1<<20, 64, func(got *received) bool { return got.quiet })
		if sum := got.count() + int(got.lost); sum != burst || got.lost == 0 {
			t.Errorf("round %d: received %d, lost %d, sent %d", round, got.count(), got.lost, burst)
		}
	}
}

// Every record is received or counted while the reader is slower than the sender.
func TestUnderLoad(t *testing.T) {
	s := newSender(t, 248)
	r := s.open(0)
	const sent = 30000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range sent {
			s.send(0, uint64(i))
		}
	}()
	got := s.read(r, 4096, 2, func(got *received) bool {
		select {
		case <-done:
			return got.quiet
		default:
			time.Sleep(time.Millisecond)
			return false
		}
	})
	s.send(0, sent)
	last := s.read(r, 4096, 2, func(got *received) bool { return got.count() == 1 })
	if sum := got.count() + int(got.lost+last.lost); sum != sent {
		t.Errorf("received %d, lost %d + %d, sent %d", got.count(), got.lost, last.lost, sent)
	}
	for i, number := range got.numbers[0] {
		if i > 0 && number <= got.numbers[0][i-1] {
			t.Fatalf("record %d after %d", number, got.numbers[0][i-1])
		}
	}
}

// A CPU that is offline, with others behind it, and one that comes and goes.
func TestOfflineCPU(t *testing.T) {
	cpus := ebpf.MustPossibleCPU()
	if os.Getenv("VM_DIRECTORY") == "" || cpus < 3 {
		t.Skip("only in a virtual machine of three CPUs: make test KERNELS=6.1")
	}
	set := func(state string) {
		t.Helper()
		if err := os.WriteFile("/sys/devices/system/cpu/cpu1/online", []byte(state), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { set("1") })
	s := newSender(t, 8)
	set("0")
	r := s.open(0)
	s.send(2, 7)
	s.send(0, 8)
	got := s.read(r, 4096, 16, func(got *received) bool { return got.count() == 2 })
	if got.numbers[2][0] != 7 || got.numbers[0][0] != 8 {
		t.Errorf("%v", got.numbers)
	}
	for round := range 2 {
		set("1")
		s.read(r, 4096, 16, func(*received) bool { return r.rings[1] != nil })
		s.send(1, uint64(round))
		got = s.read(r, 4096, 16, func(got *received) bool { return got.count() == 1 })
		if got.numbers[1][0] != uint64(round) {
			t.Errorf("%v", got.numbers)
		}
		set("0")
		s.read(r, 4096, 16, func(*received) bool { return r.rings[1] == nil })
	}
	// One that comes back before anybody looks.
	set("1")
	s.read(r, 4096, 16, func(*received) bool { return r.rings[1] != nil })
	before := r.rings[1]
	set("0")
	set("1")
	s.read(r, 4096, 16, func(*received) bool { return r.rings[1] != nil && r.rings[1] != before })
	s.send(1, 9)
	got = s.read(r, 4096, 16, func(got *received) bool { return got.count() == 1 })
	if got.numbers[1][0] != 9 {
		t.Errorf("%v", got.numbers)
	}
}

// Whoever closes it second returns when it is closed.
func TestTwoClose(t *testing.T) {
	s := newSender(t, 8)
	before, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		r := s.open(0)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				if err := s.array.Delete(uint32(0)); !errors.Is(err, ebpf.ErrKeyNotExist) {
					t.Errorf("the ring is still in the map: %v", err)
				}
				if len(r.rings) != 0 {
					t.Errorf("%d rings are open", len(r.rings))
				}
			})
		}
		both.Wait()
	}
	if after, err := os.ReadDir("/proc/self/fd"); err != nil || len(after) != len(before) {
		t.Errorf("%d file descriptors, %d before; %v", len(after), len(before), err)
	}
}

func TestRecordLargerThanTheBuffer(t *testing.T) {
	s := newSender(t, 64)
	r := s.open(0)
	s.send(0, 1)
	got := s.read(r, 32, 4, func(got *received) bool { return got.lost > 0 })
	if got.count() != 0 || got.lost != 1 {
		t.Errorf("received %d, lost %d", got.count(), got.lost)
	}
}

// A ring buffer's records come in the order they were sent, also beyond its end; what does not fit
// is gone.
func TestRingBuffer(t *testing.T) {
	s := newRingSender(t, 64)
	r := s.open(0)
	next := uint64(0)
	for range 5 {
		for number := range uint64(40) {
			s.send(0, next+number)
		}
		got := s.read(r, 1000, 8, func(got *received) bool { return got.quiet })
		if got.lost != 0 || got.count() != 40 || len(got.numbers) != 1 {
			t.Fatalf("received %d, lost %d", got.count(), got.lost)
		}
		for i, number := range got.numbers[noCPU] {
			if number != next+uint64(i) {
				t.Fatal(got.numbers)
			}
		}
		next += 40
	}
	for number := range uint64(100) {
		s.send(0, number)
	}
	got := s.read(r, 64, 1, func(got *received) bool { return got.quiet })
	if numbers := got.numbers[noCPU]; len(numbers) > 4096/72 || len(numbers) < 4096/72-1 || numbers[len(numbers)-1] != uint64(len(numbers)-1) {
		t.Error(numbers)
	}
	s.send(0, 1)
	if got := s.read(r, 32, 4, func(got *received) bool { return got.lost > 0 }); got.lost != 1 || got.count() != 0 {
		t.Errorf("received %d, lost %d", got.count(), got.lost)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 64), make([]Run, 1), time.Second); err == nil || !strings.Contains(err.Error(), "it was closed") {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	r := newSender(t, 8).open(0)
	if err := r.Close(); err != nil || !r.Closed() {
		t.Error(err)
	}
	_, err := r.Read(make([]byte, 64), make([]Run, 1), time.Second)
	if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Closed || !strings.Contains(err.Error(), "e_out: it was closed") {
		t.Error(err)
	}
}
