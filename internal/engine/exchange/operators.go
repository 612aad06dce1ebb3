package exchange

import (
	"regexp"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// graphOperators are the names that the filters of Microsoft Graph have for
// operators. starts_with has none, and is written as a pattern.
var graphOperators = []struct {
	graph string
	own   scoping.Operator
}{
	{"EQUALS", scoping.Equals},
	{"NOT EQUALS", scoping.NotEquals},
	{"IS TRUE", scoping.IsTrue},
	{"IS FALSE", scoping.IsFalse},
	{"IS NULL", scoping.IsNull},
	{"IS NOT NULL", scoping.IsNotNull},
	{"REGEX MATCH", scoping.RegexMatch},
	{"NOT REGEX MATCH", scoping.NotRegexMatch},
	{"Greater_Than", scoping.GreaterThan},
	{"Greater_Than_OR_EQUALS", scoping.GreaterThanOrEquals},
	{"Includes", scoping.Includes},
	{"ENDS_WITH", scoping.EndsWith},
	{"&", scoping.IsContainedIn},
	{"!&", scoping.IsNotContainedIn},
}

// anything ends the pattern that stands for starts_with. Both RE2 and .NET read
// it so.
const anything = `(?s:.*)`

// operand gives operator and value as Graph has them.
func operand(c scoping.Clause) (operator string, values []string) {
	values = []string{}
	if c.Value != nil {
		values = append(values, *c.Value)
	}
	if c.Operator == scoping.StartsWith && c.Value != nil {
		return "REGEX MATCH", []string{regexp.QuoteMeta(*c.Value) + anything}
	}
	for _, o := range graphOperators {
		if o.own == c.Operator {
			return o.graph, values
		}
	}
	return string(c.Operator), values
}

// ownOperator gives the operator of a name in Graph, whatever its case and
// whether blanks or underscores part its words.
func ownOperator(name string) (scoping.Operator, bool) {
	fold := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "_", " ")) }
	for _, o := range graphOperators {
		if fold(o.graph) == fold(name) {
			return o.own, true
		}
	}
	return "", false
}

var escaped = regexp.MustCompile(`\\(.)`)

// startsWith gives the text that a pattern asks for at the start, when that is
// all that it asks for.
func startsWith(pattern string) (string, bool) {
	quoted, ok := strings.CutSuffix(pattern, anything)
	if !ok {
		return "", false
	}
	text := escaped.ReplaceAllString(quoted, "$1")
	return text, text != "" && regexp.QuoteMeta(text) == quoted
}
