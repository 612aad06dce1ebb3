package directory

import (
	"strings"
	"testing"
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
