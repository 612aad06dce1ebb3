package expression

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

var caseFunctions = []definition{
	{
		Function: Function{
			Name: "ToLower", Result: TypeText, Parameters: []Parameter{text("source"), optional(text("culture"))},
			Summary: "Gives the text in lower case, by the rules of the culture (RFC 5646, such as tr-TR) or of none.",
			Null:    "A null source gives the empty text; a null or empty culture is none.",
			Example: Example{`ToLower([city], "tr-TR")`, source("city", "ISPARTA"), "ısparta", false},
		},
		prepare:  prepareCulture(func(tag language.Tag) cases.Caser { return cases.Lower(tag) }),
		evaluate: changeCase(strings.ToLower, func(tag language.Tag) cases.Caser { return cases.Lower(tag) }),
	},
	{
		Function: Function{
			Name: "ToUpper", Result: TypeText, Parameters: []Parameter{text("source"), optional(text("culture"))},
			Summary: "Gives the text in upper case, by the rules of the culture (RFC 5646, such as tr-TR) or of none.",
			Null:    "A null source gives the empty text; a null or empty culture is none.",
			Example: Example{`ToUpper([city])`, source("city", "Zürich"), "ZÜRICH", false},
		},
		prepare:  prepareCulture(func(tag language.Tag) cases.Caser { return cases.Upper(tag) }),
		evaluate: changeCase(strings.ToUpper, func(tag language.Tag) cases.Caser { return cases.Upper(tag) }),
	},
	{
		Function: Function{
			Name: "PCase", Result: TypeText, Parameters: []Parameter{text("source"), optional(text("separators"))},
			Summary: "Gives each word a capital and the rest of it lower case. Words end at the separators; without them at blanks, punctuation, symbols and control characters.",
			Null:    "A null source gives the empty text; null separators are the default ones.",
			Example: Example{`PCase([displayName])`, source("displayName", "PABLO GONSALVES (SECOND)"), "Pablo Gonsalves (Second)", false},
		},
		evaluate: pCase,
	},
	{
		Function: Function{
			Name: "NormalizeDiacritics", Result: TypeText, Parameters: []Parameter{text("source")},
			Summary: "Takes the marks off letters (é to e, ä to a) and writes ligatures as two letters (æ to ae, ß to ss); all else stays.",
			Null:    "A null source gives the empty text.",
			Example: Example{`NormalizeDiacritics([givenName])`, source("givenName", "Zoë"), "Zoe", false},
		},
		evaluate: changed(normalizeDiacritics),
	},
}

// prepareCulture checks a constant culture and keeps casers for it, each of
// which serves one evaluation at a time.
func prepareCulture(caser func(language.Tag) cases.Caser) func(*call) (any, *refusal) {
	return func(n *call) (any, *refusal) {
		culture, constant := n.text(1)
		if !constant || culture == "" {
			return nil, nil
		}
		tag, err := language.Parse(culture)
		if err != nil {
			return nil, &refusal{argument: 1, problem: "the culture is not known", expected: "a language tag such as en-US"}
		}
		return &sync.Pool{New: func() any { c := caser(tag); return &c }}, nil
	}
}

func changeCase(invariant func(string) string, caser func(language.Tag) cases.Caser) func(invocation) (directory.Value, error) {
	return func(in invocation) (directory.Value, error) {
		source, _, err := in.text(0)
		if err != nil {
			return directory.Null, err
		}
		if pool, ok := in.call.prepared.(*sync.Pool); ok {
			c := pool.Get().(*cases.Caser)
			defer pool.Put(c)
			return directory.Text(c.String(source)), nil
		}
		culture, _, err := in.text(1)
		if err != nil {
			return directory.Null, err
		}
		if culture == "" {
			return directory.Text(invariant(source)), nil
		}
		tag, err := language.Parse(culture)
		if err != nil {
			return directory.Null, in.faultOf(1, directory.Text(culture), "the culture is not known")
		}
		c := caser(tag)
		return directory.Text(c.String(source)), nil
	}
}

func pCase(in invocation) (directory.Value, error) {
	source, _, err := in.text(0)
	if err != nil {
		return directory.Null, err
	}
	characters, null, err := in.text(1)
	if err != nil {
		return directory.Null, err
	}
	separates := separatesWords
	if !null {
		set := newRuneSet(characters)
		separates = set.has
	}
	within := false
	return directory.Text(strings.Map(func(r rune) rune {
		switch {
		case separates(r):
			within = false
			return r
		case within:
			return unicode.ToLower(r)
		}
		within = true
		return unicode.ToUpper(r)
	}, source)), nil
}

// separatesWords reports whether a character is of the Unicode categories Z,
// Cc, Cf, P or S.
func separatesWords(r rune) bool {
	if r < utf8.RuneSelf {
		return !isLetter(byte(r)) && !isDigit(byte(r)) || r == '_'
	}
	return unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.P, unicode.S)
}

// letters are those that no decomposition takes apart.
var letters = map[rune]string{
	'æ': "ae", 'Æ': "AE", 'ø': "oe", 'Ø': "OE", 'œ': "oe", 'Œ': "OE", 'ß': "ss", 'ẞ': "SS",
	'ı': "i", 'ł': "l", 'Ł': "L",
}

// normalizeDiacritics decomposes canonically (Unicode NFD), drops the
// nonspacing marks and spells out letters; Hangul, whose parts are no marks,
// stays composed.
func normalizeDiacritics(source string) string {
	plain := 0
	for plain < len(source) && source[plain] < utf8.RuneSelf {
		plain++
	}
	if plain == len(source) {
		return source
	}
	var out strings.Builder
	out.Grow(len(source))
	out.WriteString(source[:plain])
	for _, r := range source[plain:] {
		if r < utf8.RuneSelf {
			out.WriteRune(r)
			continue
		}
		decomposition := norm.NFD.PropertiesString(string(r)).Decomposition()
		if decomposition == nil {
			writePlain(&out, r)
			continue
		}
		for len(decomposition) > 0 {
			part, size := utf8.DecodeRune(decomposition)
			writePlain(&out, part)
			decomposition = decomposition[size:]
		}
	}
	return out.String()
}

func writePlain(out *strings.Builder, r rune) {
	if spelt, ok := letters[r]; ok {
		out.WriteString(spelt)
	} else if !unicode.Is(unicode.Mn, r) {
		out.WriteRune(r)
	}
}
