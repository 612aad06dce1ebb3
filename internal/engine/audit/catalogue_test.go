package audit

import (
	"slices"
	"strings"
	"testing"
)

func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, code := range Codes() {
		if seen[code.Name] {
			t.Errorf("%s is there twice", code.Name)
		}
		seen[code.Name] = true
		if Explain(code.Name) != code {
			t.Errorf("%s is explained as %+v", code.Name, Explain(code.Name))
		}
		for _, text := range []string{code.Text, code.Advice} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is no sentence", code.Name, text)
			}
		}
		if !slices.Contains([]Retry{OnChange, NextCycle, Ladder, Fix}, code.Retry) {
			t.Errorf("%s is retried %q", code.Name, code.Retry)
		}
	}
	if code := Explain("X-42"); code.Name != "X-42" || code.Retry != Ladder || code.Advice == "" {
		t.Errorf("an unknown code is %+v", code)
	}
}
