package expression

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var compareParameter = Parameter{Name: "compare", Type: TypeWord, Optional: true, Allowed: []string{wordBinaryCompare, wordTextCompare}}

var textFunctions = []definition{
	{
		Function: Function{
			Name: "Append", Result: TypeText, Parameters: []Parameter{text("source"), text("suffix")},
			Summary: "Puts the suffix after the source.",
			Null:    "A null source gives null; a null suffix is empty.",
			Example: Example{`Append([userPrincipalName], ".test")`, source("userPrincipalName", "John.Doe@contoso.com"), "John.Doe@contoso.com.test", false},
		},
		evaluate: func(in invocation) (directory.Value, error) { return in.joined(0, 0, 1) },
	},
	{
		Function: Function{
			Name: "Prepend", Result: TypeText, Parameters: []Parameter{text("prefix"), text("source")},
			Summary: "Puts the prefix before the source.",
			Null:    "A null source gives null; a null prefix is empty.",
			Example: Example{`Prepend("t-", [alias])`, source("alias", "jd"), "t-jd", false},
		},
		evaluate: func(in invocation) (directory.Value, error) { return in.joined(1, 0, 1) },
	},
	{
		Function: Function{
			Name: "Join", Result: TypeText, Parameters: []Parameter{text("separator"), repeating(anything("source"))},
			Summary: "Joins the sources with the separator between them.",
			Null:    "Null and empty sources are left out with their separator; a list stands for its elements; nothing left gives the empty text.",
			Example: Example{`Join(", ", "", [surname], [givenName])`, source("surname", "Doe", "givenName", "John"), "Doe, John", false},
		},
		evaluate: join,
	},
	{
		Function: Function{
			Name: "Left", Result: TypeText, Parameters: []Parameter{text("source"), integer("count")},
			Summary: "Gives the first characters; all of them when the count is negative.",
			Null:    "A null source gives the empty text.",
			Example: Example{`Left([displayName], 3)`, source("displayName", "John Doe"), "Joh", false},
		},
		evaluate: left,
	},
	{
		Function: Function{
			Name: "Mid", Result: TypeText, Parameters: []Parameter{text("source"), integer("start"), integer("length")},
			Summary: "Gives so many characters from a place on, the first being 1; past the end there are none.",
			Null:    "A null source gives the empty text. A start below 1 or a negative length is an error.",
			Example: Example{`Mid([userPrincipalName], 1, 8)`, source("userPrincipalName", "johnsmith@contoso.com"), "johnsmit", false},
		},
		evaluate: mid,
	},
	{
		Function: Function{
			Name: "Word", Result: TypeText, Parameters: []Parameter{text("source"), integer("number"), text("delimiters")},
			Summary: "Gives the word of that number, the first being 1; each character of the delimiters ends a word.",
			Null:    "A null source, a number below 1 or beyond the last word gives the empty text; two delimiters enclose an empty word.",
			Example: Example{`Word("This,string!has&many separators", 3, ",!&#")`, nil, "has", false},
		},
		evaluate: nthWord,
	},
	{
		Function: Function{
			Name: "InStr", Result: TypeInteger,
			Parameters: []Parameter{text("source"), text("search"), optional(integer("start")), compareParameter},
			Summary:    "Gives the place of the first occurrence from the start on, the first character being 1; 0 when there is none. vbTextCompare ignores case.",
			Null:       "A null source gives 0; an empty search is found at the start.",
			Example:    Example{`InStr("The quick brown fox", "quick")`, nil, "5", false},
		},
		evaluate: inStr,
	},
	{
		Function: Function{
			Name: "StripSpaces", Result: TypeText, Parameters: []Parameter{text("source")},
			Summary: "Removes every blank (U+0020), also within.",
			Null:    "A null source gives the empty text.",
			Example: Example{`StripSpaces([displayName])`, source("displayName", " a b  c "), "abc", false},
		},
		evaluate: changed(func(source string) string { return strings.ReplaceAll(source, " ", "") }),
	},
	{
		Function: Function{
			Name: "Trim", Result: TypeAny, Parameters: []Parameter{anything("source")},
			Summary: "Removes white space before and after; of each element of a list.",
			Null:    "A null source gives null.",
			Example: Example{`Trim([displayName])`, source("displayName", " John "), "John", false},
		},
		evaluate: trimmedBy(strings.TrimSpace),
	},
	{
		Function: Function{
			Name: "Split", Result: TypeList, Parameters: []Parameter{text("source"), text("delimiter")},
			Summary: "Gives a list of the parts between the delimiters, without white space around each.",
			Null:    "A null source gives null; without the delimiter there is one element.",
			Example: Example{`Split([extensionAttribute5], ",")`, source("extensionAttribute5", "PermissionSetOne, PermissionSetTwo"), `["PermissionSetOne","PermissionSetTwo"]`, false},
		},
		prepare: func(n *call) (any, *refusal) {
			if delimiter, constant := n.text(1); constant && delimiter == "" {
				return nil, &refusal{argument: 1, problem: "it is empty", expected: "at least one character"}
			}
			return nil, nil
		},
		evaluate: split,
	},
}

// joined gives two arguments as one text; null when the main one is.
func (in invocation) joined(main, first, second int) (directory.Value, error) {
	a, aNull, err := in.text(first)
	if err != nil {
		return directory.Null, err
	}
	b, bNull, err := in.text(second)
	if err != nil || main == first && aNull || main == second && bNull {
		return directory.Null, err
	}
	return directory.Text(a + b), nil
}

func join(in invocation) (directory.Value, error) {
	separator, _, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	var few [8]string
	parts, size := few[:0], -len(separator)
	add := func(i int, value directory.Value) error {
		one, problem := single(value)
		if problem != "" {
			return in.fault(i, "it "+problem)
		}
		part := one.String()
		if part == "" {
			return nil
		}
		if size += len(separator) + len(part); size > MaxText {
			return in.tooLarge("bytes", MaxText)
		}
		parts = append(parts, part)
		return nil
	}
	for i := 1; i < in.count(); i++ {
		value, err := in.value(i)
		if err != nil {
			return directory.Null, err
		}
		if value.Kind() != directory.KindList {
			if err := add(i, value); err != nil {
				return directory.Null, err
			}
			continue
		}
		for _, element := range value.Values() {
			if err := add(i, element); err != nil {
				return directory.Null, err
			}
		}
	}
	return directory.Text(strings.Join(parts, separator)), nil
}

func left(in invocation) (directory.Value, error) {
	source, _, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	count, err := in.integer(1)
	if err != nil {
		return directory.Null, err
	}
	if count >= 0 {
		source = source[:offset(source, count)]
	}
	return directory.Text(source), nil
}

func mid(in invocation) (directory.Value, error) {
	source, _, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	start, err := in.integer(1)
	if err == nil && start < 1 {
		err = in.faultOf(1, directory.Integer(start), "the first character is 1")
	}
	if err != nil {
		return directory.Null, err
	}
	length, err := in.integer(2)
	if err == nil && length < 0 {
		err = in.faultOf(2, directory.Integer(length), "it must not be negative")
	}
	if err != nil {
		return directory.Null, err
	}
	source = source[offset(source, start-1):]
	return directory.Text(source[:offset(source, length)]), nil
}

// offset gives the bytes of the first so many characters, all when there are
// fewer.
func offset(text string, characters int64) int {
	if characters >= int64(len(text)) {
		return len(text)
	}
	for i := range text {
		if characters == 0 {
			return i
		}
		characters--
	}
	return len(text)
}

func nthWord(in invocation) (directory.Value, error) {
	source, _, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	number, err := in.integer(1)
	if err != nil {
		return directory.Null, err
	}
	characters, _, err := in.text(2)
	if err != nil || number < 1 {
		return directory.Text(""), err
	}
	delimiters := newRuneSet(characters)
	start := 0
	for i, r := range source {
		if !delimiters.has(r) {
			continue
		}
		if number--; number == 0 {
			return directory.Text(source[start:i]), nil
		}
		start = i + utf8.RuneLen(r)
	}
	if number > 1 {
		start = len(source)
	}
	return directory.Text(source[start:]), nil
}

func inStr(in invocation) (directory.Value, error) {
	source, null, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	search, _, err := in.text(1)
	if err != nil {
		return directory.Null, err
	}
	start := int64(1)
	if in.has(2) {
		if start, err = in.integer(2); err == nil && start < 1 {
			err = in.faultOf(2, directory.Integer(start), "the first character is 1")
		}
		if err != nil {
			return directory.Null, err
		}
	}
	compare, err := in.choice(3)
	if err != nil || null {
		return directory.Integer(0), err
	}
	skipped := offset(source, start-1)
	if int64(utf8.RuneCountInString(source[:skipped])) < start-1 {
		return directory.Integer(0), nil
	}
	rest := source[skipped:]
	if compare == wordTextCompare {
		rest, search = strings.Map(foldRune, rest), strings.Map(foldRune, search)
	}
	at := strings.Index(rest, search)
	if at < 0 {
		return directory.Integer(0), nil
	}
	return directory.Integer(start + int64(utf8.RuneCountInString(rest[:at]))), nil
}

// foldRune gives one character for all that differ only in case.
func foldRune(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// trimmedBy evaluates a function that takes something off a text, or off each
// element of a list.
func trimmedBy(trim func(string) string) func(invocation) (directory.Value, error) {
	one := func(value directory.Value) directory.Value {
		if text, ok := value.AsText(); ok {
			return directory.Text(trim(text))
		}
		return value
	}
	return func(in invocation) (directory.Value, error) {
		value, err := in.value(0)
		if err != nil || value.Kind() != directory.KindList {
			return one(value), err
		}
		elements := make([]directory.Value, len(value.Values()))
		for i, element := range value.Values() {
			elements[i] = one(element)
		}
		return directory.List(elements...), nil
	}
}

func split(in invocation) (directory.Value, error) {
	source, null, err := in.text(0)
	if err != nil || null {
		return directory.Null, err
	}
	delimiter, _, err := in.text(1)
	if err != nil {
		return directory.Null, err
	}
	if delimiter == "" {
		return directory.Null, in.fault(1, "it is empty")
	}
	if strings.Count(source, delimiter) >= MaxElements {
		return directory.Null, in.tooLarge("values", MaxElements)
	}
	parts := strings.Split(source, delimiter)
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return directory.Texts(parts...), nil
}
