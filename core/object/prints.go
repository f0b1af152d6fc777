package object

import (
	"bytes"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

const tracePrintk, traceVprintk = 6, 177 // bpf_trace_printk, and the helper for more than three values

// prints are the texts that bpf_printk may be called with, nil where no program calls it. It is for
// who wants to tell the lines of these programs from those of others. A text that is put together on
// the stack, as before libbpf 0.5, is not there.
func prints(spec *ebpf.CollectionSpec) []string {
	called := false
	for _, p := range spec.Programs {
		for _, ins := range p.Instructions {
			called = called || ins.IsBuiltinCall() && (ins.Constant == tracePrintk || ins.Constant == traceVprintk)
		}
	}
	if !called {
		return nil
	}
	texts := []string{}
	for name, m := range spec.Maps {
		if !strings.HasPrefix(name, ".rodata") || len(m.Contents) == 0 {
			continue
		}
		data, _ := m.Contents[0].Value.([]byte)
		for text := range bytes.SplitSeq(data, []byte{0}) {
			if text := strings.TrimSpace(string(text)); text != "" && strings.ToValidUTF8(text, "") == text {
				texts = append(texts, text)
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
