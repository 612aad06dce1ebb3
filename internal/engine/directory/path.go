package directory

import (
	"fmt"
	"strings"
	"unique"
)

// Path names one attribute of a target as mappings write it, after the
// attribute paths of RFC 7644 section 3.5.2:
//
//	displayName
//	name.givenName
//	emails[type eq "work"].value
//	urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager
//
// Two paths are the same when they are equal with ==. A path is one word, for
// each value that is written names its attribute. The zero Path names nothing.
type Path struct{ named unique.Handle[named] }

// named is what all equal paths share.
type named struct {
	Parts
	text string
}

// Parts are what a path is made of.
type Parts struct {
	URN   string // the schema before the last colon; empty for the core schema
	Name  string
	Where Condition // which element of a multi-valued attribute; zero for none
	Sub   string    // sub-attribute; empty for none
}

// Path gives the path of these parts.
func (p Parts) Path() Path {
	if p == (Parts{}) {
		return Path{}
	}
	return Path{unique.Make(named{p, p.String()})}
}

// Parts gives what the path is made of.
func (p Path) Parts() Parts {
	if p.IsZero() {
		return Parts{}
	}
	return p.named.Value().Parts
}

// URN gives the schema before the last colon; empty for the core schema.
func (p Path) URN() string {
	if p.IsZero() {
		return ""
	}
	return p.named.Value().URN
}

// Name gives the name of the whole attribute.
func (p Path) Name() string {
	if p.IsZero() {
		return ""
	}
	return p.named.Value().Name
}

// Where tells which element of a multi-valued attribute is meant; zero for none.
func (p Path) Where() Condition {
	if p.IsZero() {
		return Condition{}
	}
	return p.named.Value().Where
}

// Sub gives the name of the sub-attribute; empty for none.
func (p Path) Sub() string {
	if p.IsZero() {
		return ""
	}
	return p.named.Value().Sub
}

// Condition selects one element of a multi-valued attribute: [type eq "work"].
type Condition struct {
	Attribute string
	Value     string // the literal's text, without quotes
	Quoted    bool   // the literal was a string; else a boolean or number
}

// PathError says why a text is no path. Position counts bytes from 0.
type PathError struct {
	Text     string
	Position int
	Problem  string
}

func (e *PathError) Error() string {
	return fmt.Sprintf("%q is no attribute path: %s at position %d", e.Text, e.Problem, e.Position+1)
}

// ParsePath reads a path. The error is a *PathError.
func ParsePath(text string) (Path, error) {
	fail := func(position int, problem string) (Path, error) {
		return Path{}, &PathError{text, position, problem}
	}
	var path Parts
	rest, offset := text, 0
	end := len(text)
	if bracket := strings.IndexByte(text, '['); bracket >= 0 {
		end = bracket
	}
	if len(text) >= 4 && strings.EqualFold(text[:4], "urn:") {
		colon := strings.LastIndexByte(text[:end], ':')
		if colon < 4 {
			return fail(end, "a schema URN needs an attribute name after its last colon")
		}
		path.URN, rest, offset = text[:colon], text[colon+1:], colon+1
		if strings.ContainsAny(path.URN, " \t\r\n\"\\") {
			return fail(strings.IndexAny(text, " \t\r\n\"\\"), "a schema URN holds no blank or quote")
		}
	}
	length := nameLength(rest)
	if length == 0 {
		return fail(offset, "an attribute name is missing")
	}
	path.Name, rest, offset = rest[:length], rest[length:], offset+length
	if strings.HasPrefix(rest, "[") {
		condition, used, problem := parseCondition(rest)
		if problem != "" {
			return fail(offset+used, problem)
		}
		path.Where, rest, offset = condition, rest[used:], offset+used
	}
	if strings.HasPrefix(rest, ".") {
		length = nameLength(rest[1:])
		if length == 0 {
			return fail(offset+1, "a sub-attribute name is missing")
		}
		path.Sub, rest, offset = rest[1:1+length], rest[1+length:], offset+1+length
	}
	if rest != "" {
		return fail(offset, fmt.Sprintf("%q is not expected here", rest[:1]))
	}
	return path.Path(), nil
}

// MustPath is ParsePath for paths that are written in the program.
func MustPath(text string) Path {
	path, err := ParsePath(text)
	if err != nil {
		panic(err)
	}
	return path
}

// nameLength gives how many leading bytes form an attribute name. RFC 7643
// allows letters, digits, - and _; $ref adds the dollar sign.
func nameLength(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '$'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '_')) {
			return i
		}
	}
	return len(s)
}

// parseCondition reads [name eq literal] and gives how many bytes it took, or
// where it failed and why.
func parseCondition(s string) (Condition, int, string) {
	var condition Condition
	at := 1
	skip := func() {
		for at < len(s) && s[at] == ' ' {
			at++
		}
	}
	skip()
	length := nameLength(s[at:])
	if length == 0 {
		return condition, at, "an attribute name is missing in the filter"
	}
	condition.Attribute = s[at : at+length]
	at += length
	skip()
	if at+2 > len(s) || !strings.EqualFold(s[at:at+2], "eq") {
		return condition, at, "only eq is understood in a path's filter"
	}
	at += 2
	if at >= len(s) || s[at] != ' ' {
		return condition, at, "a blank is missing after eq"
	}
	skip()
	if at < len(s) && s[at] == '"' {
		condition.Quoted = true
		at++
		var text strings.Builder
		for {
			if at >= len(s) {
				return condition, at, "the quote is not closed"
			}
			c := s[at]
			at++
			if c == '"' {
				break
			}
			if c == '\\' {
				if at >= len(s) || s[at] != '"' && s[at] != '\\' {
					return condition, at, `only \" and \\ may follow a backslash`
				}
				c = s[at]
				at++
			}
			text.WriteByte(c)
		}
		condition.Value = text.String()
	} else {
		start := at
		for at < len(s) && s[at] != ']' && s[at] != ' ' {
			at++
		}
		condition.Value = s[start:at]
		if !isPlainLiteral(condition.Value) {
			return condition, start, `a value is missing: a text in quotes, true, false or a number`
		}
	}
	skip()
	if at >= len(s) || s[at] != ']' {
		return condition, at, "the bracket is not closed"
	}
	return condition, at + 1, ""
}

func isPlainLiteral(s string) bool {
	if s == "true" || s == "false" {
		return true
	}
	digits := strings.TrimPrefix(s, "-")
	if digits == "" {
		return false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// IsZero reports whether the path names nothing.
func (p Path) IsZero() bool { return p == Path{} }

// HasCondition reports whether the path selects one element of a multi-valued
// attribute.
func (p Path) HasCondition() bool { return !p.IsZero() && p.named.Value().Where.Attribute != "" }

// Attribute gives the path of the whole attribute: URN and name alone.
func (p Path) Attribute() Path { return Parts{URN: p.URN(), Name: p.Name()}.Path() }

// Element gives the path of the whole attribute, or of the whole of the element
// that the path selects.
func (p Path) Element() Path { return Parts{URN: p.URN(), Name: p.Name(), Where: p.Where()}.Path() }

// String gives the path's text in normal form; it parses to the same path.
func (p Path) String() string {
	if p.IsZero() {
		return ""
	}
	return p.named.Value().text
}

// String gives the text of the parts' path in normal form.
func (p Parts) String() string {
	if p.Where.Attribute == "" && p.URN == "" && p.Sub == "" {
		return p.Name
	}
	out := make([]byte, 0, 128)
	if p.URN != "" {
		out = append(append(out, p.URN...), ':')
	}
	out = append(out, p.Name...)
	if p.Where.Attribute != "" {
		out = append(p.Where.append(append(out, '[')), ']')
	}
	if p.Sub != "" {
		out = append(append(out, '.'), p.Sub...)
	}
	return string(out)
}

// String gives the condition as it stands within the brackets.
func (c Condition) String() string { return string(c.append(nil)) }

func (c Condition) append(out []byte) []byte {
	out = append(append(out, c.Attribute...), " eq "...)
	if !c.Quoted {
		return append(out, c.Value...)
	}
	out = append(out, '"')
	for i := range len(c.Value) {
		if c.Value[i] == '"' || c.Value[i] == '\\' {
			out = append(out, '\\')
		}
		out = append(out, c.Value[i])
	}
	return append(out, '"')
}

// MarshalText writes the path's normal form.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads a path; the empty text is the zero path.
func (p *Path) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = Path{}
		return nil
	}
	path, err := ParsePath(string(text))
	if err != nil {
		return err
	}
	*p = path
	return nil
}
