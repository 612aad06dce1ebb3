package expression

import (
	"fmt"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// node is one part of a parsed expression.
type node interface {
	// evaluate gives the part's value; errIgnoreAttribute and errIgnoreObject
	// are ways out, not faults.
	evaluate(s *state) (directory.Value, error)
	// print writes the part's normal form.
	print(out *strings.Builder)
	// position gives the bytes before the part.
	position() int
}

// Words that stand for themselves.
const (
	wordTrue            = "True"
	wordFalse           = "False"
	wordIgnoreAttribute = "IgnoreAttributeFlow"
	wordIgnoreObject    = "IgnoreObjectFlow"
	wordTextCompare     = "vbTextCompare"
	wordBinaryCompare   = "vbBinaryCompare"
	wordUnicode         = "Unicode"
	wordASCII           = "ASCII"
	wordUTF8            = "UTF8"
)

var words = []string{
	wordTrue, wordFalse, wordIgnoreAttribute, wordIgnoreObject,
	wordTextCompare, wordBinaryCompare, wordUnicode, wordASCII, wordUTF8, wordCaseSensitive, wordCaseInsensitive,
}

// literal is a text, an integer, True or False.
type literal struct {
	at    int
	value directory.Value
}

func (n *literal) position() int { return n.at }

func (n *literal) evaluate(*state) (directory.Value, error) { return n.value, nil }

func (n *literal) print(out *strings.Builder) {
	text, isText := n.value.AsText()
	if !isText {
		out.WriteString(n.value.String())
		return
	}
	out.WriteByte('"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			out.WriteByte('\\')
		}
		out.WriteByte(text[i])
	}
	out.WriteByte('"')
}

// attribute is a reference to a value of the source object.
type attribute struct {
	at   int
	name string
}

func (n *attribute) position() int { return n.at }

func (n *attribute) evaluate(s *state) (directory.Value, error) { return s.read(n) }

func (n *attribute) print(out *strings.Builder) { out.WriteString("[" + n.name + "]") }

// word is one of words but True and False.
type word struct {
	at   int
	name string
}

func (n *word) position() int { return n.at }

func (n *word) evaluate(*state) (directory.Value, error) {
	switch n.name {
	case wordIgnoreAttribute:
		return directory.Null, errIgnoreAttribute
	case wordIgnoreObject:
		return directory.Null, errIgnoreObject
	}
	return directory.Text(n.name), nil
}

// isIgnore reports whether the word may stand where a value may.
func (n *word) isIgnore() bool {
	return n.name == wordIgnoreAttribute || n.name == wordIgnoreObject
}

func (n *word) print(out *strings.Builder) { out.WriteString(n.name) }

// operation is a comparison or a concatenation of two parts.
type operation struct {
	at          int // of the operator
	operator    string
	left, right node
	outcomes    uint8  // of a comparison
	parts       []node // of a concatenation, those on the left taken apart
}

func (n *operation) position() int { return n.left.position() }

func (n *operation) evaluate(s *state) (directory.Value, error) {
	if n.parts != nil {
		return n.concatenate(s)
	}
	holds, err := n.holds(s)
	return directory.Boolean(holds), err
}

// outcomes are the orders of two values for which a comparison holds: a bit
// each for less, equal and greater.
var outcomes = map[string]uint8{"<": 1, "=": 2, "<=": 3, ">": 4, "<>": 5, ">=": 6}

// holds gives the outcome of a comparison.
func (n *operation) holds(s *state) (bool, error) {
	left, err := s.operand(n, n.left)
	if err != nil {
		return false, err
	}
	right, err := s.operand(n, n.right)
	if err != nil {
		return false, err
	}
	return n.outcomes&(1<<(compareValues(left, right)+1)) != 0, nil
}

// concatenate puts all parts together at once.
func (n *operation) concatenate(s *state) (directory.Value, error) {
	var few [8]string
	texts, size := few[:0], 0
	for _, part := range n.parts {
		value, err := s.operand(n, part)
		if err != nil {
			return directory.Null, err
		}
		text := value.String()
		if size += len(text); size > MaxText {
			return directory.Null, s.fault(fmt.Sprintf("the text has %d bytes, more than %d", size, MaxText))
		}
		texts = append(texts, text)
	}
	return directory.Text(strings.Join(texts, "")), nil
}

func (n *operation) print(out *strings.Builder) {
	n.left.print(out)
	out.WriteString(" " + n.operator + " ")
	n.right.print(out)
}

// call is a function with its arguments; a nil argument is omitted, and none
// is at the end.
type call struct {
	at        int
	function  *definition
	arguments []node
	prepared  any              // what the function's prepare compiled
	folded    *directory.Value // the value, where it is the same for every object
}

func (n *call) position() int { return n.at }

func (n *call) evaluate(s *state) (directory.Value, error) {
	if n.folded != nil {
		return *n.folded, nil
	}
	return n.function.evaluate(invocation{s, n})
}

func (n *call) print(out *strings.Builder) {
	out.WriteString(n.function.Name)
	out.WriteByte('(')
	for i, argument := range n.arguments {
		if i > 0 {
			out.WriteByte(',')
			if argument != nil {
				out.WriteByte(' ')
			}
		}
		if argument != nil {
			argument.print(out)
		}
	}
	out.WriteByte(')')
}

// text gives the constant text of an argument.
func (n *call) text(i int) (string, bool) {
	if !n.has(i) {
		return "", false
	}
	constant, ok := n.arguments[i].(*literal)
	if !ok {
		return "", false
	}
	return constant.value.String(), true
}

// has reports whether the argument was written.
func (n *call) has(i int) bool { return i >= 0 && i < len(n.arguments) && n.arguments[i] != nil }

// variable gives the name of the variable that the call gives a value.
func (n *call) variable() (string, bool) {
	if len(n.arguments) == 0 {
		return "", false
	}
	named, ok := n.arguments[0].(*variable)
	if !ok || n.function.parameter(0).Type != TypeVariable {
		return "", false
	}
	return named.name, true
}

// typeOf tells what is known of a part's value before there is an object.
func typeOf(n node) Type {
	switch n := n.(type) {
	case *literal:
		switch n.value.Kind() {
		case directory.KindInteger:
			return TypeInteger
		case directory.KindBoolean:
			return TypeBoolean
		}
		return TypeText
	case *operation:
		if n.operator == "&" {
			return TypeText
		}
		return TypeBoolean
	case *call:
		return n.function.Result
	}
	return TypeAny
}
