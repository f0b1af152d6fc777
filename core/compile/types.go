package compile

import (
	"coolbpf/core/header"
	"coolbpf/core/kernel"
)

// kernelTypes are the kernel's, which a source that includes vmlinux.h wants.
func (j *job) kernelTypes() (*header.Header, error) {
	raw, spec, err := kernel.LoadBTF(j.BTF, j.meta.Release)
	if err != nil {
		return nil, err
	}
	return header.New(raw, spec)
}
