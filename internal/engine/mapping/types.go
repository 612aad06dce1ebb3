package mapping

import (
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
	readOnly  bool
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
	if path.Sub != "" {
		if definition, ok = lookUp(whole.Sub, path.Sub); !ok {
			return attributeType{}
		}
	}
	t := attributeType{
		known:     true,
		data:      definition.Type,
		multi:     definition.MultiValued || whole.MultiValued && !path.HasCondition(),
		caseExact: definition.CaseExact,
		immutable: definition.Mutability == directory.Immutable || whole.Mutability == directory.Immutable,
		readOnly:  definition.Mutability == directory.ReadOnly || whole.Mutability == directory.ReadOnly,
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

// convert gives the value in the type of the target's attribute. A list of one
// is a scalar where one value is wanted; a longer one is an error.
func (t attributeType) convert(value directory.Value) (directory.Value, error) {
	if !t.known {
		return value, nil
	}
	if list := value.Values(); list != nil && !t.multi {
		if len(list) != 1 {
			return directory.Null, fmt.Errorf("the attribute takes one value and the mapping gives %d; pick one with Item(…, 1)", len(list))
		}
		value = list[0]
	}
	if list := value.Values(); list != nil {
		converted := make([]directory.Value, len(list))
		for i, element := range list {
			var err error
			if converted[i], err = t.convertOne(element); err != nil {
				return directory.Null, err
			}
		}
		return directory.List(converted...), nil
	}
	return t.convertOne(value)
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
	if value.Kind() == directory.KindTime {
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
