package artefact

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
)

// object is the smallest BPF object: no code, one section for its own name.
func object(t *testing.T, machine elf.Machine, kind elf.Type) []byte {
	t.Helper()
	names := "\x00.shstrtab\x00"
	var b bytes.Buffer
	for _, part := range []any{
		elf.Header64{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(kind), Machine: uint16(machine), Version: 1, Shoff: 64 + uint64(len(names)),
			Ehsize: 64, Shentsize: 64, Shnum: 2, Shstrndx: 1,
		},
		[]byte(names),
		elf.Section64{},
		elf.Section64{Name: 1, Type: uint32(elf.SHT_STRTAB), Off: 64, Size: uint64(len(names))},
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	plain := object(t, elf.EM_BPF, elf.ET_REL)
	meta := Meta{Key: Key([]byte("x"), "-DA", "x86_64"), Arch: "x86_64", Release: "5.10.0", Engine: "1",
		Header: "needed", Compiler: "/usr/bin/clang", Warnings: "a\nb"}
	b, err := Encode(plain, meta)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, plain) {
		t.Error("the object does not come first")
	}
	if f, err := elf.NewFile(bytes.NewReader(b)); err != nil || f.Machine != elf.EM_BPF {
		t.Errorf("other readers of ELF: %v", err)
	}
	got, back, err := Decode(b)
	if err != nil || !bytes.Equal(got, plain) || back != meta {
		t.Errorf("Decode: %v, %+v", err, back)
	}
	got, back, err = Decode(plain)
	if err != nil || !bytes.Equal(got, plain) || back != (Meta{}) {
		t.Errorf("Decode of a plain object: %v, %+v", err, back)
	}
}

func TestEveryTruncationAndEveryChangedByteIsNoticed(t *testing.T) {
	plain := object(t, elf.EM_BPF, elf.ET_REL)
	b, err := Encode(plain, Meta{Key: "k", Arch: "x86_64"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if n == len(plain) {
			continue // whole again: the object alone
		}
		if _, _, err := Decode(b[:n]); !errors.Is(err, ErrNotArtefact) {
			t.Errorf("the first %d of %d bytes: %v", n, len(b), err)
		}
	}
	for i := range b {
		c := bytes.Clone(b)
		c[i] ^= 0x40
		if _, _, err := Decode(c); !errors.Is(err, ErrNotArtefact) {
			t.Errorf("byte %d of %d changed: %v", i, len(b), err)
		}
	}
	if _, _, err := Decode(append(b, 0)); !errors.Is(err, ErrNotArtefact) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestForeignFiles(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for want, b := range map[string][]byte{
		"empty":                          {},
		"not an ELF file":                []byte("#!/bin/sh\n"),
		"truncated or damaged":           []byte(elf.ELFMAG + "garbage"),
		"an ELF file of another kind":    self,
		"another kind (EM_BPF, ET_EXEC)": object(t, elf.EM_BPF, elf.ET_EXEC),
		"a shared object":                object(t, elf.EM_AARCH64, elf.ET_DYN),
	} {
		if _, _, err := Decode(b); !errors.Is(err, ErrNotArtefact) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := Encode(b, Meta{}); !errors.Is(err, ErrNotArtefact) {
			t.Errorf("Encode: %v", err)
		}
	}
}

func TestKey(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range []string{
		Key([]byte("int x;"), "", "x86_64"), Key([]byte("int x;"), "", "aarch64"), Key([]byte("int y;"), "", "x86_64"),
		Key([]byte("int x;"), "-DA", "x86_64"), Key([]byte("int x;-"), "DA", "x86_64"), Key(nil, "", ""),
	} {
		if len(k) != 64 || seen[k] {
			t.Errorf("%q: not a name of its own", k)
		}
		seen[k] = true
	}
	if Key([]byte("a"), "b", "c") != Key([]byte("a"), "b", "c") {
		t.Error("changes from call to call")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(elf.ELFMAG))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if plain, _, err := Decode(b); err == nil && len(plain) > len(b) {
			t.Error("an object larger than its file")
		}
	})
}
