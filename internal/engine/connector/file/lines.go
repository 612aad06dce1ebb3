package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lineRows reads JSON Lines: one object a line, blank lines passed over. A line
// stands for itself, so that a broken one breaks no other.
type lineRows struct {
	text   *text
	in     *bufio.Reader
	line   int
	buffer []byte
	rows   *rowDecoder
}

func newLines(d *document, t *text) *lineRows {
	return &lineRows{text: t, in: bufio.NewReaderSize(t, chunk), rows: &rowDecoder{document: d}}
}

func (l *lineRows) columns() []string { return nil }

func (l *lineRows) next() (row, error) {
	for {
		raw, size, err := l.readLine()
		if err != nil {
			return row{}, err
		}
		if size > maxRow {
			return row{line: l.line, problem: fmt.Sprintf("the line has %d bytes; at most %d are taken", size, maxRow)}, nil
		}
		if raw = bytes.TrimSpace(raw); len(raw) > 0 {
			return l.rows.decode(raw, l.line), nil
		}
	}
}

// readLine gives the next line and its size; of a line longer than maxRow only
// the size counts.
func (l *lineRows) readLine() (line []byte, size int, err error) {
	l.buffer = l.buffer[:0]
	l.line++
	for {
		l.text.beginRow()
		part, err := l.in.ReadSlice('\n')
		size += len(part)
		if size <= maxRow {
			l.buffer = append(l.buffer, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil, errors.Is(err, io.EOF) && size > 0:
			return l.buffer, size, nil
		default:
			return nil, 0, err
		}
	}
}
