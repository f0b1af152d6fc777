package session

import (
	"encoding/json"

	"coolbpf/core/artefact"
	"coolbpf/core/fault"
	"coolbpf/core/object"
)

// read takes an artefact apart.
func read(data []byte) (*object.Object, int, artefact.Meta, error) {
	elf, meta, err := artefact.Decode(data)
	if err != nil {
		return nil, 0, meta, &fault.Error{Kind: fault.Invalid, Op: "read BPF object", Cause: err}
	}
	parsed, err := object.Parse(elf, meta.Old)
	return parsed, len(elf), meta, err
}

// Inspect describes an artefact as JSON, in the form that lcc.h documents. Nothing is loaded.
func Inspect(data []byte) ([]byte, error) {
	parsed, size, meta, err := read(data)
	if err != nil {
		return nil, err
	}
	origin := "coolbpf"
	switch {
	case size < len(data) && meta.Key == "":
		origin = "server"
	case size == len(data):
		origin = "object"
	}
	license := ""
	for _, p := range parsed.Spec.Programs {
		license = p.License
	}
	return json.Marshal(struct {
		*object.Object
		Origin  string        `json:"origin"`
		License string        `json:"license"`
		Size    int           `json:"size"`
		Made    artefact.Meta `json:"made"`
	}{parsed, origin, license, size, meta})
}
