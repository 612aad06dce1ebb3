package expression

import (
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// PartKind tells what a part of an expression is.
type PartKind string

// The kinds of parts.
const (
	PartAttribute PartKind = "attribute" // of the source object
	PartConstant  PartKind = "constant"  // a text, an integer, True or False
	PartWord      PartKind = "word"      // one that stands for itself, such as IgnoreAttributeFlow
	PartVariable  PartKind = "variable"  // a name that Select, Where or With gave
	PartFunction  PartKind = "function"
	PartOperator  PartKind = "operator" // a comparison or &
)

// Part is one part of an expression, for those who show expressions or write
// them down in another form.
type Part struct {
	Kind PartKind
	// Name is that of the attribute, word, variable, function or operator; of a
	// constant, its text without quotes.
	Name string
	// Text is the part in normal form; it parses to the same part.
	Text string
	// Value is that of a constant.
	Value directory.Value
	// Arguments are those that were written, in order.
	Arguments []Argument
}

// Argument is one argument of a function or operator. Parameter names its
// place; where parameters repeat they are numbered: source1, source2. Operators
// have left and right, a chain of & its operands: operand1, operand2.
type Argument struct {
	Parameter string
	Part      Part
}

// Quote writes a text as a constant of the language.
func Quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// Tree gives the whole expression as a part.
func (e *Expression) Tree() Part { return part(e.root) }

func part(n node) Part {
	var text strings.Builder
	n.print(&text)
	p := Part{Text: text.String()}
	switch n := n.(type) {
	case *literal:
		p.Kind, p.Name, p.Value = PartConstant, n.value.String(), n.value
	case *attribute:
		p.Kind, p.Name = PartAttribute, n.name
	case *word:
		p.Kind, p.Name = PartWord, n.name
	case *variable:
		p.Kind, p.Name = PartVariable, n.name
	case *operation:
		p.Kind, p.Name = PartOperator, n.operator
		if n.parts == nil {
			p.Arguments = []Argument{{"left", part(n.left)}, {"right", part(n.right)}}
		}
		for i, operand := range n.parts {
			p.Arguments = append(p.Arguments, Argument{"operand" + strconv.Itoa(i+1), part(operand)})
		}
	case *call:
		p.Kind, p.Name = PartFunction, n.function.Name
		for i, argument := range n.arguments {
			if argument != nil {
				p.Arguments = append(p.Arguments, Argument{n.function.place(i), part(argument)})
			}
		}
	}
	return p
}

// place names the parameter of an argument, with its number where it repeats.
func (d *definition) place(i int) string {
	name, count := d.parameter(i).Name, d.repeating()
	if first := len(d.Parameters) - count; count > 0 && i >= first {
		return name + strconv.Itoa((i-first)/count+1)
	}
	return name
}

// Place gives the index of the argument that Argument.Parameter names, from 0;
// false when the function has no such parameter.
func (f Function) Place(parameter string) (int, bool) {
	d := definition{Function: f}
	count := d.repeating()
	first := len(f.Parameters) - count
	for i, p := range f.Parameters {
		if i < first {
			if p.Name == parameter {
				return i, true
			}
			continue
		}
		digits, ok := strings.CutPrefix(parameter, p.Name)
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(digits); err == nil && n >= 1 && n <= MaxLength {
			return i + (n-1)*count, true
		}
	}
	return 0, false
}
