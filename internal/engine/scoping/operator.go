package scoping

import (
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// Operator says what a clause asks of its attribute.
type Operator string

// The operators. All but IsNull are false for null and empty. Text is compared
// ordinal and case-sensitive, integers and booleans by their canonical text.
const (
	Equals              Operator = "equals"
	NotEquals           Operator = "not_equals"
	IsTrue              Operator = "is_true"  // true, or the text True in any case
	IsFalse             Operator = "is_false" // false, or the text False in any case
	IsNull              Operator = "is_null"  // absent, null or empty
	IsNotNull           Operator = "is_not_null"
	RegexMatch          Operator = "regex_match" // the pattern covers the whole value
	NotRegexMatch       Operator = "not_regex_match"
	GreaterThan         Operator = "greater_than" // both are integers
	GreaterThanOrEquals Operator = "greater_than_or_equals"
	Includes            Operator = "includes" // the attribute contains the value
	StartsWith          Operator = "starts_with"
	EndsWith            Operator = "ends_with"
	IsContainedIn       Operator = "is_contained_in" // the value contains the attribute
	IsNotContainedIn    Operator = "is_not_contained_in"
)

// Operators gives all operators, in the order in which they are documented.
func Operators() []Operator {
	return []Operator{
		Equals, NotEquals, IsTrue, IsFalse, IsNull, IsNotNull, RegexMatch, NotRegexMatch,
		GreaterThan, GreaterThanOrEquals, Includes, StartsWith, EndsWith, IsContainedIn, IsNotContainedIn,
	}
}

// TakesValue reports whether a clause with the operator has a value.
func (o Operator) TakesValue() bool {
	switch o {
	case IsTrue, IsFalse, IsNull, IsNotNull:
		return false
	}
	return true
}

// test asks something of a value that is neither null nor empty.
type test func(attribute directory.Value) (bool, error)

// compile gives the operator's test with the clause's value; problem says why
// the value does not fit.
func (o Operator) compile(value string) (_ test, problem string) {
	switch o {
	case Equals:
		return ofText(func(attribute string) bool { return attribute == value }), ""
	case NotEquals:
		return ofText(func(attribute string) bool { return attribute != value }), ""
	case Includes:
		return ofText(func(attribute string) bool { return strings.Contains(attribute, value) }), ""
	case StartsWith:
		return ofText(func(attribute string) bool { return strings.HasPrefix(attribute, value) }), ""
	case EndsWith:
		return ofText(func(attribute string) bool { return strings.HasSuffix(attribute, value) }), ""
	case IsContainedIn:
		return ofText(func(attribute string) bool { return strings.Contains(value, attribute) }), ""
	case IsNotContainedIn:
		return ofText(func(attribute string) bool { return !strings.Contains(value, attribute) }), ""
	case IsTrue:
		return isBoolean(true), ""
	case IsFalse:
		return isBoolean(false), ""
	case IsNotNull:
		return func(directory.Value) (bool, error) { return true, nil }, ""
	case GreaterThan, GreaterThanOrEquals:
		return o.compileInteger(value)
	case RegexMatch, NotRegexMatch:
		return o.compilePattern(value)
	}
	return nil, "the operator is not known"
}

func ofText(holds func(attribute string) bool) test {
	return func(attribute directory.Value) (bool, error) { return holds(attribute.String()), nil }
}

func isBoolean(wanted bool) test {
	name := directory.Boolean(wanted).String()
	return ofText(func(attribute string) bool { return strings.EqualFold(attribute, name) })
}

func (o Operator) compileInteger(value string) (test, string) {
	least, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, "the value must be an integer"
	}
	return func(attribute directory.Value) (bool, error) {
		n, ok := attribute.AsInteger()
		if !ok {
			parsed, err := strconv.ParseInt(attribute.String(), 10, 64)
			n, ok = parsed, err == nil
		}
		return ok && (n > least || n == least && o == GreaterThanOrEquals), nil
	}, ""
}

func (o Operator) compilePattern(value string) (test, string) {
	// The pattern by itself first: `a)|(b` would be whole within the anchors.
	if _, err := expression.CompilePattern(value); err != nil {
		return nil, "the value must be a regular expression of RE2: " + err.Error()
	}
	whole, err := expression.CompilePattern(`\A(?:` + value + `)\z`)
	if err != nil {
		return nil, "the value must be a regular expression of RE2: " + err.Error()
	}
	return func(attribute directory.Value) (bool, error) {
		matched, err := whole.Match(attribute.String())
		return matched == (o == RegexMatch), err
	}, ""
}
