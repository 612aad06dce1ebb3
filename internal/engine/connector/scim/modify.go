package scim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// writing is an Operation made ready to be written: values in the types that
// the schema asks for, the enabled state as a modification.
type writing struct {
	operation     connector.Operation
	kind          resourceType
	modifications []modification
	// enabled is the state that is written, by the operation or as an attribute
	// among others; nil for none.
	enabled *bool
	// extensions are those of the account as it was read, by URN, where an
	// extension is written as a whole; nil where it is not.
	extensions map[string]lazyjson.Value
}

// modification is a connector.Modification with its values as JSON.
type modification struct {
	*attribute
	verb      connector.Verb
	reference bool
	many      bool             // of a multi-valued attribute as a whole
	value     lazyjson.Value   // of Set
	values    []lazyjson.Value // of Add and Remove
}

// prepare makes an operation ready. The error names the attribute whose value
// cannot be written.
func (t *target) prepare(o connector.Operation) (writing, error) {
	kind, err := t.known().typeOf(o.Type)
	if err != nil {
		return writing{}, err
	}
	w := writing{operation: o, kind: kind, enabled: o.Enabled, modifications: make([]modification, 0, len(o.Modifications)+1)}
	for _, m := range o.Modifications {
		if o.Enabled != nil && samePath(m.Path, activePath) {
			continue
		}
		prepared, err := t.prepareModification(o.Type, m)
		if err != nil {
			return writing{}, err
		}
		w.modifications = append(w.modifications, prepared)
		if state, ok := prepared.value.AsBoolean(); ok && o.Type == directory.User && samePath(m.Path, activePath) {
			w.enabled = &state
		}
	}
	if o.Enabled != nil {
		w.modifications = append(w.modifications, modification{
			attribute: t.attribute(o.Type, activePath), verb: connector.Set, value: lazyjson.Boolean(*o.Enabled),
		})
	}
	return w, nil
}

func (t *target) prepareModification(typ string, m connector.Modification) (modification, error) {
	out := modification{attribute: t.attribute(typ, m.Path), verb: m.Verb}
	out.reference = out.refers(&m)
	out.many = out.whole() || !m.Path.HasCondition() && m.Path.Sub() == "" && out.definition.Type == "" && m.Value.Kind() == directory.KindList
	if m.Verb == connector.Clear || m.Verb == connector.Set && m.Value.IsNull() {
		out.verb = connector.Clear
		return out, nil
	}
	single := m.Value.Kind() != directory.KindList
	if single && m.Verb == connector.Set && !out.many {
		var err error
		out.value, err = out.write(m.Value)
		return out, err
	}
	list := m.Value.Values()
	if single {
		list = []directory.Value{m.Value}
	}
	values := make([]lazyjson.Value, len(list))
	for i, value := range list {
		var err error
		if values[i], err = out.write(value); err != nil {
			return out, err
		}
	}
	switch {
	case m.Verb == connector.Add || m.Verb == connector.Remove:
		out.values = values
	case m.Verb != connector.Set:
		return out, rejected(codeInternal, fmt.Sprintf("%q is nothing that can be done to %s", m.Verb, m.Path), nil)
	case out.many:
		out.value = lazyjson.Array(values...)
	case len(values) != 1:
		return out, rejected("SchemaPropertyCanOnlyAcceptValue", fmt.Sprintf("%s takes one value, not %d", m.Path, len(values)), nil)
	default:
		out.value = values[0]
	}
	return out, nil
}

// whole reports whether the path is a multi-valued attribute as a whole.
func (a *attribute) whole() bool {
	return a.definition.MultiValued && !a.path.HasCondition() && a.path.Sub() == ""
}

// refers reports whether a modification of the attribute writes references.
func (a *attribute) refers(m *connector.Modification) bool {
	return m.Reference || a.definition.Type == directory.TypeReference && a.path.Sub() == ""
}

// write gives one value as JSON.
func (m modification) write(value directory.Value) (lazyjson.Value, error) {
	var room [128]byte
	encoded, err := m.appendValue(room[:0], value, m.reference)
	return lazyjson.Raw(string(encoded)), err
}

// appendValue writes one value as JSON, of the type that the attribute has.
func (a *attribute) appendValue(out []byte, value directory.Value, reference bool) ([]byte, error) {
	text, isText := value.AsText()
	switch {
	case reference:
		id := value.String()
		if isText && id == "" || !isText && value.Kind() != directory.KindInteger {
			return nil, rejected(codeInvalidValue, fmt.Sprintf("%s refers to no account", a.path), nil)
		}
		return appendReference(out, id), nil
	case isText && a.definition.Type == directory.TypeBoolean:
		if value = asBoolean(value); value.Kind() != directory.KindBoolean {
			return nil, rejected(codeInvalidValue, fmt.Sprintf("%s takes True or False", a.path), nil)
		}
	case isText && a.definition.Type == directory.TypeInteger:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, rejected(codeInvalidValue, fmt.Sprintf("%s takes an integer", a.path), nil)
		}
		value = directory.Integer(n)
	case isText:
		return lazyjson.AppendText(out, text), nil
	}
	if boolean, ok := value.AsBoolean(); ok {
		return strconv.AppendBool(out, boolean), nil
	}
	encoded, err := value.MarshalJSON()
	if err != nil {
		return append(out, "null"...), nil
	}
	return append(out, encoded...), nil
}

// applyTo carries the modifications out on a resource: on an empty one to
// create it, on the one that was read to replace it.
func (w writing) applyTo(r *resource) {
	for _, m := range w.modifications {
		switch m.verb {
		case connector.Set:
			r.set(m.path, m.value)
		case connector.Clear:
			r.clear(m.path)
		case connector.Add:
			r.add(m.path, m.values)
		case connector.Remove:
			r.remove(m.path, m.values)
		}
	}
}

// touches reports whether the path's attribute is modified.
func (w writing) touches(path directory.Path) bool {
	return slices.ContainsFunc(w.modifications, func(m modification) bool { return samePath(m.path.Attribute(), path) })
}

// memberChanges counts the references added and removed.
func (w writing) memberChanges() int {
	n := 0
	for _, m := range w.modifications {
		if m.verb == connector.Add || m.verb == connector.Remove {
			n += len(m.values)
		}
	}
	return n
}

// wanted gives the attributes written, to be read out of the answer.
func (t *target) wanted(w writing) []*attribute {
	list := make([]*attribute, 0, len(w.modifications))
	for _, m := range w.modifications {
		a := m.attribute
		if m.many || m.verb == connector.Add || m.verb == connector.Remove {
			a = t.attribute(w.operation.Type, m.path.Attribute())
		}
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// primaryMail makes the work address of a new account the primary one, unless
// another is.
func primaryMail(r *resource) {
	list := r.Find("emails")
	if list == nil {
		return
	}
	for element := range list.Elements() {
		if _, _, said := element.Lookup("primary"); said {
			return
		}
	}
	if at, _ := matching(list, directory.Condition{Attribute: "type", Value: "work", Quoted: true}); at >= 0 {
		*list.Element(at).Member("primary") = lazyjson.Boolean(true)
	}
}

// isExtension reports whether the path stands in an extension schema.
func isExtension(path directory.Path) bool { return !isCore(path.URN()) }

// elementOf names the element that a path with a condition selects.
func elementOf(path directory.Path) string {
	return strings.ToLower(path.Element().String())
}
