// Package artefact is what a NAME.so is: a BPF object first, as any ELF reader expects it, then
// a trailer that says what it was made from. It is written atomically and read with distrust.
package artefact

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Meta says how an object came to be. It is zero for an object that others made.
type Meta struct {
	Key      string `json:"key"`     // of source, env and arch: see Key
	Arch     string `json:"arch"`    // as uname -m says it
	Release  string `json:"release"` // of the kernel it was built on
	BTF      string `json:"btf"`     // file of kernel types that was asked for, if any
	Engine   string `json:"engine"`  // version of what turned source into object
	Header   string `json:"header"`
	Compiler string `json:"compiler"`
	Warnings string `json:"warnings"`

	Old string `json:"-"` // what the NAME.so of an old compile server says of the maps' types, in JSON
}

// ErrNotArtefact is behind every error of Decode.
var ErrNotArtefact = errors.New("not a BPF object of coolbpf")

// errShared says that a file is a shared object, of whatever machine.
var errShared = fmt.Errorf("%w: a shared object", ErrNotArtefact)

// The trailer, last byte first: magic, length of the meta data, length of the object (both
// little-endian), SHA-256 of all before itself. So it is found from the end of the file.
const (
	magic   = "\x00lcc\x00\x00\x001"
	trailer = sha256.Size + 8 + 4 + len(magic)
)

// Encode puts an object and its meta data together.
func Encode(object []byte, meta Meta) ([]byte, error) {
	if _, err := extent(object); err != nil {
		return nil, err
	}
	text, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	b := append(bytes.Clone(object), text...)
	sum := sha256.Sum256(b)
	b = append(b, sum[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(object)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	return append(b, magic...), nil
}

// Decode takes a NAME.so apart. A plain BPF object, without a trailer, has a zero Meta.
func Decode(b []byte) ([]byte, Meta, error) {
	var meta Meta
	end, err := extent(b)
	if errors.Is(err, errShared) {
		object, types, err := embedded(b)
		meta.Old = string(types)
		return object, meta, err
	}
	if err != nil {
		return nil, meta, err
	}
	if len(b) == end {
		return b, meta, nil
	}
	if len(b) < trailer || string(b[len(b)-len(magic):]) != magic {
		return nil, meta, fmt.Errorf("%w: truncated, or with foreign data at its end", ErrNotArtefact)
	}
	body, tail := b[:len(b)-trailer], b[len(b)-trailer:]
	object := binary.LittleEndian.Uint64(tail[sha256.Size:])
	text := uint64(binary.LittleEndian.Uint32(tail[sha256.Size+8:]))
	if object > uint64(len(body)) || object+text != uint64(len(body)) {
		return nil, meta, fmt.Errorf("%w: its lengths do not add up", ErrNotArtefact)
	}
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], tail[:sha256.Size]) {
		return nil, meta, fmt.Errorf("%w: its checksum is wrong", ErrNotArtefact)
	}
	if err := json.Unmarshal(body[object:], &meta); err != nil {
		return nil, Meta{}, fmt.Errorf("%w: %w", ErrNotArtefact, err)
	}
	return body[:object], meta, nil
}

// extent is where the BPF object at the start of b ends.
func extent(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, fmt.Errorf("%w: empty", ErrNotArtefact)
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		if bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
			return 0, fmt.Errorf("%w: truncated or damaged: %w", ErrNotArtefact, err)
		}
		return 0, fmt.Errorf("%w: not an ELF file", ErrNotArtefact)
	}
	if f.Machine != elf.EM_BPF && f.Type == elf.ET_DYN {
		return 0, errShared
	}
	if f.Machine != elf.EM_BPF || f.Type != elf.ET_REL || f.Class != elf.ELFCLASS64 {
		return 0, fmt.Errorf("%w: an ELF file of another kind (%v, %v)", ErrNotArtefact, f.Machine, f.Type)
	}
	var header elf.Header64
	if err := binary.Read(bytes.NewReader(b), f.ByteOrder, &header); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotArtefact, err)
	}
	end := header.Shoff + uint64(header.Shentsize)*uint64(len(f.Sections))
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS {
			end = max(end, s.Offset+s.FileSize)
		}
	}
	if header.Shoff == 0 || end > uint64(len(b)) {
		return 0, fmt.Errorf("%w: truncated", ErrNotArtefact)
	}
	return int(end), nil
}

// Key names what an object is made from: the source with its local includes, the extra compiler
// flags and the machine. Equal keys, equal programs.
func Key(source []byte, env, arch string) string {
	h := sha256.New()
	for _, part := range [][]byte{source, []byte(env), []byte(arch)} {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
