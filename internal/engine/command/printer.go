package command

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// style is how a text looks on a terminal.
type style string

// The styles, as ANSI escape codes.
const (
	plain style = ""
	bold  style = "1"
	dim   style = "2"
	bad   style = "31"
	good  style = "32"
	warn  style = "33"
)

// printer writes what people read. What it is given may come from a source or a
// target, so control characters are shown, never sent to the terminal. The
// first error of writing is kept.
type printer struct {
	w        io.Writer
	terminal bool
	colour   bool
	err      error
}

// newPrinter colours on a terminal alone, and not with NO_COLOR (no-color.org)
// or on a dumb one.
func newPrinter(w io.Writer, getenv func(string) string) *printer {
	p := &printer{w: w}
	if file, ok := w.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && getenv("TERM") != "dumb"
	}
	p.colour = p.terminal && getenv("NO_COLOR") == ""
	return p
}

// text is a piece of a line.
type text struct {
	style style
	text  string
}

func styled(s style, format string, args ...any) text { return text{s, fmt.Sprintf(format, args...)} }

func (t text) width() int { return utf8.RuneCountInString(clean(t.text)) }

// line prints one line of pieces.
func (p *printer) line(pieces ...text) {
	var b strings.Builder
	for _, piece := range pieces {
		b.WriteString(p.render(piece))
	}
	p.raw(strings.TrimRight(b.String(), " ") + "\n")
}

// linef prints one plain line.
func (p *printer) linef(format string, args ...any) { p.line(styled(plain, format, args...)) }

// block prints a text that may have several lines, each behind an indent.
func (p *printer) block(indent string, s style, body string) {
	for part := range strings.SplitSeq(strings.TrimRight(body, "\n"), "\n") {
		p.line(text{plain, indent}, text{s, part})
	}
}

// table prints rows with aligned columns, two spaces apart.
func (p *printer) table(indent string, rows [][]text) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cell.width())
		}
	}
	for _, row := range rows {
		pieces := []text{{plain, indent}}
		for i, cell := range row {
			pieces = append(pieces, cell)
			if i < len(row)-1 {
				pieces = append(pieces, text{plain, strings.Repeat(" ", widths[i]-cell.width()+2)})
			}
		}
		p.line(pieces...)
	}
}

// json prints a value: indented, or in one line when it is one of a stream.
func (p *printer) json(value any, stream bool) error {
	encoder := json.NewEncoder(p.w)
	encoder.SetEscapeHTML(false)
	if !stream {
		encoder.SetIndent("", "  ")
	}
	return encoder.Encode(value)
}

// document prints a text that may go into a file: as it is, but for a terminal,
// which is shown no control characters.
func (p *printer) document(s string) {
	if !p.terminal {
		p.raw(s)
		return
	}
	for line := range strings.Lines(s) {
		p.line(text{plain, strings.TrimSuffix(line, "\n")})
	}
}

func (p *printer) render(t text) string {
	cleaned := clean(t.text)
	if !p.colour || t.style == plain || cleaned == "" {
		return cleaned
	}
	return "\x1b[" + string(t.style) + "m" + cleaned + "\x1b[0m"
}

// raw writes what is safe already.
func (p *printer) raw(s string) {
	if _, err := io.WriteString(p.w, s); err != nil && p.err == nil {
		p.err = fmt.Errorf("write the output: %w", err)
	}
}

// clean shows control and formatting characters, such as those that colour or
// reverse text, by their numbers.
func clean(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if hidden(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}
