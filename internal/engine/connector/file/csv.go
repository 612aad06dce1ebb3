package file

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/expression"
)

// csvRows reads RFC 4180.
type csvRows struct {
	document   *document
	text       *text
	buffered   *bufio.Reader
	in         *csv.Reader
	header     []string
	id         int
	attributes []int // columns that are attributes, in the order of their names
	references []int // the column of each of the document's references
	build      bool
	row        row // the last, whose memory is used again
}

func newCSV(d *document, t *text, build bool) (*csvRows, error) {
	buffered := bufio.NewReaderSize(t, chunk) // large enough for csv to read from it directly
	in := csv.NewReader(buffered)
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	c := &csvRows{document: d, text: t, buffered: buffered, in: in, build: build}
	header, err := in.Read()
	var syntax *csv.ParseError
	switch {
	case t.err != nil:
		return nil, t.err
	case err == io.EOF:
		return nil, d.unreadable(0, "write at least the header", "the file is empty; the first line of a CSV file names its columns")
	case errors.As(err, &syntax):
		return nil, d.unreadable(syntax.Line, "", "column %d of the header: %v", syntax.Column, syntax.Err)
	case err != nil:
		return nil, t.readError(err)
	}
	c.header = slices.Clone(header)
	line, _ := in.FieldPos(0)
	return c, c.readHeader(line)
}

func (c *csvRows) readHeader(line int) error {
	d := c.document
	places := make(map[string]int, len(c.header))
	for i, name := range c.header {
		if name == "" {
			return d.unreadable(line, "", "column %d of the header has no name", i+1)
		}
		if strings.ContainsRune(name, 0) || len(name) > maxAnchor {
			return d.unreadable(line, "", "the name of column %d is no text of at most %d bytes", i+1, maxAnchor)
		}
		if first, twice := places[name]; twice {
			return d.unreadable(line, "", "columns %d and %d are both named %q", first+1, i+1, name)
		}
		places[name] = i
	}
	find := func(setting, name string) (int, error) {
		place, found := places[name]
		if !found {
			return 0, c.missing(line, setting, name)
		}
		return place, nil
	}
	var err error
	if c.id, err = find("id", d.id); err != nil {
		return err
	}
	for _, r := range d.references {
		setting := "references." + r.attribute
		if r.split {
			setting = "members"
		}
		place, err := find(setting, r.column)
		if err != nil {
			return err
		}
		c.references = append(c.references, place)
	}
	for i, name := range c.header {
		if !d.isReference(name) {
			c.attributes = append(c.attributes, i)
		}
	}
	slices.SortFunc(c.attributes, func(a, b int) int { return strings.Compare(c.header[a], c.header[b]) })
	if c.build {
		c.row.attributes = make(directory.Attributes, len(c.attributes))
		for i, at := range c.attributes {
			c.row.attributes[i].Name = c.header[at]
		}
	}
	return nil
}

// missing is the error of a declared column that the header does not have.
func (c *csvRows) missing(line int, setting, name string) error {
	var there strings.Builder
	const shown = 20
	for i, column := range c.header[:min(len(c.header), shown)] {
		if i > 0 {
			there.WriteString(", ")
		}
		fmt.Fprintf(&there, "%.100q", column)
	}
	if len(c.header) > shown {
		fmt.Fprintf(&there, " and %d more", len(c.header)-shown)
	}
	advice := fmt.Sprintf("correct %s.%s or the header", c.document.block, setting)
	if near, ok := expression.Nearest(name, c.header); ok {
		advice += fmt.Sprintf("; did you mean %q?", near)
	} else if len(c.header) == 1 && strings.ContainsAny(c.header[0], ";\t|") {
		advice = "separate the columns by commas"
	}
	return c.document.unreadable(line, advice, "the header has no column %q, which %s.%s names; it has %s",
		name, c.document.block, setting, there.String())
}

func (c *csvRows) columns() []string { return c.header }

func (c *csvRows) next() (row, error) {
	c.text.beginRow()
	fields, err := c.in.Read()
	var syntax *csv.ParseError
	switch {
	case c.text.err != nil:
		return row{}, c.text.err
	case err == io.EOF:
		return row{}, io.EOF
	case errors.As(err, &syntax):
		// A quoted field that ends wrongly on a later line than it began may have
		// swallowed rows: nothing can be said of any.
		if syntax.StartLine != syntax.Line {
			return row{}, c.document.unreadable(syntax.StartLine, "double each quote within a quoted field",
				"the quotes of this row end wrongly at line %d, column %d", syntax.Line, syntax.Column)
		}
		r := c.broken(syntax.Line, fields, "a quote at column %d does not stand where RFC 4180 allows it; put the field in quotes and double each quote within it", syntax.Column)
		r.doubtful = c.atEnd()
		return r, nil
	case err != nil:
		return row{}, c.text.readError(err)
	}
	line, _ := c.in.FieldPos(0)
	if len(fields) != len(c.header) {
		r := c.broken(line, fields, "there are %d fields where the header has %d columns; put fields that hold commas or line ends in quotes", len(fields), len(c.header))
		r.doubtful = c.atEnd() && c.text.last != '\n' || slices.ContainsFunc(fields, spansLines)
		return r, nil
	}
	r := row{line: line, edges: again(c.row.edges)}
	if r.anchor, r.problem = anchorOf(c.document.id, fields[c.id]); r.problem != "" {
		return r, nil
	}
	for i, field := range fields {
		if problem := textProblem(field); problem != "" {
			r.problem = fmt.Sprintf("column %q %s", c.header[i], problem)
			return r, nil
		}
	}
	for i, at := range c.references {
		if problem := c.refer(&r, c.document.references[i], fields[at]); problem != "" {
			return row{line: line, anchor: r.anchor, problem: problem}, nil
		}
	}
	if c.build {
		r.attributes = c.row.attributes
		for i, at := range c.attributes {
			r.attributes[i].Value = directory.Null
			if fields[at] != "" {
				r.attributes[i].Value = directory.Text(fields[at])
			}
		}
	}
	c.row = r
	return r, nil
}

// refer adds the edges of one cell to the row.
func (c *csvRows) refer(r *row, reference reference, cell string) (problem string) {
	if !reference.split {
		return r.refer(c.document, reference, cell)
	}
	for anchor := range strings.SplitSeq(cell, ";") {
		if problem := r.refer(c.document, reference, anchor); problem != "" {
			return problem
		}
	}
	return ""
}

// broken is a row whose fields cannot be told apart. Only a first column cannot
// have been shifted: an id in any other counts as unreadable.
func (c *csvRows) broken(line int, fields []string, format string, arguments ...any) row {
	r := row{line: line, problem: fmt.Sprintf(format, arguments...)}
	if c.id == 0 && len(fields) > 0 {
		r.anchor, _ = anchorOf(c.document.id, fields[0])
	}
	return r
}

// atEnd reports whether nothing follows the row that was just read.
func (c *csvRows) atEnd() bool {
	_, err := c.buffered.Peek(1)
	return err != nil
}

func spansLines(field string) bool { return strings.IndexByte(field, '\n') >= 0 }
