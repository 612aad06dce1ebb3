package expression

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// parser reads one expression:
//
//	comparison := concatenation [ compare concatenation ]   compare: = <> > >= < <=
//	concatenation := operand { "&" operand }
//	operand := call | attribute | string | integer | word | variable
//	call := Name "(" [ argument { "," argument } ] ")"      argument: comparison or nothing
//	attribute := "[" name "]"                               brackets in name are balanced
//	string := '"' { char | \" | \\ } '"'
//	integer := ["-"] digits | "&H" hexdigits
//	variable := "$" name
//
// with white space anywhere between tokens.
type parser struct {
	text      string
	at        int
	variables []string // that have a value here
}

func (p *parser) failf(at int, format string, arguments ...any) *SyntaxError {
	before := p.text[:at]
	line := strings.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Expression: p.text,
		Position:   at,
		Line:       strings.Count(before, "\n") + 1,
		Column:     utf8.RuneCountInString(before[line:]) + 1,
		Problem:    fmt.Sprintf(format, arguments...),
	}
}

func (p *parser) fail(at int, problem string) *SyntaxError { return p.failf(at, "%s", problem) }

func (p *parser) expected(at int, problem, expected string) *SyntaxError {
	err := p.fail(at, problem)
	err.Expected = expected
	return err
}

const operandExpected = `a function, an attribute in brackets, a text in double quotes or an integer`

func (p *parser) parse() (node, error) {
	root, err := p.comparison()
	if err != nil {
		return nil, err
	}
	if w, ok := root.(*word); ok && !w.isIgnore() {
		return nil, p.misplaced(w)
	}
	if p.skip(); p.at < len(p.text) {
		return nil, p.expected(p.at, p.found()+" after the end of the expression", "an operator or nothing")
	}
	return root, nil
}

func (p *parser) comparison() (node, error) {
	left, err := p.concatenation()
	if err != nil {
		return nil, err
	}
	at, operator := p.compareOperator()
	if operator == "" {
		return left, nil
	}
	right, err := p.concatenation()
	if err != nil {
		return nil, err
	}
	n, err := p.operation(at, operator, left, right)
	if err != nil {
		return nil, err
	}
	if at, operator := p.compareOperator(); operator != "" {
		return nil, p.expected(at, "a comparison cannot be compared again", "one comparison; nest IIF to combine several")
	}
	return n, nil
}

func (p *parser) concatenation() (node, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for p.skip(); p.at < len(p.text) && p.text[p.at] == '&'; p.skip() {
		at := p.at
		p.at++
		right, err := p.operand()
		if err != nil {
			return nil, err
		}
		if left, err = p.operation(at, "&", left, right); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func (p *parser) operation(at int, operator string, left, right node) (node, error) {
	for _, side := range []node{left, right} {
		if w, ok := side.(*word); ok {
			return nil, p.misplaced(w)
		}
	}
	n := &operation{at: at, operator: operator, left: left, right: right, outcomes: outcomes[operator]}
	if operator == "&" {
		if before, ok := left.(*operation); ok && before.parts != nil {
			n.parts = slices.Concat(before.parts, []node{right})
		} else {
			n.parts = []node{left, right}
		}
	}
	return n, nil
}

// compareOperator reads an operator of comparison; "" when there is none.
func (p *parser) compareOperator() (int, string) {
	p.skip()
	for _, operator := range []string{"<>", "<=", ">=", "=", "<", ">"} {
		if strings.HasPrefix(p.text[p.at:], operator) {
			at := p.at
			p.at += len(operator)
			return at, operator
		}
	}
	return 0, ""
}

func (p *parser) operand() (node, error) {
	p.skip()
	if p.at >= len(p.text) {
		return nil, p.expected(p.at, "the expression ends too early", operandExpected)
	}
	switch c := p.text[p.at]; {
	case c == '[':
		return p.attribute()
	case c == '"':
		return p.quoted()
	case c == '-' || isDigit(c) || strings.HasPrefix(p.text[p.at:], "&H"):
		return p.integer()
	case isLetter(c):
		return p.name()
	case c == '$':
		return p.variable()
	}
	return nil, p.expected(p.at, p.found()+" has no place here", operandExpected)
}

func (p *parser) attribute() (node, error) {
	start, depth := p.at, 0
	for ; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth > 0 {
			continue
		}
		name := p.text[start+1 : p.at]
		if name == "" {
			return nil, p.expected(start, "the brackets are empty", "an attribute's name in them")
		}
		p.at++
		return &attribute{start, name}, nil
	}
	return nil, p.expected(start, "the bracket is not closed", "] after the attribute's name")
}

func (p *parser) quoted() (node, error) {
	start := p.at
	var text strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		if c == '"' {
			p.at++
			return &literal{start, directory.Text(text.String())}, nil
		}
		if c == '\\' && p.at+1 < len(p.text) {
			if next := p.text[p.at+1]; next == '"' || next == '\\' {
				p.at++
				c = next
			}
		}
		text.WriteByte(c)
	}
	return nil, p.expected(start, "the quote is not closed", `" after the text; within it a quote is written \"`)
}

// variable reads the name of a value that Select, Where or With gives.
func (p *parser) variable() (node, error) {
	n, err := p.variableName()
	if err == nil && !slices.Contains(p.variables, n.name) {
		unknown := p.expected(n.at, "$"+shorten(n.name)+" has no value here", "a variable that Select, Where or With names in its first argument")
		unknown.Suggestion, _ = Nearest(n.name, p.variables)
		return nil, unknown
	}
	return n, err
}

func (p *parser) variableName() (*variable, error) {
	start := p.at
	if p.at >= len(p.text) || p.text[p.at] != '$' {
		return nil, p.expected(p.at, "the variable is missing", "a variable such as $item")
	}
	for p.at++; p.at < len(p.text) && (isLetter(p.text[p.at]) || isDigit(p.text[p.at])); p.at++ {
	}
	if p.at == start+1 {
		return nil, p.expected(start, "the variable has no name", "a variable such as $item")
	}
	return &variable{start, p.text[start+1 : p.at]}, nil
}

func (p *parser) integer() (node, error) {
	start, base, digits := p.at, 10, p.at
	if p.text[p.at] == '&' {
		base, digits = 16, p.at+2
	} else if p.text[p.at] == '-' {
		digits++
	}
	p.at = digits
	for p.at < len(p.text) && (isLetter(p.text[p.at]) || isDigit(p.text[p.at])) {
		p.at++
	}
	written := p.text[digits:p.at]
	if base == 10 {
		written = p.text[start:p.at]
	}
	n, err := strconv.ParseInt(written, base, 64)
	if err != nil {
		return nil, p.expected(start, fmt.Sprintf("%s is not an integer of 64 bits", shorten(p.text[start:p.at])), "digits, or &H and hexadecimal digits")
	}
	if p.at < len(p.text) && p.text[p.at] == '.' {
		return nil, p.expected(p.at, "a number with a fraction", "an integer, or the number as a text in double quotes")
	}
	return &literal{start, directory.Integer(n)}, nil
}

// name reads a word, or a function's name with its call.
func (p *parser) name() (node, error) {
	start := p.at
	for p.at < len(p.text) && (isLetter(p.text[p.at]) || isDigit(p.text[p.at])) {
		p.at++
	}
	name := p.text[start:p.at]
	if p.skip(); p.at < len(p.text) && p.text[p.at] == '(' {
		return p.call(start, name)
	}
	switch name {
	case wordTrue, wordFalse:
		return &literal{start, directory.Boolean(name == wordTrue)}, nil
	}
	for _, known := range words {
		if name == known {
			return &word{start, name}, nil
		}
	}
	if _, ok := catalogue[name]; ok {
		return nil, p.expected(p.at, "the arguments of "+name+" are missing", signature(name))
	}
	err := p.expected(start, fmt.Sprintf("%s stands without quotes", shorten(name)), operandExpected)
	err.Suggestion, _ = Nearest(name, words)
	return nil, err
}

func (p *parser) call(start int, name string) (node, error) {
	function, ok := catalogue[name]
	if !ok {
		err := p.failf(start, "unknown function %s", shorten(name))
		err.Suggestion, _ = Nearest(name, functionNames)
		return nil, err
	}
	opening := p.at
	p.at++
	n := &call{at: start, function: function}
	names := len(p.variables)
	for {
		argument, err := p.argumentOf(n)
		if err != nil {
			return nil, err
		}
		n.arguments = append(n.arguments, argument)
		if p.at >= len(p.text) {
			return nil, p.expected(opening, "the parenthesis is not closed", ") after the arguments of "+name)
		}
		c := p.text[p.at]
		if c != ',' && c != ')' {
			return nil, p.expected(p.at, p.found()+" after an argument of "+name, "a comma, an operator or )")
		}
		p.at++
		if c == ')' {
			p.variables = p.variables[:names]
			return n, p.check(n)
		}
	}
}

// argumentOf reads the next argument of a call. A variable that the call names
// has its value in the call's last argument.
func (p *parser) argumentOf(n *call) (node, error) {
	i := len(n.arguments)
	if n.function.parameter(i).Type == TypeVariable {
		p.skip()
		name, err := p.variableName()
		p.skip()
		return name, err
	}
	if named, ok := n.variable(); ok && i == len(n.function.Parameters)-1 {
		p.variables = append(p.variables, named)
	}
	return p.argument()
}

// argument reads one argument up to its comma or parenthesis; nil when it is
// omitted.
func (p *parser) argument() (node, error) {
	if p.skip(); p.at >= len(p.text) || p.text[p.at] == ',' || p.text[p.at] == ')' {
		return nil, nil
	}
	argument, err := p.comparison()
	p.skip()
	return argument, err
}

func (p *parser) misplaced(w *word) error {
	return p.expected(w.at, w.name+" has no place here", operandExpected)
}

// skip passes white space.
func (p *parser) skip() {
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if !unicode.IsSpace(r) {
			return
		}
		p.at += size
	}
}

// found names the character at the reader for a message.
func (p *parser) found() string {
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return strconv.QuoteRune(r)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
