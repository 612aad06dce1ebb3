package exchange

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/mapping"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/scoping"
)

// operatorWords say what each operator asks; %s is the value.
var operatorWords = map[scoping.Operator]string{
	scoping.Equals:              "is %s",
	scoping.NotEquals:           "is given and is not %s",
	scoping.IsTrue:              "is true",
	scoping.IsFalse:             "is false",
	scoping.IsNull:              "is empty",
	scoping.IsNotNull:           "is given",
	scoping.RegexMatch:          "has the form %s",
	scoping.NotRegexMatch:       "is given and does not have the form %s",
	scoping.GreaterThan:         "is more than %s",
	scoping.GreaterThanOrEquals: "is %s or more",
	scoping.Includes:            "contains %s",
	scoping.StartsWith:          "begins with %s",
	scoping.EndsWith:            "ends with %s",
	scoping.IsContainedIn:       "is part of %s",
	scoping.IsNotContainedIn:    "is given and is no part of %s",
}

func clauseInWords(c scoping.Clause) string {
	words := operatorWords[c.Operator]
	if c.Value != nil && strings.Contains(words, "%s") {
		value := "“" + prose(*c.Value) + "”"
		if c.Operator == scoping.RegexMatch || c.Operator == scoping.NotRegexMatch {
			value = code(*c.Value)
		}
		words = fmt.Sprintf(words, value)
	}
	return code(c.Attribute) + " " + words
}

// origin says where the value of an attribute comes from.
func origin(a mapping.Attribute, references []string) string {
	var text string
	switch {
	case a.Source != nil && slices.Contains(references, *a.Source):
		text = "the accounts of " + code(*a.Source)
	case a.Source != nil:
		text = code(*a.Source)
	case a.Constant != nil:
		text = "always “" + prose(*a.Constant) + "”"
	case a.Expression != nil:
		text = made(*a.Expression)
	default:
		return "“" + prose(*a.Default) + "”"
	}
	if a.Default != nil {
		text += ", else “" + prose(*a.Default) + "” for a new account"
	}
	return text
}

// made says what an expression is made of.
func made(text string) string {
	parsed, err := expression.Parse(text)
	if err != nil {
		return code(text)
	}
	switch names := parsed.Attributes(); {
	case len(names) == 1 && names[0] == mapping.IsSoftDeleted:
		return "whether the person has access: " + code(text)
	case len(names) == 0:
		return "computed: " + code(text)
	default:
		return "made of " + codes(names) + ": " + code(text)
	}
}

// moment says when an attribute is sent.
func moment(a mapping.Attribute) string {
	var text string
	switch a.Apply {
	case mapping.ApplyOnCreate:
		text = "for a new account"
	case mapping.ApplyAddValues:
		text = "added, never taken away"
	default:
		text = "whenever it changes"
	}
	if a.Source == nil && a.Constant == nil && a.Expression == nil {
		text = "for a new account"
	}
	switch a.WhenNull {
	case mapping.Ignore:
		text += "; stays when there is no value any more"
	case mapping.Clear:
		text += "; emptied when there is no value"
	}
	return text
}

// prose makes a text safe within a sentence of Markdown.
func prose(s string) string { return proseEscapes.Replace(inline(s)) }

// inline makes a text one of a single line, without control characters.
func inline(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

var proseEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
)

// code makes a text a code span.
func code(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

func codes(names []string) string {
	spans := make([]string, len(names))
	for i, name := range names {
		spans[i] = code(name)
	}
	return strings.Join(spans, ", ")
}

// span writes a duration in its greatest whole unit.
func span(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if n := d / unit.size; n > 0 && d%unit.size == 0 {
			if n == 1 {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return d.String()
}
