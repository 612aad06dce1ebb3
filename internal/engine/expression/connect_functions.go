package expression

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Words of functions that only Microsoft Entra Connect Sync has.
const (
	wordCaseSensitive   = "CaseSensitive"
	wordCaseInsensitive = "CaseInsensitive"
)

// connectFunctions are those of Connect Sync that the language of app
// provisioning lacks, as far as they always give the same for the same
// (Microsoft Entra Connect Sync: Functions Reference). Those of certificates are
// certificateFunctions.
var connectFunctions = []definition{
	{
		Function: Function{
			Name: "BitOr", Result: TypeInteger, Parameters: []Parameter{integer("value1"), integer("value2")},
			Summary: "Gives the bits that are set in either integer.",
			Null:    "Null is an error.",
			Example: Example{`BitOr([userAccountControl], 2)`, source("userAccountControl", "512"), "514", false},
		},
		evaluate: bits(func(a, b int64) directory.Value { return directory.Integer(a | b) }),
	},
	{
		Function: Function{
			Name: "IsBitSet", Result: TypeBoolean, Parameters: []Parameter{integer("value"), integer("flag")},
			Summary: "Tells whether a bit of the flag is set in the value.",
			Null:    "Null is an error.",
			Example: Example{`IsBitSet([userAccountControl], 2)`, source("userAccountControl", "514"), "True", false},
		},
		evaluate: bits(func(a, b int64) directory.Value { return directory.Boolean(a&b != 0) }),
	},
	{
		Function: Function{
			Name: "CGuid", Result: TypeText, Parameters: []Parameter{text("guid")},
			Summary: "Gives base64 of the 16 bytes of a GUID, in the order in which Windows keeps them.",
			Null:    "A null source gives null; what is no GUID is an error.",
			Example: Example{`CGuid([objectId])`, source("objectId", "00112233-4455-6677-8899-aabbccddeeff"), "MyIRAFVEd2aImaq7zN3u/w==", false},
		},
		evaluate: converted(func(source string) (string, string) {
			digits, ok := guidDigits(source)
			if !ok {
				return "", "it is no GUID such as 00112233-4455-6677-8899-aabbccddeeff"
			}
			b, _ := hex.DecodeString(digits)
			b[0], b[1], b[2], b[3] = b[3], b[2], b[1], b[0]
			b[4], b[5], b[6], b[7] = b[5], b[4], b[7], b[6]
			return base64.StdEncoding.EncodeToString(b), ""
		}),
	},
	{
		Function: Function{
			Name: "CNum", Result: TypeInteger, Parameters: []Parameter{text("value")},
			Summary: "Gives the integer that a text spells.",
			Null:    "Null, empty and what is no integer are errors.",
			Example: Example{`CNum([level])`, source("level", "042"), "42", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			n, err := in.integer(0)
			return directory.Integer(n), err
		},
	},
	{
		Function: Function{
			Name: "CRef", Result: TypeText, Parameters: []Parameter{text("value")},
			Summary: "Gives the text, to be taken for the name of another object.",
			Null:    "Null stays null.",
			Example: Example{`DNComponent(CRef([dn]), 1)`, source("dn", "cn=Joe,dc=contoso,dc=com"), "Joe", false},
		},
		evaluate: converted(func(source string) (string, string) { return source, "" }),
	},
	{
		Function: Function{
			Name: "Contains", Result: TypeInteger,
			Parameters: []Parameter{
				{Name: "list", Type: TypeList}, text("search"),
				{Name: "case", Type: TypeWord, Optional: true, Allowed: []string{wordCaseSensitive, wordCaseInsensitive}},
			},
			Summary: "Gives the place of the first value of a list that holds the text, the first being 1; 0 when none does.",
			Null:    "Null is a list of nothing.",
			Example: Example{`Item([proxyAddresses], Contains([proxyAddresses], "SMTP:"))`, sourceList("proxyAddresses", "smtp:b@x.com", "SMTP:a@x.com"), "SMTP:a@x.com", false},
		},
		evaluate: contains,
	},
	{
		Function: Function{
			Name: "ItemOrNull", Result: TypeAny, Parameters: []Parameter{{Name: "list", Type: TypeList}, integer("index")},
			Summary: "Gives the value at that place of a list, the first being 1.",
			Null:    "An index outside of the list gives null.",
			Example: Example{`ItemOrNull([proxyAddresses], 2)`, sourceList("proxyAddresses", "a", "b"), "b", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			values, index, err := in.valuesAndIndex()
			if err != nil || index < 1 || index > int64(len(values)) {
				return directory.Null, err
			}
			return values[index-1], nil
		},
	},
	{
		Function: Function{
			Name: "ConvertFromUTF8Hex", Result: TypeText, Parameters: []Parameter{text("source")},
			Summary: "Gives the text whose bytes in UTF-8 are written as hexadecimal digits.",
			Null:    "A null source gives null; what are no such digits, or no UTF-8, is an error.",
			Example: Example{`ConvertFromUTF8Hex("48656C6C6F")`, nil, "Hello", false},
		},
		evaluate: converted(func(source string) (string, string) {
			data, err := hex.DecodeString(source)
			switch {
			case err != nil:
				return "", "it is not hexadecimal"
			case !utf8.Valid(data):
				return "", "its bytes are no text in UTF-8"
			}
			return string(data), ""
		}),
	},
	{
		Function: Function{
			Name: "DNComponentRev", Result: TypeText,
			Parameters: []Parameter{text("dn"), integer("number"), optional(Parameter{Name: "options", Type: TypeText, Allowed: []string{"DC"}})},
			Summary:    "Gives the value of one component of a distinguished name, the rightmost being 1. The option DC leaves out components of the domain (dc=).",
			Null:       "A null name gives null, a number beyond the first component the empty text; a number below 1 is an error.",
			Example:    Example{`DNComponentRev([dn], 1, "DC")`, source("dn", "cn=Joe,ou=Atlanta,ou=GA,ou=US,dc=contoso,dc=com"), "US", false},
		},
		evaluate: dnComponentRev,
	},
	{
		Function: Function{
			Name: "EscapeDNComponent", Result: TypeText, Parameters: []Parameter{text("component")},
			Summary: "Escapes the value of one component of a distinguished name (RFC 4514).",
			Null:    "A null source gives null.",
			Example: Example{`EscapeDNComponent(Append("cn=", [displayName]))`, source("displayName", "Doe, John"), `cn=Doe\, John`, false},
		},
		evaluate: converted(func(source string) (string, string) { return escapeComponent(source), "" }),
	},
	{
		Function: Function{
			Name: "IsDate", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether CDate gives a date for the value.",
			Null:    "Null, empty and several values give False.",
			Example: Example{`IIF(IsDate([hireDate]), FormatDateTime(CDate([hireDate]), "", "yyyy-MM-dd", "yyyy"), "unknown")`, source("hireDate", "soon"), "unknown", false},
		},
		evaluate: tells(func(v directory.Value) bool {
			one, problem := single(v)
			if t, ok := one.AsTime(); ok {
				return problem == "" && inCalendar(t)
			}
			text, _ := one.AsText()
			_, ok := parseInstant(text)
			return problem == "" && ok
		}),
	},
	{
		Function: Function{
			Name: "IsEmpty", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether there is a value and it is empty.",
			Null:    "Absent and null give False, the empty text and a list of nothing True.",
			Example: Example{`IsEmpty([mail])`, source("mail", ""), "True", false},
		},
		evaluate: tells(func(v directory.Value) bool { return !v.IsNull() && v.IsEmpty() }),
	},
	{
		Function: Function{
			Name: "IsGuid", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether the value is a GUID, in braces or not.",
			Null:    "Null, empty and several values give False.",
			Example: Example{`IsGuid([objectId])`, source("objectId", "{00112233-4455-6677-8899-aabbccddeeff}"), "True", false},
		},
		evaluate: tells(func(v directory.Value) bool {
			one, _ := single(v)
			_, ok := guidDigits(one.String())
			return ok
		}),
	},
	{
		Function: Function{
			Name: "IsNumeric", Result: TypeBoolean, Parameters: []Parameter{anything("value")},
			Summary: "Tells whether the value is a decimal number.",
			Null:    "Null, empty and several values give False.",
			Example: Example{`IsNumeric([level])`, source("level", "-1.50"), "True", false},
		},
		evaluate: tells(func(v directory.Value) bool {
			one, _ := single(v)
			return isNumber(one.String())
		}),
	},
	{
		Function: Function{
			Name: "InStrRev", Result: TypeInteger,
			Parameters: []Parameter{text("source"), text("search"), optional(integer("start")), compareParameter},
			Summary:    "Gives the place of the last occurrence that ends no later than the start, the first character being 1; 0 when there is none.",
			Null:       "A null source gives 0; without a start, the search begins at the end.",
			Example:    Example{`InStrRev("abbcdbbbef", "bb")`, nil, "7", false},
		},
		evaluate: inStrRev,
	},
	{
		Function: Function{
			Name: "LCase", Result: TypeText, Parameters: []Parameter{text("source")},
			Summary: "Gives the text in lower case; another name of ToLower.",
			Null:    "A null source gives the empty text.",
			Example: Example{`LCase([mail])`, source("mail", "Ada@Contoso.com"), "ada@contoso.com", false},
		},
		evaluate: changed(strings.ToLower),
	},
	{
		Function: Function{
			Name: "UCase", Result: TypeText, Parameters: []Parameter{text("source")},
			Summary: "Gives the text in upper case; another name of ToUpper.",
			Null:    "A null source gives the empty text.",
			Example: Example{`UCase([country])`, source("country", "gb"), "GB", false},
		},
		evaluate: changed(strings.ToUpper),
	},
	{
		Function: Function{
			Name: "Len", Result: TypeInteger, Parameters: []Parameter{text("source")},
			Summary: "Gives the number of characters.",
			Null:    "A null source gives 0.",
			Example: Example{`Len([displayName])`, source("displayName", "Zoë"), "3", false},
		},
		evaluate: func(in invocation) (directory.Value, error) {
			source, _, err := in.text(0)
			return directory.Integer(int64(utf8.RuneCountInString(source))), err
		},
	},
	{
		Function: Function{
			Name: "LTrim", Result: TypeAny, Parameters: []Parameter{anything("source")},
			Summary: "Removes white space before; of each element of a list.",
			Null:    "A null source gives null.",
			Example: Example{`LTrim([displayName])`, source("displayName", " John "), "John ", false},
		},
		evaluate: trimmedBy(func(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }),
	},
	{
		Function: Function{
			Name: "RTrim", Result: TypeAny, Parameters: []Parameter{anything("source")},
			Summary: "Removes white space after; of each element of a list.",
			Null:    "A null source gives null.",
			Example: Example{`RTrim([displayName])`, source("displayName", " John "), " John", false},
		},
		evaluate: trimmedBy(func(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) }),
	},
	{
		Function: Function{
			Name: "PadLeft", Result: TypeText, Parameters: []Parameter{text("source"), integer("length"), text("character")},
			Summary: "Puts the character before the text until it has the length.",
			Null:    "A null source gives the empty text; the padding must be one character.",
			Example: Example{`PadLeft([employeeId], 8, "0")`, source("employeeId", "4711"), "00004711", false},
		},
		evaluate: padded(func(source, padding string) string { return padding + source }),
	},
	{
		Function: Function{
			Name: "PadRight", Result: TypeText, Parameters: []Parameter{text("source"), integer("length"), text("character")},
			Summary: "Puts the character after the text until it has the length.",
			Null:    "A null source gives the empty text; the padding must be one character.",
			Example: Example{`PadRight([employeeId], 8, "0")`, source("employeeId", "4711"), "47110000", false},
		},
		evaluate: padded(func(source, padding string) string { return source + padding }),
	},
	{
		Function: Function{
			Name: "ReplaceChars", Result: TypeText, Parameters: []Parameter{text("source"), text("dictionary")},
			Summary: "Replaces characters by the dictionary, in which each is followed by a colon and the text for it, and commas stand between: ö:oe,ß:ss. No text removes the character.",
			Null:    "A null source gives null; a null dictionary replaces nothing.",
			Example: Example{`ReplaceChars([surname], "ä:a,ö:oe,’:")`, source("surname", "Räks’mörgås"), "Raksmoergås", false},
		},
		prepare:  prepareReplaceChars,
		evaluate: replaceChars,
	},
	{
		Function: Function{
			Name: "Right", Result: TypeText, Parameters: []Parameter{text("source"), integer("count")},
			Summary: "Gives the last characters; all of them when the count is negative.",
			Null:    "A null source gives the empty text.",
			Example: Example{`Right([telephoneNumber], 4)`, source("telephoneNumber", "+44 20 7946 0958"), "0958", false},
		},
		evaluate: right,
	},
}

// bits evaluates a function of two integers.
func bits(combine func(a, b int64) directory.Value) func(invocation) (directory.Value, error) {
	return func(in invocation) (directory.Value, error) {
		a, err := in.integer(0)
		if err != nil {
			return directory.Null, err
		}
		b, err := in.integer(1)
		return combine(a, b), err
	}
}

// changed evaluates a function of one text, for which null is empty.
func changed(change func(string) string) func(invocation) (directory.Value, error) {
	return func(in invocation) (directory.Value, error) {
		source, _, err := in.text(0)
		return directory.Text(change(source)), err
	}
}

// guidDigits gives the hexadecimal digits of a GUID, in braces or not.
func guidDigits(text string) (string, bool) {
	if inner, braced := strings.CutPrefix(text, "{"); braced {
		if text, braced = strings.CutSuffix(inner, "}"); !braced {
			return "", false
		}
	}
	if len(text) != 36 {
		return "", false
	}
	for i := range len(text) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (text[i] == '-') || !hyphen && !isDigit(text[i]) && (text[i]|0x20 < 'a' || text[i]|0x20 > 'f') {
			return "", false
		}
	}
	return strings.ReplaceAll(text, "-", ""), true
}

func contains(in invocation) (directory.Value, error) {
	values, err := in.values(0)
	if err != nil {
		return directory.Null, err
	}
	search, _, err := in.text(1)
	if err != nil {
		return directory.Null, err
	}
	folding, err := in.choice(2)
	if err != nil {
		return directory.Null, err
	}
	fold := func(s string) string { return s }
	if folding == wordCaseInsensitive {
		fold = func(s string) string { return strings.Map(foldRune, s) }
	}
	search = fold(search)
	for i, value := range values {
		one, problem := single(value)
		if problem != "" {
			return directory.Null, in.fault(0, "one of its values "+problem)
		}
		if strings.Contains(fold(one.String()), search) {
			return directory.Integer(int64(i + 1)), nil
		}
	}
	return directory.Integer(0), nil
}
