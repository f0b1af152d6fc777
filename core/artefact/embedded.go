package artefact

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// The compile servers of old made a NAME.so that is a shared object: code that loads the BPF object,
// which lies among its data, and a JSON text about the types of the maps. Only these two are looked
// at; nothing of it is ever executed.

// maxTries bounds the work on a file full of what looks like an object.
const maxTries = 64

// beginning is how a BPF object begins: 64 bits, little-endian, relocatable, for BPF.
var beginning = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(
	[]byte(elf.ELFMAG+"\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00"), uint16(elf.ET_REL)), uint16(elf.EM_BPF))

// embedded is the BPF object inside of a shared object, and what is said there of its maps.
func embedded(b []byte) (object, types []byte, err error) {
	err = fmt.Errorf("%w: a shared object without a BPF object in it", ErrNotArtefact)
	for at, tries := 0, 0; tries < maxTries; tries++ {
		next := bytes.Index(b[at:], beginning)
		if next < 0 {
			break
		}
		at += next
		end, damaged := extent(b[at:])
		if damaged == nil {
			return bytes.Clone(b[at : at+end]), described(b), nil
		}
		err = fmt.Errorf("%w (the BPF object inside of a shared object)", damaged)
		at += len(beginning)
	}
	return nil, nil, err
}

// described is the JSON text about the maps: a C string with known members, or nil.
func described(b []byte) []byte {
	for at := 0; ; {
		next := bytes.Index(b[at:], []byte(`"kern_version"`))
		if next < 0 {
			return nil
		}
		at += next
		end := bytes.IndexByte(b[at:], 0)
		if end < 0 {
			return nil
		}
		text := b[bytes.LastIndexByte(b[:at], 0)+1 : at+end]
		var known struct{ Maps map[string]any }
		if json.Unmarshal(text, &known) == nil && known.Maps != nil {
			return bytes.Clone(text)
		}
		at += end
	}
}
