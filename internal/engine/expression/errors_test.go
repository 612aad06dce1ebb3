package expression

import (
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		strings.Repeat("a", 60):         strings.Repeat("a", 60),
		strings.Repeat("a", 61):         strings.Repeat("a", 60) + "…",
		"a" + strings.Repeat("é", 60):   "a" + strings.Repeat("é", 29) + "…",
		strings.Repeat("\x9f", 61):      "…",
		strings.Repeat("😀", 16):         strings.Repeat("😀", 15) + "…",
		"abc" + strings.Repeat("😀", 15): "abc" + strings.Repeat("😀", 14) + "…",
	} {
		if got := shorten(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
