package artefact

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

const oldTypes = `{"hash": "0", "kern_version": "4.19", "maps": {"m": {"type": "hash", "ktype": null, "vtype": null}}}`

// shared is a shared object with parts in its one section, as the old compile servers made it.
func shared(t *testing.T, parts ...[]byte) []byte {
	names := object(t, elf.EM_X86_64, elf.ET_DYN)
	data := bytes.Join(parts, []byte{0})
	b := append(bytes.Clone(names[:len(names)-64]), make([]byte, 64)...)
	binary.LittleEndian.PutUint64(b[40:], uint64(len(b)+len(data)))
	b = append(append(b, data...), make([]byte, 64)...)
	return append(b, names[len(names)-64:]...)
}

func TestEmbedded(t *testing.T) {
	plain := object(t, elf.EM_BPF, elf.ET_REL)
	broken := bytes.Clone(plain)
	binary.LittleEndian.PutUint64(broken[40:], 1<<40)
	for name, parts := range map[string][][]byte{
		"alone":        {plain},
		"with types":   {[]byte("code"), []byte(`"kern_version" of what is no JSON`), []byte(oldTypes), plain, []byte("more")},
		"after a fake": {beginning, broken, plain},
	} {
		got, meta, err := Decode(shared(t, parts...))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %d bytes, want %d; %v", name, len(got), len(plain), err)
		}
		if want := map[bool]string{true: oldTypes}[name == "with types"]; meta != (Meta{Old: want}) {
			t.Errorf("%s: %+v", name, meta)
		}
	}
	for want, parts := range map[string][][]byte{
		"without a BPF object":       {[]byte(oldTypes)},
		"inside of a shared object)": {broken},
	} {
		if _, _, err := Decode(shared(t, parts...)); !errors.Is(err, ErrNotArtefact) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func FuzzEmbedded(f *testing.F) {
	f.Add([]byte(oldTypes), uint16(50))
	f.Fuzz(func(t *testing.T, garbage []byte, at uint16) {
		plain := object(t, elf.EM_BPF, elf.ET_REL)
		damaged := bytes.Clone(plain)
		copy(damaged[int(at)%len(damaged):], garbage)
		b := shared(t, garbage, damaged, []byte(oldTypes))
		if got, _, err := Decode(b[:len(b)-int(at)%64]); err == nil && !bytes.Contains(b, got) {
			t.Error("an object that is not in the file")
		} else if err != nil && !errors.Is(err, ErrNotArtefact) {
			t.Error(err)
		}
	})
}
