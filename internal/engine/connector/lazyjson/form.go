package lazyjson

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Form is a JSON text with blanks in place of values that are texts. Two of one form
// are alike in all but what stands in the blanks.
type Form struct {
	between []string // what stands before each blank, and after the last
}

// FormOf gives the form of a text that was decoded. The texts of members that keep
// names stand in it as they are.
func FormOf(text string, keep func(name string) bool) Form {
	var form Form
	begin, name := 0, ""
	for at := 0; ; {
		quote := at + max(strings.IndexByte(text[at:], '"'), 0)
		n := quotedLen(text[quote:])
		if n == 0 {
			break
		}
		at = quote + n
		if strings.HasPrefix(strings.TrimLeft(text[at:], " \t\r\n"), ":") {
			name = unquote(text[quote:at])
		} else if !keep(name) {
			form.between = append(form.between, text[begin:quote])
			begin = at
		}
	}
	return Form{append(form.between, text[begin:])}
}

// Fill gives a JSON text of the form, which holds the texts that text gives for the
// blanks.
func (f Form) Fill(text func(blank int) string) string {
	var out []byte
	for i, between := range f.between {
		if i > 0 {
			out = AppendText(out, text(i-1))
		}
		out = append(out, between...)
	}
	return string(out)
}

// Blanks gives the number of blanks.
func (f Form) Blanks() int { return len(f.between) - 1 }

// Read reports whether something is a JSON text of the form. It shows what stands in
// the blanks, quoted, to visit, and ends early when that does not want it.
func (f Form) Read(text []byte, visit func(blank int, quoted []byte) bool) bool {
	if !utf8.Valid(text) {
		return false
	}
	for i, between := range f.between {
		if i > 0 {
			n := quotedLen(text)
			if n == 0 || !visit(i-1, text[:n]) {
				return false
			}
			text = text[n:]
		}
		if len(text) < len(between) || string(text[:len(between)]) != between {
			return false
		}
		text = text[len(between):]
	}
	return len(text) == 0
}

// Unquote gives the text that stands quoted in a blank.
func Unquote(quoted []byte) string { return unquote(string(quoted)) }

// IsText reports whether that is what Unquote gives.
func IsText(quoted []byte, text string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == text
	}
	return Unquote(quoted) == text
}

// quotedLen gives the length of the quoted text at the beginning of one, 0 where there
// is none.
func quotedLen[T string | []byte](text T) int {
	if len(text) == 0 || text[0] != '"' {
		return 0
	}
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return 0
		case c == '\\':
			n := escapeLen(text[i:])
			if n == 0 {
				return 0
			}
			i += n - 1
		}
	}
	return 0
}

// escapeLen is quotedLen of one character that is written with a backslash.
func escapeLen[T string | []byte](text T) int {
	switch {
	case len(text) >= 2 && strings.IndexByte(`"\/bfnrt`, text[1]) >= 0:
		return 2
	case len(text) < 6 || text[1] != 'u':
		return 0
	}
	for i := 2; i < 6; i++ {
		if strings.IndexByte("0123456789abcdefABCDEF", text[i]) < 0 {
			return 0
		}
	}
	return 6
}
