package file

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"unicode/utf8"
)

// Bounds of what is taken from a document.
const (
	maxField  = 1 << 20  // bytes of one text; a longer one fails its row
	maxRow    = 16 << 20 // bytes of one row; a longer one fails the document
	maxAnchor = 1024     // bytes of an anchor
	chunk     = 64 << 10
)

// text passes a document's bytes on, without a byte order mark, as long as they
// are UTF-8 and no row is longer than maxRow. Its error is final.
type text struct {
	document *document
	in       io.Reader
	digest   hash.Hash // of the whole document, as it is on disk
	lines    int       // line ends passed on
	passed   int64     // bytes passed on, and the mark before them
	limit    int64     // where the present row has become too long
	last     byte      // the last byte passed on
	partial  []byte    // the first bytes of a character that is not yet whole
	err      error
}

const adviceEncoding = "save it as UTF-8"

func newText(d *document, in io.Reader) (*text, error) {
	t := &text{document: d, digest: sha256.New()}
	buffered := bufio.NewReaderSize(io.TeeReader(in, t.digest), chunk)
	t.in = buffered
	start, err := buffered.Peek(4)
	if err != nil && err != io.EOF {
		return nil, t.readError(err)
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xef, 0xbb, 0xbf}):
		if _, err := buffered.Discard(3); err != nil {
			return nil, t.readError(err)
		}
		t.passed = 3
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), bytes.HasPrefix(start, []byte{0xfe, 0xff}),
		bytes.IndexByte(start, 0) >= 0:
		return nil, d.unreadable(1, adviceEncoding, "byte 1: this is UTF-16 or UTF-32; only UTF-8 is read")
	}
	t.beginRow()
	return t, nil
}

// beginRow says that what follows is a new row.
func (t *text) beginRow() { t.limit = t.passed + maxRow }

// rowSize gives how much was passed on since.
func (t *text) rowSize() int64 { return t.passed - (t.limit - maxRow) }

func (t *text) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.in.Read(p)
	p = p[:n]
	if problem := t.check(p); problem != nil {
		t.err = problem
		return 0, t.err
	}
	t.lines += bytes.Count(p, []byte{'\n'})
	t.passed += int64(n)
	if n > 0 {
		t.last = p[n-1]
	}
	switch {
	case err == io.EOF && len(t.partial) > 0:
		t.err = t.notUTF8(nil, -len(t.partial))
	case err == io.EOF:
		return n, io.EOF
	case err != nil:
		t.err = t.readError(err)
	case t.passed > t.limit:
		t.err = t.document.unreadable(t.lines+1, "look for a quote or bracket that is never closed",
			"a row is longer than %d MiB", maxRow>>20)
	}
	if t.err != nil {
		return 0, t.err
	}
	return n, nil
}

// check finds bytes that are not UTF-8, over the borders between reads.
func (t *text) check(p []byte) error {
	at := 0
	for len(t.partial) > 0 && at < len(p) {
		t.partial = append(t.partial, p[at])
		at++
		if utf8.FullRune(t.partial) {
			if r, size := utf8.DecodeRune(t.partial); r == utf8.RuneError && size <= 1 {
				return t.notUTF8(p, at-1)
			}
			t.partial = t.partial[:0]
		}
	}
	end := len(p)
	for i := end - 1; i >= at && i >= end-utf8.UTFMax; i-- {
		if utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:]) {
				end = i
			}
			break
		}
	}
	if !utf8.Valid(p[at:end]) {
		for at < end {
			r, size := utf8.DecodeRune(p[at:end])
			if r == utf8.RuneError && size <= 1 {
				return t.notUTF8(p, at)
			}
			at += size
		}
	}
	t.partial = append(t.partial, p[end:]...)
	return nil
}

// notUTF8 is the error of the byte at a position within p, which comes next, or
// before it.
func (t *text) notUTF8(p []byte, at int) error {
	line := t.lines + 1 + bytes.Count(p[:max(at, 0)], []byte{'\n'})
	return t.document.unreadable(line, adviceEncoding, "byte %d of the file is not UTF-8; only UTF-8 is read",
		t.passed+int64(at)+1)
}

func (t *text) readError(err error) error {
	return t.document.unreadable(0, "look at the disk or share that holds the file", "it cannot be read to its end: %v", cause(err))
}

// cause gives an error of the file system without the path in it.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
