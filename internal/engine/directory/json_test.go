package directory

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestJSONNestsDeeper(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		limit int
		want  bool
	}{
		"a text":                  {`"[[["`, 0, false},
		"as deep as may be":       {`{"a":[1]}`, 2, false},
		"one deeper":              {`{"a":[[1]]}`, 2, true},
		"side by side":            {`[[1],[2],{"a":3}]`, 2, false},
		"brackets within a text":  {`{"a":"[[[{{{"}`, 1, false},
		"behind a quoted quote":   {`{"a":"\"[[["}`, 1, false},
		"behind a quoted \\":      {`{"a":"\\","b":[[1]]}`, 2, true},
		"without an end":          {strings.Repeat("[", 33), 32, true},
		"more closed than opened": {`]]][`, 1, false},
		"nothing":                 {"", 0, false},
		"a text without an end":   {`"[[[\`, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := JSONNestsDeeper([]byte(test.text), test.limit); got != test.want {
				t.Errorf("%s deeper than %d: %t", test.text, test.limit, got)
			}
		})
	}
}

// Texts are written as encoding/json writes them.
func TestMarshalJSON_text(t *testing.T) {
	check := func(t interface {
		Helper()
		Fatalf(string, ...any)
	}, text string) {
		t.Helper()
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(map[string]string{text: text}); err != nil {
			t.Fatalf("%v", err)
		}
		got, err := Complex(Member{text, Text(text)}).MarshalJSON()
		if err != nil || string(got) != strings.TrimSpace(want.String()) {
			t.Fatalf("%q is %s, %v, want %s", text, got, err, want.String())
		}
	}
	for _, text := range []string{"", "a~", "a\x7f", "a\"b\\c\n", "<&>", "ä\u2028", "\xff", "\x00"} {
		check(t, text)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.String().Draw(t, "text")) })
}
