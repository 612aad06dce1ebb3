package expression

import (
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var conditionFunctions = []definition{
	{
		Function: Function{
			Name: "Error", Result: TypeAny, Parameters: []Parameter{text("text")},
			Summary: "Fails the object with the text.",
			Null:    "A null text says only that it failed.",
			Example: Example{`IIF(IsPresent([accountName]), [accountName], Error("accountName is required"))`, source("accountName", "jd"), "jd", false},
		},
		impure: true,
		evaluate: func(in invocation) (directory.Value, error) {
			text, _, err := in.text(0)
			if err != nil {
				return directory.Null, err
			}
			if text == "" || in.expression.redacts {
				text = "the expression raises an error"
			}
			return directory.Null, in.fault(-1, text)
		},
	},
	{
		Function: Function{
			Name: "IgnoreFlowIfNullOrEmpty", Result: TypeAny, Parameters: []Parameter{anything("value")},
			Summary: "Gives the value; when there is none, the target attribute is neither set nor cleared.",
			Null:    "Null and empty: the attribute is left alone.",
			Example: Example{`IgnoreFlowIfNullOrEmpty([department])`, source("department", "Sales"), "Sales", false},
		},
		impure: true,
		evaluate: func(in invocation) (directory.Value, error) {
			value, err := in.value(0)
			if err == nil && value.IsEmpty() {
				err = errIgnoreAttribute
			}
			return value, err
		},
	},
	{
		Function: Function{
			Name: "IIF", Result: TypeAny,
			Parameters: []Parameter{{Name: "condition", Type: TypeBoolean}, anything("valueIfTrue"), anything("valueIfFalse")},
			Summary:    "Gives one value or the other, and evaluates just that one.",
			Null:       "A null or empty condition is False; within a comparison null is the empty text.",
			Example:    Example{`IIF([country] = "USA", [country], [department])`, source("country", "DE", "department", "Sales"), "Sales", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			holds, err := in.boolean(0)
			if err != nil {
				return directory.Null, err
			}
			if holds {
				return in.value(1)
			}
			return in.value(2)
		},
	},
	{
		Function: Function{
			Name: "Not", Result: TypeBoolean, Parameters: []Parameter{text("source")},
			Summary: "Gives False for True, in any case; True for anything else.",
			Null:    "Null and empty give True.",
			Example: Example{`Not([IsSoftDeleted])`, source("IsSoftDeleted", "False"), "True", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			source, _, err := in.text(0)
			return directory.Boolean(!strings.EqualFold(source, wordTrue)), err
		},
	},
	{
		Function: Function{
			Name: "SelectUniqueValue", Result: TypeText, Parameters: []Parameter{repeating(text("rule"))},
			Summary: "Gives the first value that no account in the target has; only as the outermost function.",
			Null:    "Null and empty values are passed over; all of them gives null, all values taken is an error.",
			Example: Example{`SelectUniqueValue([alias], Append([alias], "1"))`, source("alias", "jd"), "jd", false},
		},
		impure: true,
		least:  2, outermost: true,
		evaluate: selectUniqueValue,
	},
	{
		Function: Function{
			Name: "Switch", Result: TypeAny,
			Parameters: []Parameter{text("source"), optional(anything("default")), repeating(text("key")), repeating(anything("value"))},
			Summary:    "Gives the value after the key that equals the source, else the default, and evaluates just that one.",
			Null:       "The key \"\" stands for null and empty; without default, null.",
			Example:    Example{`Switch([state], "Australia/Sydney", "QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")`, source("state", "QLD"), "Australia/Brisbane", false},
		},
		prepare:  prepareSwitch,
		evaluate: evaluateSwitch,
	},
}

func selectUniqueValue(in invocation) (directory.Value, error) {
	tried := 0
	for i := range in.count() {
		text, _, err := in.text(i)
		if err != nil {
			return directory.Null, err
		}
		if text == "" {
			continue
		}
		tried++
		if in.env.Taken == nil {
			return directory.Text(text), nil
		}
		taken, known, err := in.env.Taken(text)
		switch {
		case err != nil:
			return directory.Null, err
		case !known:
			return directory.Null, &NeedUnique{text}
		case !taken:
			return directory.Text(text), nil
		}
	}
	if tried == 0 {
		return directory.Null, nil
	}
	err := in.fault(-1, "the target has all "+plural(tried, "value")+" already; add a rule")
	err.Err = ErrNoUniqueValue
	return directory.Null, err
}

// prepareSwitch checks the pairs and, where all keys are constant, gives the
// place of each key's value.
func prepareSwitch(n *call) (any, *refusal) {
	if len(n.arguments)%2 != 0 {
		return nil, &refusal{argument: -1, problem: "a key lacks its value", expected: n.function.Signature()}
	}
	table := make(map[string]int, len(n.arguments)/2)
	for i := 2; i < len(n.arguments); i += 2 {
		key, constant := n.text(i)
		if !constant {
			return nil, nil
		}
		if _, known := table[key]; !known {
			table[key] = i + 1
		}
	}
	return table, nil
}

func evaluateSwitch(in invocation) (directory.Value, error) {
	source, _, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	if table, ok := in.call.prepared.(map[string]int); ok {
		if at, found := table[source]; found {
			return in.value(at)
		}
		return in.value(1)
	}
	for i := 2; i < in.count(); i += 2 {
		key, _, err := in.text(i)
		if err != nil {
			return directory.Null, err
		}
		if key == source {
			return in.value(i + 1)
		}
	}
	return in.value(1)
}
