package compile

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"":                             nil,
		"  \t\n ":                      nil,
		"-DA -DB=2":                    {"-DA", "-DB=2"},
		` -DA='x  y'  "-DB=\"z\"" `:    {"-DA=x  y", `-DB="z"`},
		`a\ b '\n' "\n\\" \"`:          {"a b", `\n`, `\n\`, `"`},
		`'' "" x''`:                    {"", "", "x"},
		"a\\\nb \"c\\\nd\"":            {"ab", "cd"},
		"-DNAME=größe $HOME *":         {"-DNAME=größe", "$HOME", "*"},
		`-DA="it's" -DB='say "hello"'`: {"-DA=it's", `-DB=say "hello"`},
	} {
		if got, err := split(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("split(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"-D'": "a quote is not closed", `"x\"`: "a quote is not closed", `x\`: "a backslash ends it",
	} {
		if _, err := split(text); err == nil || err.Error() != want {
			t.Errorf("split(%q): %v, want %q", text, err, want)
		}
	}
}
