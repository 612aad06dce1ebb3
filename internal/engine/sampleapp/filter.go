package sampleapp

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Filter is a parsed filter (RFC 7644 section 3.4.2.2).
type Filter struct {
	root *filterNode
}

// filterNode is "and", "or" or "not" of its operands, a comparison, or a
// filter on the elements of a complex attribute ("[").
type filterNode struct {
	kind     string
	operands []*filterNode
	path     attributePath
	operator string
	value    any // text, bool, json.Number or nil
}

// attributePath is schema URN, attribute and sub-attribute, as they were written.
type attributePath struct {
	urn, name, sub string
}

// splitPath takes an attribute path without filter apart.
func splitPath(text string) attributePath {
	var p attributePath
	if len(text) > 4 && strings.EqualFold(text[:4], "urn:") {
		colon := strings.LastIndexByte(text, ':')
		p.urn, text = text[:colon], text[colon+1:]
	}
	p.name, p.sub, _ = strings.Cut(text, ".")
	return p
}

const maxFilterDepth = 32

// ParseFilter reads a filter. The error says what was not understood.
func ParseFilter(text string) (Filter, error) {
	p := &filterParser{text: text}
	root, err := p.or(0)
	if err != nil {
		return Filter{}, err
	}
	if p.skip(); p.at < len(text) {
		return Filter{}, p.errorf("%q is not expected", p.text[p.at:])
	}
	return Filter{root}, nil
}

type filterParser struct {
	text string
	at   int
}

func (p *filterParser) errorf(format string, args ...any) error {
	return fmt.Errorf("filter, position %d: %s", p.at+1, fmt.Sprintf(format, args...))
}

func (p *filterParser) skip() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

// word reads up to the next blank or bracket.
func (p *filterParser) word() string {
	p.skip()
	start := p.at
	for p.at < len(p.text) && !strings.ContainsRune(" ()[]\"", rune(p.text[p.at])) {
		p.at++
	}
	return p.text[start:p.at]
}

// keyword consumes the word if it comes next.
func (p *filterParser) keyword(word string) bool {
	start := p.at
	if strings.EqualFold(p.word(), word) {
		return true
	}
	p.at = start
	return false
}

func (p *filterParser) symbol(c byte) bool {
	p.skip()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *filterParser) or(depth int) (*filterNode, error) {
	return p.series("or", depth, p.and)
}

func (p *filterParser) and(depth int) (*filterNode, error) {
	return p.series("and", depth, p.term)
}

func (p *filterParser) series(kind string, depth int, operand func(int) (*filterNode, error)) (*filterNode, error) {
	first, err := operand(depth)
	if err != nil {
		return nil, err
	}
	node := &filterNode{kind: kind, operands: []*filterNode{first}}
	for p.keyword(kind) {
		next, err := operand(depth)
		if err != nil {
			return nil, err
		}
		node.operands = append(node.operands, next)
	}
	if len(node.operands) == 1 {
		return first, nil
	}
	return node, nil
}

func (p *filterParser) term(depth int) (*filterNode, error) {
	if depth > maxFilterDepth {
		return nil, p.errorf("it nests deeper than %d", maxFilterDepth)
	}
	if p.keyword("not") {
		if p.skip(); p.at >= len(p.text) || p.text[p.at] != '(' {
			return nil, p.errorf("a parenthesis is missing after not")
		}
		operand, err := p.term(depth + 1)
		if err != nil {
			return nil, err
		}
		return &filterNode{kind: "not", operands: []*filterNode{operand}}, nil
	}
	if p.symbol('(') {
		node, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.symbol(')') {
			return nil, p.errorf("the parenthesis is not closed")
		}
		return node, nil
	}
	name := p.word()
	if name == "" {
		return nil, p.errorf("an attribute is missing")
	}
	path := splitPath(name)
	if path.name == "" {
		return nil, p.errorf("%q is no attribute", name)
	}
	if p.at < len(p.text) && p.text[p.at] == '[' {
		p.at++
		inner, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.symbol(']') {
			return nil, p.errorf("the bracket is not closed")
		}
		return &filterNode{kind: "[", path: path, operands: []*filterNode{inner}}, nil
	}
	return p.comparison(path)
}

func (p *filterParser) comparison(path attributePath) (*filterNode, error) {
	node := &filterNode{kind: "compare", path: path, operator: strings.ToLower(p.word())}
	switch node.operator {
	case "pr":
		return node, nil
	case "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le":
	default:
		return nil, p.errorf("%q is no operator", node.operator)
	}
	p.skip()
	if p.at < len(p.text) && p.text[p.at] == '"' {
		end := p.at + 1
		for end < len(p.text) && p.text[end] != '"' {
			if p.text[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(p.text) {
			return nil, p.errorf("the quote is not closed")
		}
		var value string
		if err := json.Unmarshal([]byte(p.text[p.at:end+1]), &value); err != nil {
			return nil, p.errorf("the value is no JSON text")
		}
		node.value, p.at = value, end+1
		return node, nil
	}
	switch literal := p.word(); {
	case strings.EqualFold(literal, "true"):
		node.value = true
	case strings.EqualFold(literal, "false"):
		node.value = false
	case literal == "null":
	default:
		if _, err := strconv.ParseFloat(literal, 64); err != nil {
			return nil, p.errorf("%q is no value", literal)
		}
		node.value = json.Number(literal)
	}
	return node, nil
}

// Matches reports whether a resource, as encoding/json decodes it into a map
// with numbers as json.Number, meets the filter.
func (f Filter) Matches(attributes map[string]any) bool {
	return f.root != nil && f.root.matches(attributes)
}

// equality gives the value when the filter is a single eq on a text, and the
// attribute's name in lower case.
func (f Filter) equality() (value, attribute string) {
	n := f.root
	if n == nil || n.kind != "compare" || n.operator != "eq" || n.path.sub != "" || n.path.urn != "" {
		return "", ""
	}
	value, ok := n.value.(string)
	if !ok {
		return "", ""
	}
	return value, strings.ToLower(n.path.name)
}

// walk calls f for each node.
func (n *filterNode) walk(f func(*filterNode)) {
	if n == nil {
		return
	}
	f(n)
	for _, operand := range n.operands {
		operand.walk(f)
	}
}

func (n *filterNode) matches(attributes map[string]any) bool {
	switch n.kind {
	case "and":
		for _, operand := range n.operands {
			if !operand.matches(attributes) {
				return false
			}
		}
		return true
	case "or":
		for _, operand := range n.operands {
			if operand.matches(attributes) {
				return true
			}
		}
		return false
	case "not":
		return !n.operands[0].matches(attributes)
	case "[":
		for _, element := range elements(container(attributes, n.path.urn), n.path.name) {
			if m, ok := element.(map[string]any); ok && n.operands[0].matches(m) {
				return true
			}
		}
		return false
	}
	return n.compare(attributes)
}

func (n *filterNode) compare(attributes map[string]any) bool {
	var values []any
	for _, element := range elements(container(attributes, n.path.urn), n.path.name) {
		if m, ok := element.(map[string]any); ok {
			sub := n.path.sub
			if sub == "" {
				if n.operator == "pr" {
					return true
				}
				sub = "value"
			}
			values = append(values, elements(m, sub)...)
		} else if n.path.sub == "" || n.path.sub == "value" {
			values = append(values, element)
		}
	}
	switch {
	case n.operator == "pr":
		return len(values) > 0
	case n.value == nil:
		return (len(values) == 0) == (n.operator == "eq")
	case n.operator == "ne":
		for _, v := range values {
			if compareValues("eq", v, n.value, n.caseExact()) {
				return false
			}
		}
		return true
	}
	for _, v := range values {
		if compareValues(n.operator, v, n.value, n.caseExact()) {
			return true
		}
	}
	return false
}

// caseExact follows RFC 7643: ids, references and what the server keeps are.
func (n *filterNode) caseExact() bool {
	switch strings.ToLower(n.path.name) {
	case "id", "externalid", "meta", "$ref", "members", "manager":
		return true
	}
	return strings.EqualFold(n.path.sub, "$ref")
}

func compareValues(operator string, have, want any, caseExact bool) bool {
	switch want := want.(type) {
	case string:
		have, ok := have.(string)
		if !ok {
			return false
		}
		if !caseExact {
			have, want = fold(have), fold(want)
		}
		switch operator {
		case "eq":
			return have == want
		case "co":
			return strings.Contains(have, want)
		case "sw":
			return strings.HasPrefix(have, want)
		case "ew":
			return strings.HasSuffix(have, want)
		}
		return ordered(operator, strings.Compare(have, want))
	case bool:
		return operator == "eq" && have == any(want)
	case json.Number:
		number, ok := have.(json.Number)
		if !ok {
			return false
		}
		x, errX := number.Float64()
		y, errY := want.Float64()
		if errX != nil || errY != nil {
			return false
		}
		switch {
		case x < y:
			return ordered(operator, -1)
		case x > y:
			return ordered(operator, 1)
		}
		return ordered(operator, 0)
	}
	return false
}

func ordered(operator string, sign int) bool {
	switch operator {
	case "eq":
		return sign == 0
	case "gt":
		return sign > 0
	case "ge":
		return sign >= 0
	case "lt":
		return sign < 0
	case "le":
		return sign <= 0
	}
	return false
}

// fold gives the text under which names that differ only in case are equal.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }
