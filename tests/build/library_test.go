package build

import (
	"debug/elf"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The newest glibc that the wheel's tags promise to do without: manylinux2014 is 2.17 and
// manylinux1, which is promised too, 2.5.
var promised = []int{2, 5}

func TestLibraryRunsOnOldGlibc(t *testing.T) {
	symbols := dynamicSymbols(t)
	newest := []int{0}
	for _, s := range symbols {
		version, ok := strings.CutPrefix(s.Version, "GLIBC_")
		if !ok {
			continue
		}
		v := numbers(t, version)
		if slices.Compare(v, promised) > 0 {
			t.Errorf("%s needs %s of %s, the tags promise %v", s.Name, s.Version, s.Library, promised)
		}
		if slices.Compare(v, newest) > 0 {
			newest = v
		}
	}
	if newest[0] == 0 {
		t.Error("no symbol of glibc is needed, which cannot be")
	}
	t.Logf("newest glibc needed: %v", newest)
}

func TestLibraryNeedsGlibcAlone(t *testing.T) {
	file := library(t)
	needed, err := file.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range needed {
		if !slices.Contains([]string{"libc.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"}, name) {
			t.Errorf("needs %s", name)
		}
	}
}

func TestLibraryExportsItsInterfaceAlone(t *testing.T) {
	exports := 0
	for _, s := range dynamicSymbols(t) {
		if s.Section == elf.SHN_UNDEF {
			continue
		}
		exports++
		if !strings.HasPrefix(s.Name, "lcc_") {
			t.Errorf("exports %s", s.Name)
		}
	}
	if exports == 0 {
		t.Error("exports nothing")
	}
}

func library(t *testing.T) *elf.File {
	t.Helper()
	file, err := elf.Open(built(t, "build/native/liblcc.so"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func dynamicSymbols(t *testing.T) []elf.Symbol {
	t.Helper()
	symbols, err := library(t).DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	return symbols
}

func numbers(t *testing.T, version string) (parts []int) {
	t.Helper()
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			t.Fatalf("version %s: %v", version, err)
		}
		parts = append(parts, n)
	}
	return parts
}
