package expression

import (
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var valueFunctions = []definition{
	{
		Function: Function{
			Name: "BitAnd", Result: TypeInteger, Parameters: []Parameter{integer("value1"), integer("value2")},
			Summary: "Gives the bits that are set in both integers; &H begins a hexadecimal one.",
			Null:    "Null is an error.",
			Example: Example{`BitAnd(&HF, &HF7)`, nil, "7", false},
		},
		evaluate: bits(func(a, b int64) directory.Value { return directory.Integer(a & b) }),
	},
	{
		Function: Function{
			Name: "CBool", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Gives True for True, in any case, and for a number other than zero; else False.",
			Null:    "Null and empty give False.",
			Example: Example{`CBool([employeeType] = "Intern")`, source("employeeType", "Intern"), "True", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			value, err := in.single(0)
			holds, _ := toBoolean(value)
			return directory.Boolean(holds), err
		},
	},
	{
		Function: Function{
			Name: "Coalesce", Result: TypeAny, Parameters: []Parameter{repeating(anything("source"))},
			Summary: "Gives the first source that is not null.",
			Null:    "The empty text is not null; all sources null gives null.",
			Example: Example{`Coalesce([mail], [userPrincipalName])`, source("userPrincipalName", "jd@contoso.com"), "jd@contoso.com", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			for i := range in.count() {
				if value, err := in.value(i); err != nil || !value.IsNull() {
					return value, err
				}
			}
			return directory.Null, nil
		},
	},
	{
		Function: Function{
			Name: "Count", Result: TypeInteger, Parameters: []Parameter{{Name: "list", Type: TypeList}},
			Summary: "Gives the number of values.",
			Null:    "Null counts 0, a single value 1.",
			Example: Example{`Count([proxyAddresses])`, sourceList("proxyAddresses", "SMTP:a@x.com", "smtp:b@x.com"), "2", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			values, err := in.values(0)
			return directory.Integer(int64(len(values))), err
		},
	},
	{
		Function: Function{
			Name: "CStr", Result: TypeText, Parameters: []Parameter{anything("value")},
			Summary: "Gives the value as text: an integer decimal, True or False, a date as M/d/yyyy h:mm:ss tt.",
			Null:    "Null stays null; several values are an error.",
			Example: Example{`CStr(42)`, nil, "42", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			text, null, err := in.text(0)
			if err != nil || null {
				return directory.Null, err
			}
			return directory.Text(text), nil
		},
	},
	{
		Function: Function{
			Name: "IsNothing", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether there is no value; another name of IsNull.",
			Null:    "Absent and null give True, the empty text False.",
			Example: Example{`IsNothing([mail])`, nil, "True", false},
		},
		evaluate: tells(directory.Value.IsNull),
	},
	{
		Function: Function{
			Name: "IsNull", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether there is no value.",
			Null:    "Absent and null give True, the empty text False.",
			Example: Example{`IsNull([mail])`, source("mail", ""), "False", false},
		},
		evaluate: tells(directory.Value.IsNull),
	},
	{
		Function: Function{
			Name: "IsNullOrEmpty", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether there is no value or an empty one.",
			Null:    "Absent, null, the empty text and a list of nothing give True.",
			Example: Example{`IsNullOrEmpty([mail])`, source("mail", ""), "True", false},
		},
		evaluate: tells(directory.Value.IsEmpty),
	},
	{
		Function: Function{
			Name: "IsPresent", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether there is a value that is not empty.",
			Null:    "Absent, null, the empty text and a list of nothing give False.",
			Example: Example{`IsPresent([mail])`, source("mail", "jd@contoso.com"), "True", false},
		},
		evaluate: tells(func(v directory.Value) bool { return !v.IsEmpty() }),
	},
	{
		Function: Function{
			Name: "IsString", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether CStr gives a text for the value.",
			Null:    "Null and several values give False.",
			Example: Example{`IsString([mail])`, source("mail", "jd@contoso.com"), "True", false},
		},
		evaluate: tells(func(v directory.Value) bool {
			one, problem := single(v)
			return problem == "" && !one.IsNull()
		}),
	},
	{
		Function: Function{
			Name: "Item", Result: TypeAny, Parameters: []Parameter{{Name: "list", Type: TypeList}, integer("index")},
			Summary: "Gives the value at that place of a list, the first being 1.",
			Null:    "An index outside of the list is an error; null is a list of nothing.",
			Example: Example{`Item([proxyAddresses], 1)`, sourceList("proxyAddresses", "SMTP:a@x.com", "smtp:b@x.com"), "SMTP:a@x.com", false},
		},
		evaluate: item,
	},
	{
		Function: Function{
			Name: "Redact", Result: TypeAny, Parameters: []Parameter{anything("value")},
			Summary: "Gives the value; the log shows [Redact] in its place.",
			Null:    "Null stays null.",
			Example: Example{`Redact([employeeId])`, source("employeeId", "4711"), "4711", false},
		},
		evaluate: func(in invocation) (directory.Value, error) { return in.value(0) },
	},
	{
		Function: Function{
			Name: "RemoveDuplicates", Result: TypeList, Parameters: []Parameter{{Name: "list", Type: TypeList}},
			Summary: "Gives the list without values that stood in it before; case counts.",
			Null:    "Null stays null.",
			Example: Example{`RemoveDuplicates([proxyAddresses])`, sourceList("proxyAddresses", "a", "b", "a"), `["a","b"]`, false},
		},
		evaluate: removeDuplicates,
	},
}

// tells evaluates a function that asks something of its argument.
func tells(holds func(directory.Value) bool) func(invocation) (directory.Value, error) {
	return func(in invocation) (directory.Value, error) {
		value, err := in.value(0)
		return directory.Boolean(holds(value)), err
	}
}

// valuesAndIndex gives the list and the place in it that a call names.
func (in invocation) valuesAndIndex() (values []directory.Value, index int64, err error) {
	if values, err = in.values(0); err != nil {
		return nil, 0, err
	}
	index, err = in.integer(1)
	return values, index, err
}

func item(in invocation) (directory.Value, error) {
	values, index, err := in.valuesAndIndex()
	if err != nil {
		return directory.Null, err
	}
	if index < 1 || index > int64(len(values)) {
		return directory.Null, in.faultOf(1, directory.Integer(index), "the list has "+plural(len(values), "value")+", the first being 1")
	}
	return values[index-1], nil
}

func removeDuplicates(in invocation) (directory.Value, error) {
	values, err := in.values(0)
	if err != nil || values == nil {
		return directory.Null, err
	}
	seen := make(map[string]struct{}, len(values))
	kept := make([]directory.Value, 0, len(values))
	var key []byte
	for _, value := range values {
		if key, err = value.AppendBinary(key[:0]); err != nil {
			return directory.Null, in.fault(0, err.Error())
		}
		if _, known := seen[string(key)]; known {
			continue
		}
		seen[string(key)] = struct{}{}
		kept = append(kept, value)
	}
	return directory.List(kept...), nil
}
