package session

import (
	"errors"
	"regexp"
	"strings"

	"coolbpf/core/fault"
	"coolbpf/core/kernel"
	"coolbpf/core/object"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
)

// create loads an object's maps and programs.
func create(facts *kernel.Facts, o *object.Object, opts Options) (*ebpf.Collection, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, &fault.Error{Kind: fault.Privilege, Op: "raise RLIMIT_MEMLOCK", Cause: err, Hint: "run as root, or with CAP_SYS_RESOURCE"}
	}
	types, err := kernelTypes(facts, o, opts.BTF)
	if err != nil {
		return nil, err
	}
	programs := ebpf.ProgramOptions{LogLevel: ebpf.LogLevel(opts.LogLevel), KernelTypes: types}
	options := ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: "/sys/fs/bpf"}, Programs: programs} // where libbpf pins by name
	collection, err := ebpf.NewCollectionWithOptions(o.Spec, options)
	for err != nil && (withoutTypes(err, o) || withoutOption(err, o) || withModules(err, &options.Programs, opts)) {
		collection, err = ebpf.NewCollectionWithOptions(o.Spec, options)
	}
	if err != nil {
		return nil, explain(err, o, facts, opts)
	}
	return collection, nil
}

// kernelTypes are those by which programs are adapted to the kernel, as few as will do; nil: the library
// shall take all, also those of modules, where it looks for what the kernel itself does not have.
func kernelTypes(facts *kernel.Facts, o *object.Object, file string) (*btf.Spec, error) {
	switch {
	case o.Relocated == nil && file != "":
		return kernel.LoadSpec(file, facts.Release)
	case len(o.Relocated) == 0 && file == "":
		return nil, nil
	}
	part, complete, err := kernel.LoadPart(file, facts.Release, o.Relocated)
	if file == "" && (err != nil || !complete) {
		return nil, nil // the library says what is wrong
	}
	return part, err
}

// withModules has the library look for types in modules, too, for another try: what the kernel itself
// has of a name lacks something that a program reads.
func withModules(err error, programs *ebpf.ProgramOptions, opts Options) bool {
	verifier := (*ebpf.VerifierError)(nil)
	if programs.KernelTypes == nil || opts.BTF != "" || !errors.As(err, &verifier) || !strings.Contains(strings.Join(verifier.Log, "\n"), poisoned) {
		return false
	}
	programs.KernelTypes = nil
	return true
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
