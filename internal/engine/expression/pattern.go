package expression

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
)

// Pattern is a regular expression of RE2's syntax: it takes time linear in the
// text, and its size is bounded. Unlike in .NET, \d, \w, \s and \b know ASCII
// only; \p{Nd} and \p{L} know Unicode. Safe for concurrent use.
type Pattern struct {
	expression *regexp.Regexp
	size       int   // instructions
	numbers    []int // index of a group by its .NET number: unnamed groups come first
}

// CompilePattern reads a pattern; the error says what RE2 has against it.
func CompilePattern(text string) (*Pattern, error) {
	if len(text) > MaxLength {
		return nil, fmt.Errorf("the pattern has %d bytes, more than %d", len(text), MaxLength)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, patternError(err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, patternError(err)
	}
	if len(program.Inst) > maxProgram {
		return nil, errors.New("the pattern is too large; repeat fewer times")
	}
	expression, err := regexp.Compile(text)
	if err != nil {
		return nil, patternError(err)
	}
	p := &Pattern{expression: expression, size: len(program.Inst), numbers: []int{0}}
	for _, named := range []bool{false, true} {
		for i, name := range expression.SubexpNames() {
			if i == 0 || (name != "") != named {
				continue
			}
			if named && expression.SubexpIndex(name) != i {
				return nil, fmt.Errorf("two groups are called %q; make them one, with the alternatives in it", shorten(name))
			}
			p.numbers = append(p.numbers, i)
		}
	}
	return p, nil
}

// patternError says what is wrong in words of those who write patterns.
func patternError(err error) error {
	var fault *syntax.Error
	if !errors.As(err, &fault) {
		return err
	}
	part := shorten(fault.Expr)
	switch {
	case fault.Code == syntax.ErrInvalidPerlOp || strings.HasPrefix(fault.Expr, "(?<=") || strings.HasPrefix(fault.Expr, "(?<!"):
		return fmt.Errorf("%q is not understood: groups may be (…), (?:…), (?<name>…); there is no look-around", part)
	case fault.Code == syntax.ErrInvalidEscape && len(part) == 2 && isDigit(part[1]):
		return fmt.Errorf("%q: there are no back-references", part)
	}
	return fmt.Errorf("%s: %q", fault.Code, part)
}

// ErrTooCostly says that a pattern would take too long over a text.
var ErrTooCostly = errors.New("the pattern takes too long over so long a text")

// Match reports whether the pattern is found in the text. The error is
// ErrTooCostly.
func (p *Pattern) Match(text string) (bool, error) {
	if p.cost(text) > maxSteps {
		return false, ErrTooCostly
	}
	return p.expression.MatchString(text), nil
}

// cost bounds the work of one search through the text.
func (p *Pattern) cost(text string) int { return p.size * (len(text) + 1) }

// group gives the index of the named group.
func (p *Pattern) group(name string) (int, bool) {
	i := p.expression.SubexpIndex(name)
	return i, i >= 0
}

// groupNames gives the names of the named groups.
func (p *Pattern) groupNames() []string {
	var names []string
	for _, name := range p.expression.SubexpNames() {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// substitution is a compiled replacement text of .NET: $1, ${1}, ${name}, $&
// and $$; a number without group stands for itself.
type substitution []substitute

// substitute is a literal, or else a group.
type substitute struct {
	literal string
	group   int // -1: the literal
}

// compileSubstitution reads a replacement; unknown is the name in braces that
// no group has.
func (p *Pattern) compileSubstitution(text string) (s substitution, unknown string) {
	var literal strings.Builder
	group := func(index int) {
		if literal.Len() > 0 {
			s = append(s, substitute{literal.String(), -1})
			literal.Reset()
		}
		s = append(s, substitute{group: index})
	}
	for {
		before, after, found := strings.Cut(text, "$")
		literal.WriteString(before)
		if !found {
			break
		}
		name, rest := reference(after)
		text = rest
		if areDigits(name) {
			if n, err := strconv.Atoi(name); err == nil && n < len(p.numbers) {
				group(p.numbers[n])
			} else {
				literal.WriteString("$" + after[:len(after)-len(rest)])
			}
		} else if name != "" {
			index, ok := p.group(name)
			if !ok {
				return nil, name
			}
			group(index)
		} else if rest, ok := strings.CutPrefix(after, "&"); ok {
			group(0)
			text = rest
		} else {
			literal.WriteByte('$')
			text = strings.TrimPrefix(after, "$")
		}
	}
	return append(s, substitute{literal.String(), -1}), ""
}

// reference reads digits, or a name in braces; "" when there is neither.
func reference(text string) (name, rest string) {
	if inner, braced := strings.CutPrefix(text, "{"); braced {
		name, rest, closed := strings.Cut(inner, "}")
		if !closed || strings.ContainsFunc(name, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return "", text
		}
		return name, rest
	}
	end := 0
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	return text[:end], text[end:]
}
