package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// jsonRows reads one array of objects.
type jsonRows struct {
	document *document
	text     *text
	in       *json.Decoder
}

const adviceJSON = `the file must hold one array of objects: [ {"id": "1"}, … ]`

func newJSON(d *document, t *text) (*jsonRows, error) {
	j := &jsonRows{document: d, text: t, in: json.NewDecoder(small{t})}
	token, err := j.in.Token()
	if err != nil {
		return nil, j.fail(err)
	}
	if token != json.Delim('[') {
		return nil, d.unreadable(j.line(), adviceJSON, "there is %s where an array must begin", describe(token))
	}
	return j, nil
}

// small passes on little at a time, so that little is ever ahead of the row
// whose line is asked for.
type small struct{ in io.Reader }

func (s small) Read(p []byte) (int, error) { return s.in.Read(p[:min(len(p), 4096)]) }

func (j *jsonRows) columns() []string { return nil }

func (j *jsonRows) next() (row, error) {
	j.text.beginRow()
	if !j.in.More() {
		return row{}, j.end()
	}
	var raw json.RawMessage
	if err := j.in.Decode(&raw); err != nil {
		return row{}, j.fail(err)
	}
	return j.document.decodeRow(raw, j.line()-bytes.Count(raw, []byte{'\n'})), nil
}

// end looks at what follows the last object: the end of the array, and nothing
// else.
func (j *jsonRows) end() error {
	if _, err := j.in.Token(); err != nil {
		return j.fail(err)
	}
	switch _, err := j.in.Token(); {
	case j.text.err != nil:
		return j.text.err
	case err != io.EOF:
		return j.document.unreadable(j.line(), adviceJSON, "something follows the end of the array")
	}
	return io.EOF
}

// line gives the line up to which the document was taken.
func (j *jsonRows) line() int { return j.text.lines + 1 - newlines(j.in.Buffered()) }

func newlines(in io.Reader) int {
	data, _ := io.ReadAll(in) // a reader of bytes in memory does not fail
	return bytes.Count(data, []byte{'\n'})
}

// fail is the error of the document for one of the decoder.
func (j *jsonRows) fail(err error) error {
	if j.text.err != nil {
		return j.text.err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return j.document.unreadable(j.text.lines+1, adviceJSON, "the file ends before its array does")
	}
	line := j.line()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		rest := j.in.Buffered()
		if _, err := io.CopyN(io.Discard, rest, max(0, syntax.Offset-j.in.InputOffset())); err == nil {
			line = j.text.lines + 1 - newlines(rest)
		}
	}
	return j.document.unreadable(line, adviceJSON, "this is no JSON: %v", err)
}

// describe names a JSON token.
func describe(token json.Token) string {
	switch t := token.(type) {
	case nil:
		return "null"
	case json.Delim:
		if t == '{' || t == '}' {
			return "an object"
		}
		return "an array"
	case string:
		return "a text"
	case bool:
		return "a boolean"
	}
	return "a number"
}

// decodeRow makes a row of one object. What is wrong with it is the row's
// problem; the id is told when it can be.
func (d *document) decodeRow(raw []byte, line int) row {
	r := row{line: line}
	in := &values{decoder: json.NewDecoder(bytes.NewReader(raw))}
	in.decoder.UseNumber()
	token, err := in.decoder.Token()
	if err == nil && token != json.Delim('{') {
		r.problem = fmt.Sprintf("there is %s where an object must be", describe(token))
		return r
	}
	var members []directory.Member
	if err == nil {
		members, err = in.members(1)
	}
	if err == nil {
		if _, after := in.decoder.Token(); after != io.EOF {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		r.problem = fmt.Sprintf("this is no JSON: %v", err)
		return r
	}
	id, found := directory.Null, false
	for _, m := range members {
		if m.Name != d.id {
			continue
		}
		if found {
			r.problem = fmt.Sprintf("the id %q is given twice", d.id)
			return r
		}
		id, found = m.Value, true
	}
	anchor, ok := anchorText(id)
	if !ok {
		r.problem = fmt.Sprintf("the id %q is %v; it must be a text or an integer", d.id, id.Kind())
		return r
	}
	if r.anchor, r.problem = anchorOf(d.id, anchor); r.problem != "" {
		return r
	}
	if in.problem != "" {
		r.problem = in.problem
		return r
	}
	d.fill(&r, members)
	return r
}

// fill gives a row its attributes and edges.
func (d *document) fill(r *row, members []directory.Member) {
	attributes := make(map[string]directory.Value, len(members))
	for _, m := range members {
		attributes[m.Name] = m.Value
	}
	var edges row
	edges.anchor = r.anchor
	for _, reference := range d.references {
		value := attributes[reference.column]
		targets := []directory.Value{value}
		if value.Kind() == directory.KindList {
			targets = value.Values()
		}
		edges.edges = slices.Grow(edges.edges, len(targets))
		for _, target := range targets {
			anchor, ok := anchorText(target)
			if !ok {
				r.problem = fmt.Sprintf("%q holds %v where a reference must be: a text, an integer, or a list of them", reference.column, target.Kind())
				return
			}
			if r.problem = edges.refer(d, reference, anchor); r.problem != "" {
				return
			}
		}
	}
	for name := range attributes {
		if d.isReference(name) {
			delete(attributes, name)
		}
	}
	r.attributes, r.edges = directory.NewAttributes(attributes), edges.edges
}

// anchorText gives the text of a value that may be an id: null is none.
func anchorText(value directory.Value) (string, bool) {
	switch value.Kind() {
	case directory.KindNull, directory.KindText, directory.KindInteger:
		return value.String(), true
	}
	return "", false
}

// values decodes values token by token. It notes the first thing that makes
// the row unfit, and goes on, so that the row's id can be told all the same.
type values struct {
	decoder *json.Decoder
	problem string
}

// maxDepth bounds how deep lists and objects nest.
const maxDepth = 32

func (v *values) note(format string, arguments ...any) {
	if v.problem == "" {
		v.problem = fmt.Sprintf(format, arguments...)
	}
}

// members decodes the rest of an object whose brace was read.
func (v *values) members(depth int) ([]directory.Member, error) {
	var members []directory.Member
	names := make(map[string]bool)
	for v.decoder.More() {
		token, err := v.decoder.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the decoder takes nothing else for a name
		if names[name] {
			v.note("%.100q is given twice", name)
		}
		names[name] = true
		if name == "" || len(name) > maxAnchor {
			v.note("an attribute's name is empty or longer than %d bytes", maxAnchor)
		}
		if problem := textProblem(name); problem != "" {
			v.note("an attribute's name %s", problem)
		}
		value, err := v.value(name, depth)
		if err != nil {
			return nil, err
		}
		members = append(members, directory.Member{Name: name, Value: value})
	}
	_, err := v.decoder.Token()
	return members, err
}

// value decodes the next value, of the attribute of that name.
func (v *values) value(name string, depth int) (directory.Value, error) {
	token, err := v.decoder.Token()
	if err != nil {
		return directory.Null, err
	}
	delim, nested := token.(json.Delim)
	if !nested {
		if s, ok := token.(string); ok {
			if problem := textProblem(s); problem != "" {
				v.note("%.100q %s", name, problem)
			}
		}
		return directory.FromJSON(token)
	}
	if depth >= maxDepth {
		v.note("%.100q nests deeper than %d", name, maxDepth)
		return directory.Null, v.skip()
	}
	if delim == '{' {
		members, err := v.members(depth + 1)
		return directory.Complex(members...), err
	}
	var elements []directory.Value
	for v.decoder.More() {
		element, err := v.value(name, depth+1)
		if err != nil {
			return directory.Null, err
		}
		elements = append(elements, element)
	}
	_, err = v.decoder.Token()
	return directory.List(elements...), err
}

// skip passes over the rest of an object or list whose opening was read.
func (v *values) skip() error {
	for open := 1; open > 0; {
		token, err := v.decoder.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
	return nil
}
