// Package expression is the mapping language: functions of a source object's
// attributes, as attribute mappings use them. An expression is parsed once,
// with everything checked and compiled that does not depend on an object, and
// evaluated for any number of objects. The package is pure: what an evaluation
// sees of the world stands in its Environment.
package expression

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Bounds of the language. An evaluation that would pass one ends in an
// EvaluationError: a hostile object costs that object, and bounded time.
const (
	MaxLength   = 10_000  // characters of an expression
	MaxText     = 1 << 20 // bytes of any text that an evaluation reads or makes
	MaxElements = 100_000 // elements of any list likewise
	maxSteps    = 1 << 28 // work of one evaluation: see state.charge
	maxProgram  = 4_000   // instructions of a compiled regular expression
	stepsAByte  = 16      // what a byte costs that passes between functions
	maxFormat   = 1_000   // bytes of a date format
	maxRandom   = 256     // characters of a random string
	maxSuggest  = 64      // characters of a word that is looked up for a suggestion
)

// Expression is a parsed expression. It is immutable and safe for concurrent
// use.
type Expression struct {
	text       string
	root       node
	attributes []*attribute
	functions  map[string]bool
	redacts    bool // values of the expression stay out of logs and errors
	ignores    bool // the whole object may be ignored
}

// Parse reads an expression and checks all that can be known without an
// object: functions, number and kinds of arguments, constants, patterns, date
// formats. The error is a *SyntaxError.
func Parse(text string) (*Expression, error) {
	p := &parser{text: text}
	if !utf8.ValidString(text) {
		return nil, p.fail(0, "the expression is not valid UTF-8")
	}
	if n := utf8.RuneCountInString(text); n > MaxLength {
		return nil, p.failf(0, "the expression has %d characters, more than %d", n, MaxLength)
	}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	e := &Expression{text: text, root: root, functions: map[string]bool{}}
	if err := e.survey(p, root); err != nil {
		return nil, err
	}
	e.redacts = e.functions["Redact"]
	e.fold(root)
	return e, nil
}

// survey notes the attributes, functions and words below n.
func (e *Expression) survey(p *parser, n node) error {
	switch n := n.(type) {
	case *attribute:
		e.attributes = append(e.attributes, n)
	case *operation:
		if err := e.survey(p, n.left); err != nil {
			return err
		}
		return e.survey(p, n.right)
	case *word:
		e.ignores = e.ignores || n.name == wordIgnoreObject
	case *call:
		if n.function.outermost && n != e.root {
			return p.failf(n.at, "%s must be the outermost function", n.function.Name)
		}
		e.functions[n.function.Name] = true
		for _, argument := range n.arguments {
			if err := e.survey(p, argument); err != nil {
				return err
			}
		}
	}
	return nil
}

// String gives the expression in normal form: one blank after a comma and
// around an operator, no trailing empty arguments, numbers decimal. It parses
// to the same tree, unless the escaping of backslashes makes it too long.
func (e *Expression) String() string {
	var out strings.Builder
	e.root.print(&out)
	return out.String()
}

// Attributes gives the names of the attributes that the expression refers to,
// ascending, each once.
func (e *Expression) Attributes() []string {
	names := make([]string, len(e.attributes))
	for i, a := range e.attributes {
		names[i] = a.name
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CheckAttributes reports the first attribute of the expression that is not
// among the known names, as a *SyntaxError with the nearest known name.
func (e *Expression) CheckAttributes(known []string) error {
	for _, a := range e.attributes {
		if slices.Contains(known, a.name) {
			continue
		}
		err := (&parser{text: e.text}).failf(a.at, "unknown attribute [%s]", shorten(a.name))
		if name, ok := Nearest(a.name, known); ok {
			err.Suggestion = "[" + name + "]"
		}
		return err
	}
	return nil
}

// UsesNow reports whether the result depends on the time of the evaluation.
func (e *Expression) UsesNow() bool { return e.functions["Now"] }

// UsesRandom reports whether each evaluation may give another result.
func (e *Expression) UsesRandom() bool {
	return e.functions["Guid"] || e.functions["RandomString"]
}

// UsesRoles reports whether the expression takes values from the roles that an
// object has by its assignments.
func (e *Expression) UsesRoles() bool {
	for name := range e.functions {
		if catalogue[name].roles {
			return true
		}
	}
	return false
}

// MayIgnoreObject reports whether there are objects that the expression says to
// ignore as a whole.
func (e *Expression) MayIgnoreObject() bool { return e.ignores }

// OnlyAdds reports whether the expression's values are to be added to those
// that the target has, and never take any away.
func (e *Expression) OnlyAdds() bool {
	root, ok := e.root.(*call)
	return ok && root.function.additive
}

// UsesDefaultDomain reports whether the expression asks for the source's
// default domain.
func (e *Expression) UsesDefaultDomain() bool { return e.functions["DefaultDomain"] }

// SelectsUnique reports whether the expression is a choice among values that
// must be free in the target.
func (e *Expression) SelectsUnique() bool { return e.functions["SelectUniqueValue"] }

// fold evaluates the calls below n that are the same for every object, and
// reports whether n is.
func (e *Expression) fold(n node) bool {
	switch n := n.(type) {
	case *literal:
		return true
	case *word:
		return !n.isIgnore()
	case *operation:
		left, right := e.fold(n.left), e.fold(n.right)
		return left && right
	case *call:
		constant := !n.function.impure
		for _, argument := range n.arguments {
			if argument != nil && !e.fold(argument) {
				constant = false
			}
		}
		if !constant {
			return false
		}
		s := &state{expression: e, env: &Environment{}, steps: maxSteps}
		value, err := s.evaluate(n)
		if err != nil {
			return false // it is the error of each object, unless the branch is never needed
		}
		n.folded = &value
		return true
	}
	return false
}

// states are those of evaluations that have ended.
var states = sync.Pool{New: func() any { return new(state) }}

// Evaluate gives the expression's value for one object. The error is an
// *EvaluationError when the object's values do not fit, a *NeedUnique when
// Environment.Taken does not know a value yet, or what Taken, Now or Random
// returned.
func (e *Expression) Evaluate(env *Environment) (Result, error) {
	if direct, ok := e.root.(*attribute); ok {
		s := state{expression: e, env: env, steps: maxSteps}
		value, err := s.read(direct)
		return Result{Value: value}, err
	}
	s := states.Get().(*state)
	*s = state{expression: e, env: env, steps: maxSteps}
	value, err := s.evaluate(e.root)
	*s = state{}
	states.Put(s)
	switch {
	case err == nil:
		return Result{Value: value, Redacted: e.redacts}, nil
	case errors.Is(err, errIgnoreAttribute):
		return Result{Ignore: IgnoreAttribute}, nil
	case errors.Is(err, errIgnoreObject):
		return Result{Ignore: IgnoreObject}, nil
	}
	return Result{Value: directory.Null}, err
}
