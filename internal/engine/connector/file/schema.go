package file

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// sampled is how many rows of JSON the schema is drawn from.
const sampled = 1000

// Schema gives the header's columns, or the keys of the first rows with the
// types of their values, and the declared references.
func (s *source) Schema(ctx context.Context) (directory.Schema, error) {
	var schema directory.Schema
	for _, d := range s.documents {
		attributes, err := d.attributes(ctx)
		if err != nil {
			return directory.Schema{}, err
		}
		for _, r := range d.references {
			definition := directory.Definition{
				Name: r.attribute, Type: directory.TypeReference, MultiValued: r.split,
				CaseExact: true, References: []string{directory.User},
			}
			if d.typ == directory.Group {
				definition.References = append(definition.References, directory.Group)
			}
			attributes = append(attributes, definition)
		}
		schema.Types = append(schema.Types, directory.ObjectType{Name: d.typ, Attributes: attributes})
	}
	return schema, nil
}

// attributes defines the columns that are no references, in the header's order
// or by name.
func (d *document) attributes(ctx context.Context) ([]directory.Definition, error) {
	in, _, closer, err := d.open(true)
	if err != nil {
		return nil, err
	}
	header := in.columns()
	closer.Close()
	if header != nil {
		var attributes []directory.Definition
		for _, name := range header {
			if !d.isReference(name) {
				attributes = append(attributes, d.define(directory.Definition{Name: name, Type: directory.TypeString}))
			}
		}
		return attributes, nil
	}
	enough := errors.New("enough")
	shapes, rows := make(map[string]*shape), 0
	_, err = d.each(ctx, true, func(r row) error {
		for _, attribute := range r.attributes {
			add(shapes, attribute.Name, attribute.Value)
		}
		if rows++; rows == sampled {
			return enough
		}
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		return nil, err
	}
	add(shapes, d.id, directory.Text(""))
	attributes := definitions(shapes)
	for i := range attributes {
		attributes[i] = d.define(attributes[i])
	}
	return attributes, nil
}

// define marks the id column.
func (d *document) define(definition directory.Definition) directory.Definition {
	if definition.Name == d.id {
		definition.Type, definition.Required, definition.CaseExact, definition.Unique = directory.TypeString, true, true, true
	}
	return definition
}

// shape is what the values of one attribute have in common.
type shape struct {
	typ   directory.DataType // empty until a value was seen
	multi bool
	sub   map[string]*shape
}

func add(shapes map[string]*shape, name string, value directory.Value) {
	s := shapes[name]
	if s == nil {
		s = &shape{sub: make(map[string]*shape)}
		shapes[name] = s
	}
	s.add(value)
}

func (s *shape) add(value directory.Value) {
	typ := directory.TypeString
	switch value.Kind() {
	case directory.KindNull:
		return
	case directory.KindList:
		s.multi = true
		for _, element := range value.Values() {
			s.add(element)
		}
		return
	case directory.KindBoolean:
		typ = directory.TypeBoolean
	case directory.KindInteger:
		typ = directory.TypeInteger
	case directory.KindComplex:
		typ = directory.TypeComplex
		for _, member := range value.Members() {
			add(s.sub, member.Name, member.Value)
		}
	}
	if s.typ != "" && s.typ != typ {
		typ = directory.TypeString
	}
	s.typ = typ
}

func definitions(shapes map[string]*shape) []directory.Definition {
	var out []directory.Definition
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		s := shapes[name]
		definition := directory.Definition{Name: name, Type: s.typ, MultiValued: s.multi}
		switch s.typ {
		case "":
			definition.Type = directory.TypeString
		case directory.TypeComplex:
			definition.Sub = definitions(s.sub)
		}
		out = append(out, definition)
	}
	return out
}
