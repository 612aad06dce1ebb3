package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// attributeType is what the target's schema says of one mapped attribute.
type attributeType struct {
	known     bool
	data      directory.DataType
	multi     bool
	caseExact bool
	immutable bool
	required  bool
	writeOnly bool
}

// typeOf looks a path up in the target's schema, where names are compared
// without case (RFC 7643 section 2.1).
func typeOf(target *directory.ObjectType, path directory.Path) attributeType {
	if target == nil {
		return attributeType{}
	}
	whole, ok := lookUp(target.Attributes, path.Attribute().String())
	if !ok {
		return attributeType{}
	}
	definition := whole
	if path.Sub() != "" {
		if definition, ok = lookUp(whole.Sub, path.Sub()); !ok {
			return attributeType{}
		}
	}
	t := attributeType{
		known:     true,
		data:      definition.Type,
		multi:     definition.MultiValued || whole.MultiValued && !path.HasCondition(),
		caseExact: definition.CaseExact,
		immutable: definition.Mutability == directory.Immutable || whole.Mutability == directory.Immutable,
		writeOnly: definition.Mutability == directory.WriteOnly || whole.Mutability == directory.WriteOnly,
		required:  definition.Required,
	}
	return t
}

func lookUp(definitions []directory.Definition, name string) (directory.Definition, bool) {
	for _, d := range definitions {
		if strings.EqualFold(d.Name, name) {
			return d, true
		}
	}
	return directory.Definition{}, false
}

// errSeveral says that there are several values where one is wanted.
var errSeveral = errors.New("the attribute takes one value")

// convert gives a value that is not empty in the type of the target's
// attribute; empty elements of a list are none. A list of one is a scalar where
// one value is wanted; a longer one is errSeveral. A time stays one where the
// attribute takes such, and is its canonical text elsewhere.
func (t attributeType) convert(value directory.Value) (directory.Value, error) {
	if !t.known {
		if value.Kind() == directory.KindTime {
			return directory.Text(value.String()), nil
		}
		return value, nil
	}
	list := value.Values()
	if list == nil {
		return t.convertOne(value)
	}
	converted := make([]directory.Value, 0, len(list))
	for _, element := range list {
		if element.IsEmpty() {
			continue
		}
		one, err := t.convertOne(element)
		if err != nil {
			return directory.Null, err
		}
		converted = append(converted, one)
	}
	switch {
	case t.multi:
		return directory.List(converted...), nil
	case len(converted) == 1:
		return converted[0], nil
	}
	return directory.Null, fmt.Errorf("%w and the mapping gives %d; pick one with Item(…, 1)", errSeveral, len(converted))
}

func (t attributeType) convertOne(value directory.Value) (directory.Value, error) {
	if value.IsNull() || value.Kind() == directory.KindComplex {
		return value, nil
	}
	text := value.String()
	switch t.data {
	case directory.TypeBoolean:
		switch {
		case strings.EqualFold(text, "true"):
			return directory.Boolean(true), nil
		case strings.EqualFold(text, "false"):
			return directory.Boolean(false), nil
		}
		return directory.Null, fmt.Errorf("the attribute takes True or False, not %s", shorten(text))
	case directory.TypeInteger:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return directory.Null, fmt.Errorf("the attribute takes a whole number, not %s", shorten(text))
		}
		return directory.Integer(n), nil
	case directory.TypeDateTime:
		return value, nil
	}
	return directory.Text(text), nil
}

// shorten quotes a value for a message, cut after 64 bytes.
func shorten(s string) string {
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "") + "…"
	}
	return strconv.Quote(s)
}
