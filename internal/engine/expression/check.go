package expression

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// check brings a call's arguments into their places, refuses what can never
// work, and compiles what is constant.
func (p *parser) check(n *call) error {
	for len(n.arguments) > 0 && n.arguments[len(n.arguments)-1] == nil {
		n.arguments = n.arguments[:len(n.arguments)-1]
	}
	function := n.function
	if function.arrange != nil {
		n.arguments = function.arrange(n.arguments)
	}
	if least, most := function.arity(); len(n.arguments) < least || len(n.arguments) > most {
		return p.expected(n.at, fmt.Sprintf("%s does not take %s", function.Name, plural(len(n.arguments), "argument")), function.Signature())
	}
	for i, argument := range n.arguments {
		parameter := function.parameter(i)
		if argument == nil {
			if !parameter.Optional {
				return p.expected(n.at, fmt.Sprintf("%s lacks its argument %s", function.Name, parameter.Name), function.Signature())
			}
			continue
		}
		if problem := parameter.refuses(argument); problem != "" {
			refused := p.expected(argument.position(), fmt.Sprintf("%s, %s: %s", function.Name, parameter.Name, problem), parameter.expected())
			if constant, ok := n.text(i); ok {
				refused.Suggestion, _ = Nearest(constant, parameter.Allowed)
			}
			return refused
		}
	}
	if function.prepare == nil {
		return nil
	}
	prepared, err := function.prepare(n)
	if err != nil {
		at, where := n.at, function.Name
		if n.has(err.argument) {
			at, where = n.arguments[err.argument].position(), where+", "+function.parameter(err.argument).Name
		}
		refused := p.expected(at, where+": "+err.problem, err.expected)
		refused.Suggestion = err.suggestion
		return refused
	}
	n.prepared = prepared
	return nil
}

// refusal is what a function's prepare has against a constant argument.
type refusal struct {
	argument   int // -1: the call as a whole
	problem    string
	expected   string
	suggestion string
}

// refuses says why an argument can never be the parameter's; "" when it may.
func (p Parameter) refuses(argument node) string {
	if w, ok := argument.(*word); ok && p.Type != TypeWord && !w.isIgnore() {
		return w.name + " has no place here"
	}
	constant, isConstant := argument.(*literal)
	given := typeOf(argument)
	switch p.Type {
	case TypeWord:
		if w, ok := argument.(*word); !ok || !slices.Contains(p.Allowed, w.name) {
			return "only a word is understood"
		}
	case TypeInteger:
		if given == TypeBoolean || given == TypeDate {
			return article(given) + " is no integer"
		}
		if isConstant {
			if _, ok := toInteger(constant.value); !ok {
				return strconv.Quote(shorten(constant.value.String())) + " is no integer"
			}
		}
	case TypeDate:
		if given == TypeBoolean || given == TypeInteger {
			return article(given) + " is no date"
		}
		if isConstant {
			if _, ok := parseInstant(constant.value.String()); !ok {
				return strconv.Quote(shorten(constant.value.String())) + " is no date"
			}
		}
	case TypeBoolean:
		if given == TypeDate {
			return "a date is neither True nor False"
		}
		if isConstant {
			if _, ok := toBoolean(constant.value); !ok {
				return strconv.Quote(shorten(constant.value.String())) + " is neither True nor False"
			}
		}
	case TypeText:
		if isConstant && p.Allowed != nil && !slices.Contains(p.Allowed, constant.value.String()) {
			return strconv.Quote(shorten(constant.value.String())) + " is not known"
		}
	}
	return ""
}

// expected says what the parameter takes.
func (p Parameter) expected() string {
	if p.Allowed != nil {
		return "one of " + strings.Join(p.Allowed, ", ")
	}
	switch p.Type {
	case TypeDate:
		return "a date such as 2026-11-21 or 2026-11-21T09:30:00Z"
	case TypeBoolean:
		return "True, False, a number or a comparison"
	case TypeInteger:
		return "an integer"
	}
	return article(p.Type) + " value"
}

// toInteger gives the integer that a value is or, as digits, spells.
func toInteger(v directory.Value) (int64, bool) {
	if text, ok := v.AsText(); ok {
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	}
	return v.AsInteger()
}

// toBoolean gives what a condition's value means: True or False in any case,
// a number other than zero, null and empty as False.
func toBoolean(v directory.Value) (holds, ok bool) {
	if b, ok := v.AsBoolean(); ok {
		return b, true
	}
	if v.IsNull() {
		return false, true
	}
	if n, ok := v.AsInteger(); ok {
		return n != 0, true
	}
	text, ok := v.AsText()
	if !ok {
		return false, false
	}
	switch {
	case text == "" || strings.EqualFold(text, wordFalse):
		return false, true
	case strings.EqualFold(text, wordTrue):
		return true, true
	case isNumber(text):
		return compareNumbers(text, "0") != 0, true
	}
	return false, false
}

// article names a type with its article.
func article(t Type) string {
	if t == TypeInteger || t == TypeAny {
		return "an " + string(t)
	}
	return "a " + string(t)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
