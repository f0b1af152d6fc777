package session

import (
	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/object"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

// create loads an object's maps and programs.
func create(facts *kernel.Facts, o *object.Object, opts Options) (*ebpf.Collection, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, &fault.Error{Kind: fault.Privilege, Op: "raise RLIMIT_MEMLOCK", Cause: err, Hint: "run as root, or with CAP_SYS_RESOURCE"}
	}
	for _, m := range o.Spec.Maps {
		if m.Type == ebpf.PerfEventArray {
			m.MaxEntries = 0 // one slot for each possible CPU, whatever the program says
		}
	}
	programs := ebpf.ProgramOptions{LogLevel: ebpf.LogLevel(opts.LogLevel)}
	if opts.BTF != "" {
		_, spec, err := kernel.LoadBTF(opts.BTF, facts.Release)
		if err != nil {
			return nil, err
		}
		programs.KernelTypes = spec
	}
	collection, err := ebpf.NewCollectionWithOptions(o.Spec, ebpf.CollectionOptions{Programs: programs})
	if err != nil {
		return nil, explain(err, o, facts)
	}
	return collection, nil
}
