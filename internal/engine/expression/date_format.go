package expression

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// dateFormat is a compiled .NET custom date and time format string, by the
// invariant culture.
type dateFormat []dateToken

// dateToken is a run of one format letter, or a literal.
type dateToken struct {
	letter  byte // 0: a literal
	width   int
	literal string
}

// standardFormats are what a format of a single letter stands for.
var standardFormats = map[string]string{
	"d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy",
	"t": "HH:mm", "T": "HH:mm:ss",
	"f": "dddd, dd MMMM yyyy HH:mm", "F": "dddd, dd MMMM yyyy HH:mm:ss", "U": "dddd, dd MMMM yyyy HH:mm:ss",
	"g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss",
	"m": "MMMM dd", "M": "MMMM dd", "y": "yyyy MMMM", "Y": "yyyy MMMM",
	"o": "yyyy-MM-dd'T'HH:mm:ss.fffffffK", "O": "yyyy-MM-dd'T'HH:mm:ss.fffffffK",
	"s": "yyyy-MM-dd'T'HH:mm:ss", "u": "yyyy-MM-dd HH:mm:ss'Z'",
	"r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
}

// widest gives the longest run of each letter that has a meaning; a longer one
// means the same.
var widest = map[byte]int{
	'y': 9, 'M': 4, 'd': 4, 'H': 2, 'h': 2, 'm': 2, 's': 2, 'f': 7, 'F': 7, 't': 2, 'z': 3, 'K': 1, 'g': 1,
}

// compileDateFormat reads a format; the error says what is wrong with it.
func compileDateFormat(text string) (dateFormat, error) {
	if text == "" || len(text) > maxFormat {
		return nil, fmt.Errorf("a date format has from 1 to %d bytes, not %d", maxFormat, len(text))
	}
	if utf8.RuneCountInString(text) == 1 {
		standard, ok := standardFormats[text]
		if !ok {
			return nil, fmt.Errorf("%q is no date format", text)
		}
		text = standard
	}
	var format dateFormat
	literal := func(s string) {
		if n := len(format); n > 0 && format[n-1].letter == 0 {
			format[n-1].literal += s
			return
		}
		format = append(format, dateToken{literal: s})
	}
	for at := 0; at < len(text); {
		c := text[at]
		if most, ok := widest[c]; ok {
			end := at + 1
			for end < len(text) && text[end] == c && c != 'K' {
				end++
			}
			if (c == 'f' || c == 'F') && end-at > most {
				return nil, fmt.Errorf("a fraction has at most %d digits", most)
			}
			format = append(format, dateToken{letter: c, width: min(end-at, most)})
			at = end
			continue
		}
		switch c {
		case '\'', '"':
			length := strings.IndexByte(text[at+1:], c)
			if length < 0 {
				return nil, fmt.Errorf("the quote in the date format is not closed")
			}
			literal(text[at+1 : at+1+length])
			at += length + 2
		case '\\':
			if at++; at == len(text) {
				return nil, fmt.Errorf(`a character is missing after \ in the date format`)
			}
			_, size := utf8.DecodeRuneInString(text[at:])
			literal(text[at : at+size])
			at += size
		case '%':
			if at++; at == len(text) || text[at] == '%' {
				return nil, fmt.Errorf("a letter is missing after %% in the date format")
			}
		default:
			_, size := utf8.DecodeRuneInString(text[at:])
			literal(text[at : at+size])
			at += size
		}
	}
	return format, nil
}

// format writes a point in time, in UTC.
func (f dateFormat) format(t time.Time) string {
	t = t.UTC()
	out := make([]byte, 0, 32)
	for _, token := range f {
		out = token.append(out, t)
	}
	return string(out)
}

func (k dateToken) append(out []byte, t time.Time) []byte {
	switch k.letter {
	case 0:
		return append(out, k.literal...)
	case 'y':
		year := t.Year()
		if k.width <= 2 {
			year %= 100
		}
		return appendPadded(out, year, k.width)
	case 'M':
		switch k.width {
		case 3:
			return append(out, t.Month().String()[:3]...)
		case 4:
			return append(out, t.Month().String()...)
		}
		return appendPadded(out, int(t.Month()), k.width)
	case 'd':
		switch k.width {
		case 3:
			return append(out, t.Weekday().String()[:3]...)
		case 4:
			return append(out, t.Weekday().String()...)
		}
		return appendPadded(out, t.Day(), k.width)
	case 'H':
		return appendPadded(out, t.Hour(), k.width)
	case 'h':
		return appendPadded(out, (t.Hour()+11)%12+1, k.width)
	case 'm':
		return appendPadded(out, t.Minute(), k.width)
	case 's':
		return appendPadded(out, t.Second(), k.width)
	case 'f', 'F':
		digits := appendPadded(nil, t.Nanosecond()/100, 7)[:k.width]
		if k.letter == 'F' {
			digits = []byte(strings.TrimRight(string(digits), "0"))
			if n := len(out); len(digits) == 0 && n > 0 && out[n-1] == '.' {
				out = out[:n-1]
			}
		}
		return append(out, digits...)
	case 't':
		return append(out, t.Format("PM")[:k.width]...)
	case 'z':
		return append(out, [...]string{"+0", "+00", "+00:00"}[k.width-1]...)
	case 'K':
		return append(out, 'Z')
	case 'g':
		return append(out, "A.D."...)
	}
	return out
}

func appendPadded(out []byte, n, width int) []byte {
	digits := strconv.AppendInt(make([]byte, 0, 20), int64(n), 10)
	for range width - len(digits) {
		out = append(out, '0')
	}
	return append(out, digits...)
}

// dateStyles say which white space a text may have besides the format's.
type dateStyles struct{ leading, trailing, inner bool }

// defaultStyles are those of a call that names none.
var defaultStyles = dateStyles{leading: true, trailing: true}

var styleNames = []string{
	"None", "AllowLeadingWhite", "AllowTrailingWhite", "AllowInnerWhite", "AllowWhiteSpaces", "NoCurrentDateDefault",
	"AdjustToUniversal", "AssumeLocal", "AssumeUniversal", "RoundtripKind",
}

// parseStyles reads .NET DateTimeStyles, several with commas. Those about time
// zones mean nothing here: everything is UTC. The unknown name comes back when
// there is one.
func parseStyles(text string) (styles dateStyles, unknown string) {
	for name := range strings.SplitSeq(text, ",") {
		switch name = strings.TrimSpace(name); name {
		case "AllowLeadingWhite":
			styles.leading = true
		case "AllowTrailingWhite":
			styles.trailing = true
		case "AllowInnerWhite":
			styles.inner = true
		case "AllowWhiteSpaces":
			styles = dateStyles{true, true, true}
		case "None", "NoCurrentDateDefault", "AdjustToUniversal", "AssumeLocal", "AssumeUniversal", "RoundtripKind":
		default:
			return styles, name
		}
	}
	return styles, ""
}

// parse reads a text that is exactly in the format. Parts that the format
// lacks are those of 1/1/0001 12:00:00 AM. The error says what was expected.
func (f dateFormat) parse(text string, styles dateStyles) (time.Time, error) {
	if styles.leading {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	if styles.trailing {
		text = strings.TrimRightFunc(text, unicode.IsSpace)
	}
	p := dateParser{reader: reader{text: text}}
	for i := 0; i < len(f); i++ {
		token := f[i]
		if styles.inner {
			p.at = len(p.text) - len(strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace))
		}
		if !p.token(token) {
			// A fraction of F letters that is empty leaves out its point.
			whole, pointed := strings.CutSuffix(token.literal, ".")
			if pointed && i+1 < len(f) && f[i+1].letter == 'F' && p.literal(whole) {
				i++
				continue
			}
			return time.Time{}, fmt.Errorf("%s is expected after %d characters", token, utf8.RuneCountInString(p.text[:p.at]))
		}
	}
	if !p.done() {
		return time.Time{}, fmt.Errorf("the text goes on after the format's end, after %d characters", utf8.RuneCountInString(p.text[:p.at]))
	}
	t, ok := p.time()
	if !ok {
		return time.Time{}, fmt.Errorf("there is no such date or time")
	}
	return t, nil
}

// String names the token for a message.
func (k dateToken) String() string {
	if k.letter == 0 {
		return strconv.Quote(shorten(k.literal))
	}
	return strings.Repeat(string(rune(k.letter)), k.width)
}
