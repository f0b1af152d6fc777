package session

import (
	"regexp"
	"strings"

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
	options := ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: "/sys/fs/bpf"}, Programs: programs} // where libbpf pins by name
	collection, err := ebpf.NewCollectionWithOptions(o.Spec, options)
	for err != nil && (withoutTypes(err, o) || withoutOption(err, o)) {
		collection, err = ebpf.NewCollectionWithOptions(o.Spec, options)
	}
	if err != nil {
		return nil, explain(err, o, facts, opts)
	}
	return collection, nil
}

// withoutTypes drops the types of a map that the kernel did not like, for another try: it refuses
// some, such as a float in a packed struct, and needs few.
func withoutTypes(err error, o *object.Object) bool {
	for name, m := range o.Spec.Maps {
		cause, ok := about(err, "map "+name+": ")
		if ok && strings.HasPrefix(cause.Error(), "load BTF: ") && (m.Key != nil || m.Value != nil) {
			m.Key, m.Value = nil, nil
			return true
		}
	}
	return false
}

// noOption is what the library says of an option that the kernel lacks, or of all where the kernel's
// configuration is not to be found.
var noOption = regexp.MustCompile(`config option "(\w+)" does not exist|cannot find a kconfig file`)

// withoutOption leaves a weak variable for such an option at zero, for another try.
func withoutOption(err error, o *object.Object) bool {
	m := noOption.FindStringSubmatch(err.Error())
	return m != nil && o.Without(m[1])
}
