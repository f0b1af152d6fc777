package compile

import (
	"coolbpf/core/header"
	"coolbpf/core/kernel"
)

// namer finds the name of the kernel that is nearest to one that it lacks, or "".
type namer interface {
	ClosestType(name string) string
	ClosestField(of, name string) string
	ClosestName(name string) string
}

// types are those of the kernel, as C.
type types struct {
	*header.Header
	texts []string
}

func kernelTypes(j *job) (*types, error) {
	raw, spec, err := kernel.LoadBTF(j.BTF, j.meta.Release)
	if err != nil {
		return nil, err
	}
	h, err := header.New(raw, spec)
	if err != nil {
		return nil, err
	}
	return &types{h, j.source.texts()}, nil
}

func (t *types) needed() []byte { return []byte(t.Needed(t.texts...)) }
func (t *types) whole() []byte  { return []byte(t.Whole()) }
