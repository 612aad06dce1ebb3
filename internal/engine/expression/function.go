package expression

import (
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Type is what a parameter takes or a function gives.
type Type string

// The types. Any but a list of several values is taken as text where text is
// expected, digits as an integer, and the text of a date as a date.
const (
	TypeText    Type = "string"
	TypeInteger Type = "integer"
	TypeBoolean Type = "boolean"
	TypeDate    Type = "date"
	TypeList    Type = "list"
	TypeAny     Type = "any"
	TypeWord    Type = "word" // one of Parameter.Allowed, without quotes

	TypeVariable Type = "variable" // the name that the last parameter knows the value by
)

// Parameter is one place for an argument.
type Parameter struct {
	Name      string
	Type      Type
	Optional  bool
	Repeating bool     // the last parameters that repeat do so together
	Allowed   []string // the only values; nil: any of Type
}

// Function describes one function of the language.
type Function struct {
	Name       string
	Group      string // of functions that are documented together
	Parameters []Parameter
	Result     Type
	Summary    string // one sentence
	Null       string // what null, empty and several values do
	Example    Example
}

// Example is a use of a function that is known to work.
type Example struct {
	Expression string
	Source     directory.Attributes
	Result     string // canonical text
	Random     bool   // Result is only one of many
}

// Functions gives all functions in order of their names.
func Functions() []Function {
	functions := make([]Function, len(functionNames))
	for i, name := range functionNames {
		functions[i] = catalogue[name].Function
	}
	return functions
}

// Signature shows a call with the parameters' names: optional ones in
// brackets, dots after those that repeat.
func (f Function) Signature() string {
	var out strings.Builder
	out.WriteString(f.Name + "(")
	for i, p := range f.Parameters {
		if i > 0 {
			out.WriteString(", ")
		}
		if p.Optional {
			out.WriteString("[" + p.Name + "]")
		} else {
			out.WriteString(p.Name)
		}
	}
	if n := len(f.Parameters); n > 0 && f.Parameters[n-1].Repeating {
		out.WriteString(", …")
	}
	return out.String() + ")"
}

// definition is a function with what carries it out.
type definition struct {
	Function
	least     int  // arguments, where more are needed than there are required parameters
	outermost bool // may not stand within another function
	impure    bool // gives not always the same for the same arguments, or nothing
	roles     bool // takes the roles of an object
	additive  bool // its values are added to those that the target has, and take none away
	// arrange brings the arguments of a short form into their places.
	arrange func(arguments []node) []node
	// prepare compiles constant arguments; what it gives is call.prepared.
	prepare  func(n *call) (any, *refusal)
	evaluate func(in invocation) (directory.Value, error)
}

// repeating counts the parameters that repeat together.
func (d *definition) repeating() int {
	count := 0
	for _, p := range d.Parameters {
		if p.Repeating {
			count++
		}
	}
	return count
}

// parameter gives the parameter of an argument.
func (d *definition) parameter(i int) Parameter {
	if i >= 0 && i < len(d.Parameters) {
		return d.Parameters[i]
	}
	repeating := d.repeating()
	if i < 0 || repeating == 0 {
		return Parameter{}
	}
	return d.Parameters[len(d.Parameters)-repeating+(i-len(d.Parameters))%repeating]
}

// arity gives the least and greatest number of arguments.
func (d *definition) arity() (least, most int) {
	for i, p := range d.Parameters {
		if !p.Optional {
			least = i + 1
		}
	}
	least, most = max(least, d.least), len(d.Parameters)
	if d.repeating() > 0 {
		most = MaxLength
	}
	return least, most
}

// catalogue holds all functions by name.
var catalogue = func() map[string]*definition {
	all := make(map[string]*definition)
	for _, group := range functionGroups {
		for i := range group.functions {
			group.functions[i].Group = group.name
			all[group.functions[i].Name] = &group.functions[i]
		}
	}
	return all
}()

// functionGroups are the tables of functions, in the order in which they are
// documented.
var functionGroups = []struct {
	name      string
	functions []definition
}{
	{"Text", textFunctions}, {"Case and letters", caseFunctions}, {"Replacement", replaceFunctions},
	{"Conditions", conditionFunctions}, {"Values and lists", valueFunctions}, {"Variables", variableFunctions}, {"Dates", dateFunctions},
	{"Encodings", encodingFunctions}, {"Names in directories", identityFunctions}, {"Roles", roleFunctions},
	{"Random values", randomFunctions}, {"Of Connect Sync", connectFunctions}, {"Certificates", certificateFunctions},
}

// Groups gives the names of the groups of functions, in the order in which they
// are documented.
func Groups() []string {
	names := make([]string, len(functionGroups))
	for i, group := range functionGroups {
		names[i] = group.name
	}
	return names
}

var functionNames = func() []string {
	names := make([]string, 0, len(catalogue))
	for name := range catalogue {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

func signature(name string) string { return catalogue[name].Signature() }

// Short forms for the tables of functions.

func text(name string) Parameter     { return Parameter{Name: name, Type: TypeText} }
func integer(name string) Parameter  { return Parameter{Name: name, Type: TypeInteger} }
func anything(name string) Parameter { return Parameter{Name: name, Type: TypeAny} }

func optional(p Parameter) Parameter {
	p.Optional = true
	return p
}

func repeating(p Parameter) Parameter {
	p.Repeating = true
	return p
}

// source gives the attributes of an example: names and texts in turn.
func source(pairs ...string) directory.Attributes {
	values := make(map[string]directory.Value, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = directory.Text(pairs[i+1])
	}
	return directory.NewAttributes(values)
}

// sourceList gives an example's attribute of several texts.
func sourceList(name string, texts ...string) directory.Attributes {
	return directory.Attributes{{Name: name, Value: directory.Texts(texts...)}}
}
