package expression

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SyntaxError says where an expression is wrong and what would be right.
type SyntaxError struct {
	Expression   string
	Position     int // bytes before the fault
	Line, Column int // from 1; columns are characters
	Problem      string
	Expected     string // what would be right there; may be empty
	Suggestion   string // the nearest name that exists; may be empty
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Short())
}

// Short is the error without the place, for those who see no expression.
func (e *SyntaxError) Short() string {
	var out strings.Builder
	out.WriteString(e.Problem)
	if e.Expected != "" {
		out.WriteString("; expected " + e.Expected)
	}
	if e.Suggestion != "" {
		out.WriteString("; did you mean " + e.Suggestion + "?")
	}
	return out.String()
}

// EvaluationError says why an expression has no value for an object.
type EvaluationError struct {
	Expression string
	Function   string // whose argument does not fit; empty for an operator or attribute
	Argument   string // its parameter's name, or the attribute in brackets; may be empty
	Value      string // the value that does not fit, shortened; empty where it must not be shown
	Problem    string
	Err        error // cause, when there is one
}

func (e *EvaluationError) Error() string {
	var out strings.Builder
	switch {
	case e.Function != "" && e.Argument != "":
		out.WriteString(e.Function + ", " + e.Argument + ": ")
	case e.Function != "" || e.Argument != "":
		out.WriteString(e.Function + e.Argument + ": ")
	}
	out.WriteString(e.Problem)
	if e.Value != "" {
		out.WriteString(" (the value is " + strconv.Quote(e.Value) + ")")
	}
	return out.String()
}

func (e *EvaluationError) Unwrap() error { return e.Err }

// ErrNoUniqueValue is in the error of an evaluation whose values are all taken.
var ErrNoUniqueValue = errors.New("every value of SelectUniqueValue is taken")

// Ways out of an evaluation that are no faults.
var (
	errIgnoreAttribute = errors.New("the attribute is ignored")
	errIgnoreObject    = errors.New("the object is ignored")
)

// shorten cuts a text that goes into a message.
func shorten(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
