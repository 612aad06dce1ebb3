package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// rowDecoder makes rows of JSON objects. It notes the first thing that makes a
// row unfit, and goes on, so that the row's id can be told all the same.
type rowDecoder struct {
	document *document
	in       jsontext.Decoder
	buffer   bytes.Buffer // the row, as the decoder takes it in place
	text     string       // the row, of which its texts are parts
	problem  string

	// What is decoded, of each object and list that is not closed behind those
	// around it.
	members []directory.Member
	values  []directory.Value
	row     row // the last, whose memory is used again
}

// lenient lets through what is an affair of the row: names that come twice are its
// problem, and halves of surrogate pairs become U+FFFD.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// decode makes a row of one object. What is wrong with it is the row's problem;
// the id is told when it can be.
func (d *rowDecoder) decode(raw []byte, line int) row {
	r := row{line: line}
	d.text, d.problem, d.buffer = string(raw), "", *bytes.NewBuffer(raw)
	d.members, d.values = again(d.members), again(d.values)
	d.in.Reset(&d.buffer, lenient...)
	token, err := d.in.ReadToken()
	if err == nil && token.Kind() != '{' {
		r.problem = fmt.Sprintf("there is %s where an object must be", describe(token.Kind()))
		return r
	}
	if err == nil {
		err = d.object(1)
	}
	if err == nil {
		if _, after := d.in.ReadToken(); !errors.Is(after, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if err != nil {
		r.problem = fmt.Sprintf("this is no JSON: %v", reason(err))
		return r
	}
	column := d.document.id
	id, found := directory.Null, false
	for _, m := range d.members {
		if m.Name != column {
			continue
		}
		if found {
			r.problem = fmt.Sprintf("the id %q is given twice", column)
			return r
		}
		id, found = m.Value, true
	}
	anchor, ok := anchorText(id)
	if !ok {
		r.problem = fmt.Sprintf("the id %q is %v; it must be a text or an integer", column, id.Kind())
		return r
	}
	if r.anchor, r.problem = anchorOf(column, anchor); r.problem != "" {
		return r
	}
	if r.problem = d.problem; r.problem == "" {
		d.fill(&r)
	}
	return r
}

// fill gives a row its attributes and edges. No two members have one name.
func (d *rowDecoder) fill(r *row) {
	edges := row{anchor: r.anchor, edges: again(d.row.edges)}
	for _, reference := range d.document.references {
		for _, m := range d.members {
			if m.Name != reference.column {
				continue
			}
			targets := []directory.Value{m.Value}
			if m.Value.Kind() == directory.KindList {
				targets = m.Value.Values()
			}
			edges.edges = slices.Grow(edges.edges, len(targets))
			for _, target := range targets {
				anchor, ok := anchorText(target)
				if !ok {
					r.problem = fmt.Sprintf("%q holds %v where a reference must be: a text, an integer, or a list of them", reference.column, target.Kind())
					return
				}
				if r.problem = edges.refer(d.document, reference, anchor); r.problem != "" {
					return
				}
			}
		}
	}
	r.edges = edges.edges
	r.attributes = again(d.row.attributes)
	for _, m := range d.members {
		if !d.document.isReference(m.Name) {
			r.attributes = append(r.attributes, directory.Attribute(m))
		}
	}
	slices.SortFunc(r.attributes, func(a, b directory.Attribute) int { return strings.Compare(a.Name, b.Name) })
	d.row = *r
}

// anchorText gives the text of a value that may be an id: null is none.
func anchorText(value directory.Value) (string, bool) {
	switch value.Kind() {
	case directory.KindNull, directory.KindText, directory.KindInteger:
		return value.String(), true
	}
	return "", false
}

// maxDepth bounds how deep lists and objects nest.
const maxDepth = 32

func (d *rowDecoder) note(format string, arguments ...any) {
	if d.problem == "" {
		d.problem = fmt.Sprintf(format, arguments...)
	}
}

// object decodes the rest of an object whose brace was read. Its members are the
// last ones then.
func (d *rowDecoder) object(depth int) error {
	first := len(d.members)
	var known names
	for d.in.PeekKind() != '}' {
		name, err := d.quoted()
		if err != nil {
			return err
		}
		if known.add(d.members[first:], name) {
			d.note("%.100q is given twice", name)
		}
		if name == "" || len(name) > maxAnchor {
			d.note("an attribute's name is empty or longer than %d bytes", maxAnchor)
		}
		if problem := textProblem(name); problem != "" {
			d.note("an attribute's name %s", problem)
		}
		value, err := d.value(name, depth)
		if err != nil {
			return err
		}
		d.members = append(d.members, directory.Member{Name: name, Value: value})
	}
	_, err := d.in.ReadToken()
	return err
}

// value decodes the next value, of the attribute of that name.
func (d *rowDecoder) value(name string, depth int) (directory.Value, error) {
	switch kind := d.in.PeekKind(); {
	case (kind == '{' || kind == '[') && depth >= maxDepth:
		d.note("%.100q nests deeper than %d", name, maxDepth)
		return directory.Null, d.in.SkipValue()
	case kind == '{':
		if _, err := d.in.ReadToken(); err != nil {
			return directory.Null, err
		}
		first := len(d.members)
		err := d.object(depth + 1)
		complex := directory.Complex(d.members[first:]...)
		d.members = cut(d.members, first)
		return complex, err
	case kind == '[':
		first := len(d.values)
		err := d.list(name, depth+1)
		list := directory.List(slices.Clone(d.values[first:])...)
		d.values = cut(d.values, first)
		return list, err
	case kind == '"':
		s, err := d.quoted()
		if problem := textProblem(s); problem != "" {
			d.note("%.100q %s", name, problem)
		}
		return directory.Text(s), err
	}
	raw, err := d.in.ReadValue()
	if err != nil {
		return directory.Null, err
	}
	switch raw.Kind() {
	case 'n':
		return directory.Null, nil
	case 't', 'f':
		return directory.Boolean(raw.Kind() == 't'), nil
	}
	number := d.part(raw)
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		return directory.Integer(n), nil
	}
	return directory.Text(number), nil
}

// list decodes a list. Its values are the last ones then.
func (d *rowDecoder) list(name string, depth int) error {
	if _, err := d.in.ReadToken(); err != nil {
		return err
	}
	for d.in.PeekKind() != ']' {
		value, err := d.value(name, depth)
		if err != nil {
			return err
		}
		d.values = append(d.values, value)
	}
	_, err := d.in.ReadToken()
	return err
}

// quoted reads a text.
func (d *rowDecoder) quoted() (string, error) {
	raw, err := d.in.ReadValue()
	if err != nil {
		return "", err
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		part := d.part(raw)
		return part[1 : len(part)-1], nil
	}
	text, _ := jsontext.AppendUnquote(nil, raw) // it was checked; halves of pairs are U+FFFD
	return string(text), nil
}

// part gives the value that was read last as a part of the row's text.
func (d *rowDecoder) part(raw jsontext.Value) string {
	end := int(d.in.InputOffset())
	return d.text[end-len(raw) : end]
}

// names tells which name of an object comes twice.
type names map[string]bool

// add takes up a name behind those of members, and reports whether it is one of
// them.
func (n *names) add(members []directory.Member, name string) (twice bool) {
	const few = 32 // so many are compared sooner than looked up
	if len(members) < few {
		return slices.ContainsFunc(members, func(m directory.Member) bool { return m.Name == name })
	}
	if *n == nil {
		*n = make(names)
		for _, m := range members {
			(*n)[m.Name] = true
		}
	}
	twice = (*n)[name]
	(*n)[name] = true
	return twice
}

// reason is what is wrong with JSON, without the place, which is told otherwise.
func reason(err error) error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && syntax.Err != nil {
		return syntax.Err
	}
	return err
}

// describe names a kind of JSON token.
func describe(kind jsontext.Kind) string {
	switch kind {
	case 'n':
		return "null"
	case '{', '}':
		return "an object"
	case '[', ']':
		return "an array"
	case '"':
		return "a text"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}
