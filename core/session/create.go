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
	programs := ebpf.ProgramOptions{LogLevel: ebpf.LogLevel(opts.LogLevel)}
	if opts.BTF != "" {
		_, spec, err := kernel.LoadBTF(opts.BTF, facts.Release)
		if err != nil {
			return nil, err
		}
		programs.KernelTypes = spec
	}
	collection, err := ebpf.NewCollectionWithOptions(o.Spec, ebpf.CollectionOptions{
		Maps: ebpf.MapOptions{PinPath: "/sys/fs/bpf"}, Programs: programs}) // where libbpf pins by name
	if err != nil {
		return nil, explain(err, o, facts)
	}
	return collection, nil
}
