package expression

import (
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// state is one evaluation.
type state struct {
	expression *Expression
	env        *Environment
	steps      int // what is left of maxSteps
	bindings   []binding
}

// evaluate gives a part's value, within the bounds.
func (s *state) evaluate(n node) (directory.Value, error) {
	switch n := n.(type) {
	case *literal:
		return n.value, nil
	case *attribute:
		return s.read(n)
	}
	value, err := n.evaluate(s)
	if err != nil {
		return directory.Null, err
	}
	if size, problem := measure(value, false); problem != "" || !s.charge((size+1)*stepsAByte) {
		return directory.Null, s.outOfBounds(n, problem)
	}
	return value, nil
}

// read gives an attribute's value, which nobody has looked at before.
func (s *state) read(n *attribute) (directory.Value, error) {
	if s.env.Attribute == nil {
		return directory.Null, nil
	}
	value, _ := s.env.Attribute(n.name)
	if size, problem := measure(value, true); problem != "" || !s.charge((size+1)*stepsAByte) {
		return directory.Null, s.outOfBounds(n, problem)
	}
	return value, nil
}

// outOfBounds is the fault of a part whose value passes a bound; without a
// problem the evaluation as a whole does.
func (s *state) outOfBounds(n node, problem string) *EvaluationError {
	if problem == "" {
		problem = "the evaluation takes too long; the values are too large"
	}
	fault := s.fault(problem)
	switch n := n.(type) {
	case *call:
		fault.Function = n.function.Name
	case *attribute:
		fault.Argument = "[" + n.name + "]"
	}
	return fault
}

// charge takes steps from what is left, and reports whether that was enough.
func (s *state) charge(steps int) bool {
	s.steps -= steps
	return s.steps >= 0
}

// operand gives one side of an operator, a single value.
func (s *state) operand(n *operation, side node) (directory.Value, error) {
	value, err := s.evaluate(side)
	if kind := value.Kind(); err != nil || kind != directory.KindList && kind != directory.KindComplex {
		return value, err
	}
	value, problem := single(value)
	if problem != "" {
		err := s.fault("the operator " + n.operator + " meets a value that " + problem)
		if a, ok := side.(*attribute); ok {
			err.Argument = "[" + a.name + "]"
		}
		return directory.Null, err
	}
	return value, nil
}

func (s *state) fault(problem string) *EvaluationError {
	return &EvaluationError{Expression: s.expression.text, Problem: problem}
}

// measure gives a value's bytes, with something for each element, and what is
// wrong with it: too large or, when untrusted, not valid UTF-8.
func measure(v directory.Value, untrusted bool) (size int, problem string) {
	switch v.Kind() {
	case directory.KindText:
		text, _ := v.AsText()
		if len(text) > MaxText {
			return len(text), fmt.Sprintf("the text has %d bytes, more than %d", len(text), MaxText)
		}
		if untrusted && !utf8.ValidString(text) {
			return len(text), "the text is not valid UTF-8"
		}
		return len(text), ""
	case directory.KindList:
		values := v.Values()
		if len(values) > MaxElements {
			return 0, fmt.Sprintf("the list has %d values, more than %d", len(values), MaxElements)
		}
		for _, element := range values {
			n, problem := measure(element, untrusted)
			if size += n + 8; problem != "" {
				return size, problem
			}
		}
	case directory.KindComplex:
		for _, member := range v.Members() {
			n, problem := measure(member.Value, untrusted)
			if size += n + 8; problem != "" {
				return size, problem
			}
		}
	}
	if size > MaxText {
		return size, fmt.Sprintf("the values have %d bytes together, more than %d", size, MaxText)
	}
	return size, ""
}

// single gives the one value where one is expected: a list of one is its
// element, a list of none null. problem ends a sentence.
func single(v directory.Value) (one directory.Value, problem string) {
	if v.Kind() == directory.KindList {
		values := v.Values()
		switch len(values) {
		case 0:
			return directory.Null, ""
		case 1:
			v = values[0]
		default:
			return directory.Null, fmt.Sprintf("holds %d values where one is expected; choose one with Item(…, 1)", len(values))
		}
	}
	if kind := v.Kind(); kind == directory.KindList || kind == directory.KindComplex {
		return directory.Null, "has parts, where a single value is expected"
	}
	return v, ""
}

// invocation is a call within an evaluation: what a function sees.
type invocation struct {
	*state
	call *call
}

// has reports whether the argument was written, whatever its value.
func (in invocation) has(i int) bool { return in.call.has(i) }

// count gives the number of arguments, omitted ones before the last included.
func (in invocation) count() int { return len(in.call.arguments) }

// value gives the argument's value, null when it was omitted.
func (in invocation) value(i int) (directory.Value, error) {
	if !in.has(i) {
		return directory.Null, nil
	}
	return in.state.evaluate(in.call.arguments[i])
}

// single gives the argument's value, which must not be several.
func (in invocation) single(i int) (directory.Value, error) {
	value, err := in.value(i)
	if kind := value.Kind(); err != nil || kind != directory.KindList && kind != directory.KindComplex {
		return value, err
	}
	value, problem := single(value)
	if problem != "" {
		return directory.Null, in.fault(i, "it "+problem)
	}
	return value, nil
}

// text gives the argument's canonical text; "" and true when it is null.
func (in invocation) text(i int) (text string, null bool, err error) {
	value, err := in.single(i)
	if err != nil {
		return "", false, err
	}
	return value.String(), value.IsNull(), nil
}

// choice gives the argument's text, which must be one that its parameter
// allows, or the first of them when it was omitted.
func (in invocation) choice(i int) (string, error) {
	allowed := in.call.function.parameter(i).Allowed
	if !in.has(i) {
		return allowed[0], nil
	}
	text, _, err := in.text(i)
	if err == nil && !slices.Contains(allowed, text) {
		err = in.faultOf(i, directory.Text(text), "it is not "+in.call.function.parameter(i).expected())
	}
	return text, err
}

// integer gives the argument as an integer.
func (in invocation) integer(i int) (int64, error) {
	value, err := in.single(i)
	if err != nil {
		return 0, err
	}
	n, ok := toInteger(value)
	if !ok {
		return 0, in.faultOf(i, value, "an integer is expected")
	}
	return n, nil
}

// boolean gives the argument as the outcome of a condition.
func (in invocation) boolean(i int) (bool, error) {
	if comparison, ok := in.call.arguments[i].(*operation); ok && comparison.parts == nil {
		return comparison.holds(in.state)
	}
	value, err := in.single(i)
	if err != nil {
		return false, err
	}
	holds, ok := toBoolean(value)
	if !ok {
		return false, in.faultOf(i, value, "it is neither True nor False; compare it with something")
	}
	return holds, nil
}

// time gives the argument as a point in time.
func (in invocation) time(i int) (time.Time, error) {
	value, err := in.single(i)
	if err != nil {
		return time.Time{}, err
	}
	if t, ok := value.AsTime(); ok && inCalendar(t) {
		return t, nil
	}
	if text, ok := value.AsText(); ok {
		if t, ok := parseInstant(text); ok {
			return t, nil
		}
	}
	return time.Time{}, in.faultOf(i, value, "a date is expected, such as 2026-11-21 or 2026-11-21T09:30:00Z; FormatDateTime reads other forms")
}

// values gives the argument's elements: one for a single value, none for null.
func (in invocation) values(i int) ([]directory.Value, error) {
	value, err := in.value(i)
	switch {
	case err != nil || value.IsNull():
		return nil, err
	case value.Kind() == directory.KindList:
		return value.Values(), nil
	}
	return []directory.Value{value}, nil
}

// fault is an error about an argument, or about the call as a whole when there
// is no such argument.
func (in invocation) fault(i int, problem string) *EvaluationError {
	err := in.state.fault(problem)
	err.Function = in.call.function.Name
	if in.has(i) {
		err.Argument = in.call.function.parameter(i).Name
	}
	return err
}

// faultOf is a fault that shows the value, unless the expression redacts.
func (in invocation) faultOf(i int, value directory.Value, problem string) *EvaluationError {
	err := in.fault(i, problem)
	switch {
	case value.IsNull():
		err.Problem = "it is null; " + problem
	case !in.expression.redacts:
		err.Value = shorten(value.String())
	}
	return err
}

// detail gives an error as the end of a sentence, unless the expression
// redacts: the error may quote a value.
func (in invocation) detail(err error) string {
	if in.expression.redacts {
		return ""
	}
	return ": " + err.Error()
}

// tooLarge is the fault of a result beyond a bound.
func (in invocation) tooLarge(what string, most int) *EvaluationError {
	return in.fault(-1, "the result would have more than "+strconv.Itoa(most)+" "+what)
}
