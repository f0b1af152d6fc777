package compile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"coolbpf/core/artefact"
	"coolbpf/core/header"
	"coolbpf/core/kernel"
	"coolbpf/core/object"

	"github.com/cilium/ebpf/btf"
)

// kernelHeader is what prints the types of this kernel, or of the one whose BTF LBC_TEST_BTF names,
// and the types.
func kernelHeader(t *testing.T) (*header.Header, *btf.Spec) {
	t.Helper()
	facts, err := kernel.This()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := kernel.LoadBTF(os.Getenv("LBC_TEST_BTF"), facts.Release)
	if err != nil {
		t.Skip(err)
	}
	spec, err := kernel.LoadSpec(os.Getenv("LBC_TEST_BTF"), facts.Release)
	if err != nil {
		t.Fatal(err)
	}
	return header.New(raw), spec
}

// composites are the names of the kernel's structs and unions that C can say: "struct x".
func composites(t *testing.T, spec *btf.Spec) []string {
	var names []string
	valid := regexp.MustCompile(`^[A-Za-z]\w*$`)
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		if !valid.MatchString(typ.TypeName()) {
			continue
		}
		switch typ.(type) {
		case *btf.Struct:
			names = append(names, "struct "+typ.TypeName())
		case *btf.Union:
			names = append(names, "union "+typ.TypeName())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// defined are those of the names that a header defines.
func defined(text string, names []string) []string {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^((?:struct|union) \w+) \{`).FindAllStringSubmatch(text, -1) {
		found[m[1]] = true
	}
	return slices.DeleteFunc(names, func(name string) bool { return !found[name] })
}

// layout is where each named member lies, those of anonymous members included.
func layout(t btf.Type, base btf.Bits, into map[string]string) map[string]string {
	var members []btf.Member
	switch v := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		members = v.Members
	case *btf.Union:
		members = v.Members
	}
	for _, m := range members {
		size, _ := btf.Sizeof(m.Type)
		switch {
		case m.Name == "":
			layout(m.Type, base+m.Offset, into)
		case !strings.HasPrefix(m.Name, "__lbc_pad"):
			into[m.Name] = fmt.Sprintf("%d+%d:%d", base+m.Offset, size, m.BitfieldSize)
		}
	}
	return into
}

// declared compiles one pointer to each type and returns the types as the compiler has seen them.
func declared(t *testing.T, text string, names []string) *btf.Spec {
	b := newBench(t)
	b.write("types.h", text)
	var source strings.Builder
	source.WriteString("#include \"types.h\"\n")
	for i, name := range names {
		fmt.Fprintf(&source, "%s *p%d;\n", name, i)
	}
	elf, _, err := artefact.Decode(b.source(source.String()).make("compiled").Artefact)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(elf))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// same reports how the layout of a compiled type differs from each of the kernel's types of its name.
func same(name string, compiled, kernels *btf.Spec, whole bool) error {
	keyword, plain, _ := strings.Cut(name, " ")
	of := func(s *btf.Spec) (found []btf.Type) {
		all, _ := s.AnyTypesByName(plain)
		for _, t := range all {
			_, union := t.(*btf.Union)
			_, structure := t.(*btf.Struct)
			if union && keyword == "union" || structure && keyword == "struct" {
				found = append(found, t)
			}
		}
		return found
	}
	got := of(compiled)
	if len(got) != 1 {
		return fmt.Errorf("%s: compiled %d of this name", name, len(got))
	}
	gotSize, _ := btf.Sizeof(got[0])
	gotLayout := layout(got[0], 0, map[string]string{})
	var err error
	for _, want := range of(kernels) {
		wantSize, _ := btf.Sizeof(want)
		err = nil
		wantLayout := layout(want, 0, map[string]string{})
		if gotSize != wantSize {
			err = fmt.Errorf("%s: size %d, want %d", name, gotSize, wantSize)
		}
		for member, where := range gotLayout {
			if wantLayout[member] != where {
				err = fmt.Errorf("%s: %s at %s, want %s", name, member, where, wantLayout[member])
			}
		}
		if whole && len(gotLayout) != len(wantLayout) {
			err = fmt.Errorf("%s: %d members, want %d", name, len(gotLayout), len(wantLayout))
		}
		if err == nil {
			return nil
		}
	}
	return err
}

// Every struct of the kernel, printed and compiled, has the size and the offsets that it had.
func TestWholeHeaderHasEveryLayout(t *testing.T) {
	h, kernels := kernelHeader(t)
	text, err := h.Whole()
	if err != nil {
		t.Fatal(err)
	}
	names := defined(text, composites(t, kernels))
	if len(names) < 4000 {
		t.Fatalf("the header has %d structs and unions", len(names))
	}
	t.Logf("%d structs and unions", len(names))
	// What the compiler needs grows with the square of their number.
	for some := range slices.Chunk(names, 1000) {
		compiled := declared(t, text, some)
		for _, name := range some {
			if err := same(name, compiled, kernels, true); err != nil {
				t.Error(err)
			}
		}
	}
}

// A struct of which a source names some members has these, where they were.
func TestPrunedStructsKeepTheirOffsets(t *testing.T) {
	h, kernels := kernelHeader(t)
	names := composites(t, kernels)
	var picked []string
	var source strings.Builder
	for i, name := range names {
		if i%7 != 0 {
			continue
		}
		picked = append(picked, name)
		fmt.Fprintf(&source, "%s *p%d;\n", name, i)
		keyword, plain, _ := strings.Cut(name, " ")
		all, _ := kernels.AnyTypesByName(plain)
		for _, typ := range all {
			if _, union := typ.(*btf.Union); union == (keyword == "union") {
				for member := range layout(typ, 0, map[string]string{}) {
					if i++; i%5 == 0 {
						fmt.Fprintf(&source, "p->%s;\n", member)
					}
				}
			}
		}
	}
	text, err := h.Needed(source.String())
	if err != nil {
		t.Fatal(err)
	}
	picked = defined(text, picked)
	if len(picked) < 500 {
		t.Fatalf("the header has %d structs and unions", len(picked))
	}
	compiled := declared(t, text, picked)
	for _, name := range picked {
		if err := same(name, compiled, kernels, false); err != nil {
			t.Error(err)
		}
	}
}

// instructions are those of all programs, with what CO-RE does to them, and the maps.
func instructions(t *testing.T, made *kept) []string {
	elf, _, err := artefact.Decode(made.bytes)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := object.Parse(elf, "")
	if err != nil {
		t.Fatal(err)
	}
	spec := parsed.Spec
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		lines = append(lines, name+" in "+spec.Programs[name].SectionName)
		for _, ins := range spec.Programs[name].Instructions {
			line := fmt.Sprint(ins)
			if relocation := btf.CORERelocationMetadata(&ins); relocation != nil {
				line += accessed(t, spec.Types, fmt.Sprint(relocation))
			}
			lines = append(lines, line)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Maps)) {
		m := spec.Maps[name]
		lines = append(lines, fmt.Sprint(name, m.Type, m.KeySize, m.ValueSize))
	}
	return lines
}

var relocationText = regexp.MustCompile(`^CORERelocation\((\w+), (\w+)(?::"([^"]*)")?\[([\d:]+)\], local_id=(\d+)\)$`)

// accessed says what a relocation is about, with the names of members in place of their numbers,
// which count members that were left out.
func accessed(t *testing.T, types *btf.Spec, text string) string {
	m := relocationText.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("unknown form: %s", text)
	}
	said := " " + m[1] + " " + m[2] + " " + m[3]
	id, _ := strconv.Atoi(m[5])
	at, err := types.TypeByID(btf.TypeID(id))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range strings.Split(m[4], ":")[1:] {
		i, _ := strconv.Atoi(step)
		switch v := btf.UnderlyingType(at).(type) {
		case *btf.Struct:
			said, at = said+"."+v.Members[i].Name, v.Members[i].Type
		case *btf.Union:
			said, at = said+"."+v.Members[i].Name, v.Members[i].Type
		case *btf.Array:
			said, at = said+"["+step+"]", v.Type
		default:
			t.Fatalf("%s: no member %d in %v", text, i, at)
		}
	}
	if e, ok := btf.UnderlyingType(at).(*btf.Enum); ok && strings.HasPrefix(m[1], "enumval") {
		i, _ := strconv.Atoi(m[4])
		said += " " + e.Values[i].Name
	}
	return said
}

// What the header on demand leaves out changes no instruction and no relocation.
func TestNeededIsAsGoodAsWhole(t *testing.T) {
	kernelHeader(t)
	sources, err := filepath.Glob("testdata/*.bpf.c")
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob("../../guide/*")
	if err != nil {
		t.Fatal(err)
	}
	inString := regexp.MustCompile(`(?s)r"""(.*?)"""`)
	texts := map[string]string{}
	for _, path := range append(sources, guides...) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if strings.HasSuffix(path, ".py") {
			m := inString.FindStringSubmatch(text)
			if m == nil {
				continue
			}
			text = strings.ReplaceAll(m[1], "FILTER_PID", "1")
		}
		if strings.Contains(text, "SEC(") {
			texts[filepath.Base(path)] = text
		}
	}
	if len(texts) < 50 {
		t.Fatalf("only %d programs", len(texts))
	}
	// The whole header takes most of the time. For another kernel a part of the programs is compared, and
	// of those that do not compile it is shown that they suit it in no form.
	foreign := os.Getenv("LBC_TEST_BTF")
	suited, compared := 0, 0
	for i, name := range slices.Sorted(maps.Keys(texts)) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t).source(texts[name])
			b.Arch, b.BTF = "x86_64", foreign
			needed, whole := attempts(t, b, foreign == "" || i%4 == 0)
			if needed == nil {
				return // not for that kernel
			}
			suited++
			got := instructions(t, needed)
			if whole == nil {
				return
			}
			compared++
			want := instructions(t, whole)
			if len(got) != len(want) {
				t.Fatalf("%d lines, want %d:\n%s\n\n%s", len(got), len(want), strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			for i := range got {
				if got[i] != want[i] {
					t.Errorf("%s, want %s", got[i], want[i])
				}
			}
		})
	}
	t.Logf("%d of %d programs suit this kernel, each with the header on demand at first try; %d compared with the whole", suited, len(texts), compared)
	if suited < 40 || compared < 10 {
		t.Error("too few")
	}
}

// attempts compiles with the header on demand, and with the whole one where it is to be compared or the
// other did not do. One kernel's types suit a program in both forms or in none.
func attempts(t *testing.T, b *bench, compare bool) (needed, whole *kept) {
	facts, err := kernel.This()
	if err != nil {
		t.Fatal(err)
	}
	b.Release = facts.Release
	j, err := newJob(b.Request)
	if err != nil {
		t.Fatal(err)
	}
	c, err := findCompiler(t.Context(), j.Request)
	if err != nil {
		t.Fatal(err)
	}
	types, err := j.kernelTypes(j.source.texts())
	if err != nil {
		t.Fatal(err)
	}
	outputs := ""
	attempt := func(p prelude) *kept {
		w, err := newWorkspace(j.Temp)
		if err != nil {
			t.Fatal(err)
		}
		defer w.close()
		if err := w.fill(j.source, j.library); err != nil {
			t.Fatal(err)
		}
		if err := w.begin(p, "", j.source.texts()); err != nil {
			t.Fatal(err)
		}
		made, output, err := j.attempt(t.Context(), c, w, "test")
		if err != nil && !errors.Is(err, errRejected) {
			t.Fatal(err)
		}
		outputs += output
		return made
	}
	needed = attempt(types.needed)
	if needed != nil && !compare {
		return needed, nil
	}
	whole = attempt(types.whole)
	if (needed == nil || whole == nil) && (needed != whole || b.BTF == "") {
		t.Fatal(outputs)
	}
	return needed, whole
}
