package file

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonRows reads one array of objects.
type jsonRows struct {
	text *text
	in   *jsontext.Decoder
	rows *rowDecoder
}

const adviceJSON = `the file must hold one array of objects: [ {"id": "1"}, … ]`

func newJSON(d *document, t *text) (*jsonRows, error) {
	j := &jsonRows{text: t, in: jsontext.NewDecoder(small{t}, lenient...), rows: &rowDecoder{document: d}}
	token, err := j.in.ReadToken()
	if err != nil {
		return nil, j.fail(err)
	}
	if token.Kind() != '[' {
		return nil, d.unreadable(j.line(), adviceJSON, "there is %s where an array must begin", describe(token.Kind()))
	}
	return j, nil
}

// small passes on little at a time, so that little is ever ahead of the row
// whose line is asked for. Of a long row it passes on more, as the decoder goes
// over all that it has of it each time.
type small struct{ *text }

func (s small) Read(p []byte) (int, error) {
	size := 4 << 10
	if s.rowSize() > chunk {
		size = chunk
	}
	return s.text.Read(p[:min(len(p), size)])
}

func (j *jsonRows) columns() []string { return nil }

func (j *jsonRows) next() (row, error) {
	j.text.beginRow()
	if j.in.PeekKind() == ']' {
		return row{}, j.end()
	}
	raw, err := j.in.ReadValue()
	if err != nil {
		return row{}, j.fail(err)
	}
	return j.rows.decode(raw, j.line()-newlines(raw)), nil
}

// end looks at what follows the last object: the end of the array, and nothing
// else.
func (j *jsonRows) end() error {
	if _, err := j.in.ReadToken(); err != nil {
		return j.fail(err)
	}
	switch _, err := j.in.ReadToken(); {
	case j.text.err != nil:
		return j.text.err
	case !errors.Is(err, io.EOF):
		return j.rows.document.unreadable(j.line(), adviceJSON, "something follows the end of the array")
	}
	return io.EOF
}

// line gives the line up to which the document was taken.
func (j *jsonRows) line() int { return j.text.lines + 1 - newlines(j.in.UnreadBuffer()) }

func newlines(data []byte) int { return bytes.Count(data, []byte{'\n'}) }

// fail is the error of the document for one of the decoder.
func (j *jsonRows) fail(err error) error {
	if j.text.err != nil {
		return j.text.err
	}
	d := j.rows.document
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return d.unreadable(j.text.lines+1, adviceJSON, "the file ends before its array does")
	}
	line := j.line()
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		rest := j.in.UnreadBuffer()
		line += newlines(rest[:min(max(0, syntax.ByteOffset-j.in.InputOffset()), int64(len(rest)))])
	}
	return d.unreadable(line, adviceJSON, "this is no JSON: %v", reason(err))
}
