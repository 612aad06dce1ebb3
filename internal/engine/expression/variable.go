package expression

import (
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// variable is a value that Select, Where or With gives a name; as the first
// argument of these it is the name itself.
type variable struct {
	at   int
	name string
}

func (n *variable) position() int { return n.at }

func (n *variable) evaluate(s *state) (directory.Value, error) {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if s.bindings[i].name == n.name {
			return s.bindings[i].value, nil
		}
	}
	return directory.Null, s.fault("$" + n.name + " has no value here")
}

func (n *variable) print(out *strings.Builder) { out.WriteString("$" + n.name) }

// binding is a variable and its value within an evaluation.
type binding struct {
	name  string
	value directory.Value
}

// with evaluates an argument while the call's variable has a value.
func (in invocation) with(value directory.Value, argument int) (directory.Value, error) {
	if !in.charge(stepsAByte) {
		return directory.Null, in.outOfBounds(in.call, "")
	}
	name := in.call.arguments[0].(*variable).name
	in.bindings = append(in.bindings, binding{name, value})
	result, err := in.value(argument)
	in.bindings = in.bindings[:len(in.bindings)-1]
	return result, err
}

var itemParameter = Parameter{Name: "variable", Type: TypeVariable}

var variableFunctions = []definition{
	{
		Function: Function{
			Name: "Select", Result: TypeList, Parameters: []Parameter{itemParameter, {Name: "list", Type: TypeList}, anything("value")},
			Summary: "Gives a list of what the value is for each element of the list, by the variable's name.",
			Null:    "Null is a list of nothing and gives null; elements for which the value is null are left out.",
			Example: Example{`Select($item, [otherPhone], Replace($item, "-", , , "", , ))`, sourceList("otherPhone", "1-2", "3"), `["12","3"]`, false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			return in.each(func(element directory.Value) (directory.Value, bool, error) {
				value, err := in.with(element, 2)
				return value, !value.IsNull(), err
			})
		},
	},
	{
		Function: Function{
			Name: "Where", Result: TypeList, Parameters: []Parameter{itemParameter, {Name: "list", Type: TypeList}, {Name: "condition", Type: TypeBoolean}},
			Summary: "Gives the elements of the list for which the condition holds, by the variable's name.",
			Null:    "Null is a list of nothing; nothing left gives null.",
			Example: Example{`Where($item, [proxyAddresses], Left($item, 5) = "SMTP:")`, sourceList("proxyAddresses", "smtp:b@x.com", "SMTP:a@x.com"), `["SMTP:a@x.com"]`, false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			return in.each(func(element directory.Value) (directory.Value, bool, error) {
				value, err := in.with(element, 2)
				if err != nil {
					return directory.Null, false, err
				}
				holds, ok := toBoolean(value)
				if !ok {
					return directory.Null, false, in.faultOf(2, value, "it is neither True nor False; compare it with something")
				}
				return element, holds, nil
			})
		},
	},
	{
		Function: Function{
			Name: "With", Result: TypeAny, Parameters: []Parameter{itemParameter, anything("value"), anything("expression")},
			Summary: "Gives the expression, in which the variable stands for the value: what is needed twice is written once.",
			Null:    "The value may be null.",
			Example: Example{`With($name, ToLower([displayName]), IIF(Len($name) > 8, Left($name, 8), $name))`, source("displayName", "Lovelace-King"), "lovelace", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			value, err := in.value(1)
			if err != nil {
				return directory.Null, err
			}
			return in.with(value, 2)
		},
	},
}

// each gives what is kept of a list's elements, null for nothing.
func (in invocation) each(keep func(directory.Value) (directory.Value, bool, error)) (directory.Value, error) {
	elements, err := in.values(1)
	if err != nil {
		return directory.Null, err
	}
	var kept []directory.Value
	size := 0
	for _, element := range elements {
		value, keeps, err := keep(element)
		if err != nil {
			return directory.Null, err
		}
		if !keeps {
			continue
		}
		n, _ := measure(value, false)
		if size += n; size > MaxText {
			return directory.Null, in.tooLarge("bytes", MaxText)
		}
		kept = append(kept, value)
	}
	if kept == nil {
		return directory.Null, nil
	}
	return directory.List(kept...), nil
}
