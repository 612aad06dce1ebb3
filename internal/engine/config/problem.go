package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one fault of a declaration. Path leads to the attribute as it is
// written in HCL: "attributes", "userName", "expression".
type Problem struct {
	Path    []string `json:"path,omitempty"`
	Summary string   `json:"summary"`
	Detail  string   `json:"detail"`
}

// Problems are all faults of a declaration. Empty ones are no error.
type Problems []Problem

// Error joins the faults, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Summary + ": " + problem.Detail
		if len(problem.Path) > 0 {
			lines[i] = strings.Join(problem.Path, ".") + ": " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

// Err gives the problems as an error, nil when there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p *Problems) add(path []string, summary, format string, args ...any) {
	*p = append(*p, Problem{path, summary, fmt.Sprintf(format, args...)})
}

// Sentence makes a message a sentence: a large first letter, a stop at its end.
func Sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	return text
}
