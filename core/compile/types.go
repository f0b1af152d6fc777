package compile

import (
	"maps"
	"slices"

	"coolbpf/core/header"
	"coolbpf/core/kernel"
)

// kernelTypes are the kernel's, which a source that includes vmlinux.h wants.
type kernelTypes struct {
	needed, whole, unconditional prelude
	*header.Header
}

// prelude is what the compiler reads before the source, as far as that depends on the source.
type prelude struct {
	header  string                          // as Report has it
	types   func(...string) (string, error) // the text of vmlinux.h
	helpers string                          // libbpf's list
}

func (j *job) kernelTypes(texts []string) (*kernelTypes, error) {
	raw, err := kernel.LoadBTF(j.BTF, j.meta.Release)
	if err != nil {
		return nil, err
	}
	brought := maps.Clone(j.source.brought)
	list := brought[header.HelperList]
	delete(brought, header.HelperList)
	library := slices.Collect(maps.Values(brought))
	helpers := header.Helpers(list, slices.Concat(texts, library)...)
	some := header.New(raw, slices.Concat(library, []string{helpers})...)
	all := header.New(raw, slices.Concat(library, []string{list})...)
	return &kernelTypes{
		needed:        prelude{header: "needed", types: some.Needed, helpers: helpers},
		whole:         prelude{header: "whole", types: all.Whole, helpers: list},
		unconditional: prelude{header: "whole", types: all.Unconditional, helpers: list},
		Header:        all,
	}, nil
}

// registers are what the context of a probe points to, which bpf_tracing.h reads, for a machine that
// these kernel types are not of. They are part of the ABI between kernel and user, and never change.
var registers = map[string]string{
	"aarch64": "struct user_pt_regs { unsigned long long regs[31], sp, pc, pstate; };\n",
	"x86_64": `struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
`,
}

// foreign is what the kernel types at hand lack for another machine than this one.
func (j *job) foreign() string {
	this, err := kernel.This()
	if err != nil || j.BTF != "" || j.Arch == this.Arch {
		return ""
	}
	return registers[j.Arch]
}
