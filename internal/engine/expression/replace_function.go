package expression

import (
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// The places of Replace's arguments.
const (
	replaceSource = iota
	replaceOldValue
	replacePattern
	replaceGroup
	replaceNewValue
	replaceAttribute
	replaceTemplate
)

var replaceFunctions = []definition{{
	Function: Function{
		Name: "Replace", Result: TypeText,
		Parameters: []Parameter{
			text("source"), optional(text("oldValue")), optional(text("regexPattern")), optional(text("regexGroupName")),
			optional(text("replacementValue")), optional(text("replacementAttributeName")), optional(text("template")),
		},
		Summary: "Replaces what is found in the source. Which arguments are given decides how: oldValue and replacementValue, that text; " +
			"oldValue and template, that text in the template by the source; regexPattern and replacementValue, each match ($1, ${name} stand for its groups); " +
			"with regexGroupName, only that group of each match; regexPattern, regexGroupName and replacementAttributeName, the source or, when it is empty, that group of the attribute's match. " +
			"Patterns are RE2's: no look-around, no back-references.",
		Null:    "A null source gives null, but for the attribute's group; a null replacement is empty; nothing found leaves the source as it is.",
		Example: Example{`Replace([mobile], , "[()\\s-]+", , "", , )`, source("mobile", "+1 (999) 888-7777"), "+19998887777", false},
	},
	prepare:  prepareReplace,
	evaluate: func(in invocation) (directory.Value, error) { return in.call.prepared.(*replacing).mode(in) },
}}

// replacing is what is constant of a call of Replace.
type replacing struct {
	mode         func(invocation) (directory.Value, error)
	pattern      *Pattern
	substitution substitution
}

// replaceModes are the ways to call Replace, by the arguments that are given.
var replaceModes = []struct {
	given []int
	mode  func(invocation) (directory.Value, error)
}{
	{[]int{replaceOldValue, replaceNewValue}, replaceText},
	{[]int{replaceOldValue, replaceTemplate}, replaceInTemplate},
	{[]int{replacePattern, replaceNewValue}, replaceMatches},
	{[]int{replacePattern, replaceGroup, replaceNewValue}, replaceGroups},
	{[]int{replacePattern, replaceGroup, replaceAttribute}, replaceByAttribute},
}

func prepareReplace(n *call) (any, *refusal) {
	prepared := &replacing{}
	for _, m := range replaceModes {
		var given uint8
		for _, i := range m.given {
			given |= 1 << i
		}
		var written uint8
		for i := replaceOldValue; i <= replaceTemplate; i++ {
			if n.has(i) {
				written |= 1 << i
			}
		}
		if given == written {
			prepared.mode = m.mode
		}
	}
	if prepared.mode == nil {
		return nil, &refusal{argument: -1, problem: "the arguments given are no way to replace", expected: "oldValue and replacementValue; oldValue and template; " +
			"regexPattern and replacementValue, perhaps with regexGroupName; or regexPattern, regexGroupName and replacementAttributeName"}
	}
	if old, constant := n.text(replaceOldValue); constant && old == "" {
		return nil, &refusal{argument: replaceOldValue, problem: "it is empty", expected: "at least one character"}
	}
	return prepared, prepared.compile(n)
}

// compile reads the pattern and what refers to its groups, where constant.
func (r *replacing) compile(n *call) *refusal {
	text, constant := n.text(replacePattern)
	if !constant {
		return nil
	}
	pattern, err := CompilePattern(text)
	if err != nil {
		return &refusal{argument: replacePattern, problem: err.Error(), expected: "a regular expression of RE2"}
	}
	r.pattern = pattern
	unknown := func(argument int, name string) *refusal {
		nearest, _ := Nearest(name, pattern.groupNames())
		return &refusal{argument: argument, problem: "the pattern has no group " + shorten(name), suggestion: nearest}
	}
	if n.has(replaceGroup) {
		if name, constant := n.text(replaceGroup); constant {
			if _, ok := pattern.group(name); !ok {
				return unknown(replaceGroup, name)
			}
		}
		return nil
	}
	if replacement, constant := n.text(replaceNewValue); constant {
		s, name := pattern.compileSubstitution(replacement)
		if name != "" {
			return unknown(replaceNewValue, name)
		}
		r.substitution = s
	}
	return nil
}

// replaceText replaces each occurrence of oldValue in the source.
func replaceText(in invocation) (directory.Value, error) {
	source, null, err := in.text(replaceSource)
	if err != nil || null {
		return directory.Null, err
	}
	old, _, err := in.text(replaceOldValue)
	if err != nil {
		return directory.Null, err
	}
	replacement, _, err := in.text(replaceNewValue)
	if err != nil {
		return directory.Null, err
	}
	return in.replaced(source, old, replacement)
}

// replaceInTemplate replaces each occurrence of oldValue in the template by
// the source.
func replaceInTemplate(in invocation) (directory.Value, error) {
	source, null, err := in.text(replaceSource)
	if err != nil || null {
		return directory.Null, err
	}
	old, _, err := in.text(replaceOldValue)
	if err != nil {
		return directory.Null, err
	}
	template, null, err := in.text(replaceTemplate)
	if err != nil || null {
		return directory.Null, err
	}
	return in.replaced(template, old, source)
}

// replaced replaces a text, where it is not empty.
func (in invocation) replaced(text, old, replacement string) (directory.Value, error) {
	if old == "" {
		return directory.Text(text), nil
	}
	if grown := len(replacement) - len(old); grown > 0 && strings.Count(text, old) > (MaxText-len(text))/grown {
		return directory.Null, in.tooLarge("bytes", MaxText)
	}
	return directory.Text(strings.ReplaceAll(text, old, replacement)), nil
}

// replaceMatches replaces each match of the pattern in the source.
func replaceMatches(in invocation) (directory.Value, error) {
	source, null, err := in.text(replaceSource)
	if err != nil || null {
		return directory.Null, err
	}
	pattern, err := in.pattern()
	if err != nil {
		return directory.Null, err
	}
	replacement := in.call.prepared.(*replacing).substitution
	if replacement == nil {
		text, _, err := in.text(replaceNewValue)
		if err != nil {
			return directory.Null, err
		}
		var unknown string
		if replacement, unknown = pattern.compileSubstitution(text); unknown != "" {
			return directory.Null, in.faultOf(replaceNewValue, directory.Text(unknown), "the pattern has no group of that name")
		}
	}
	return in.substituted(source, pattern, func(match []int) (from, to int, with substitution) {
		return match[0], match[1], replacement
	})
}

// replaceGroups replaces the group of each match, and nothing else of it.
func replaceGroups(in invocation) (directory.Value, error) {
	source, null, err := in.text(replaceSource)
	if err != nil || null {
		return directory.Null, err
	}
	pattern, group, err := in.patternGroup()
	if err != nil {
		return directory.Null, err
	}
	text, _, err := in.text(replaceNewValue)
	if err != nil {
		return directory.Null, err
	}
	literal := substitution{{text, -1}}
	return in.substituted(source, pattern, func(match []int) (from, to int, with substitution) {
		if match[2*group] < 0 {
			return match[1], match[1], nil
		}
		return match[2*group], match[2*group+1], literal
	})
}

// replaceByAttribute gives the source if it has a value, else the group of the
// other attribute's first match, null without one.
func replaceByAttribute(in invocation) (directory.Value, error) {
	source, _, err := in.text(replaceSource)
	if err != nil || source != "" {
		return directory.Text(source), err
	}
	other, null, err := in.text(replaceAttribute)
	if err != nil || null {
		return directory.Null, err
	}
	pattern, group, err := in.patternGroup()
	if err != nil {
		return directory.Null, err
	}
	matches, err := in.matches(pattern, other, 1)
	if err != nil || len(matches) == 0 || matches[0][2*group] < 0 {
		return directory.Null, err
	}
	return directory.Text(other[matches[0][2*group]:matches[0][2*group+1]]), nil
}

// substituted writes the source with a part of each match replaced.
func (in invocation) substituted(source string, pattern *Pattern, replace func(match []int) (from, to int, with substitution)) (directory.Value, error) {
	matches, err := in.matches(pattern, source, -1)
	if err != nil {
		return directory.Null, err
	}
	if len(matches) == 0 {
		return directory.Text(source), nil
	}
	var out strings.Builder
	out.Grow(len(source))
	end := 0
	for _, match := range matches {
		from, to, with := replace(match)
		out.WriteString(source[end:from])
		end = to
		for _, part := range with {
			out.WriteString(part.literal)
			if part.group >= 0 && match[2*part.group] >= 0 {
				out.WriteString(source[match[2*part.group]:match[2*part.group+1]])
			}
			if out.Len() > MaxText {
				return directory.Null, in.tooLarge("bytes", MaxText)
			}
		}
	}
	out.WriteString(source[end:])
	return directory.Text(out.String()), nil
}

// matches finds the pattern, at most so often unless most is negative. Each
// match costs a search through the whole text, since a search may look that
// far ahead and then match little.
func (in invocation) matches(pattern *Pattern, text string, most int) ([][]int, error) {
	affordable := max(in.steps, 0) / pattern.cost(text)
	if most < 0 || most > affordable {
		most = affordable + 1
	}
	var matches [][]int
	if affordable > 0 {
		matches = pattern.expression.FindAllStringSubmatchIndex(text, most)
	}
	if affordable == 0 || len(matches) > affordable || !in.charge((len(matches)+1)*pattern.cost(text)) {
		err := in.fault(replacePattern, ErrTooCostly.Error())
		err.Err = ErrTooCostly
		return nil, err
	}
	return matches, nil
}

// pattern gives the call's pattern.
func (in invocation) pattern() (*Pattern, error) {
	if pattern := in.call.prepared.(*replacing).pattern; pattern != nil {
		return pattern, nil
	}
	text, _, err := in.text(replacePattern)
	if err != nil {
		return nil, err
	}
	pattern, err := CompilePattern(text)
	if err != nil {
		return nil, in.faultOf(replacePattern, directory.Text(text), "it is no regular expression of RE2"+in.detail(err))
	}
	return pattern, nil
}

// patternGroup gives the call's pattern and the index of its named group.
func (in invocation) patternGroup() (*Pattern, int, error) {
	pattern, err := in.pattern()
	if err != nil {
		return nil, 0, err
	}
	name, _, err := in.text(replaceGroup)
	if err != nil {
		return nil, 0, err
	}
	group, ok := pattern.group(name)
	if !ok {
		return nil, 0, in.faultOf(replaceGroup, directory.Text(name), "the pattern has no group of that name")
	}
	return pattern, group, nil
}
