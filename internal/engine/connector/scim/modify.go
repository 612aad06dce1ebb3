package scim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
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
	extensions map[string]any
}

// modification is a connector.Modification with its values as JSON.
type modification struct {
	path      directory.Path
	verb      connector.Verb
	reference bool
	many      bool  // of a multi-valued attribute as a whole
	value     any   // of Set
	values    []any // of Add and Remove
}

// prepare makes an operation ready. The error names the attribute whose value
// cannot be written.
func (t *target) prepare(o connector.Operation) (writing, error) {
	kind, err := t.known().typeOf(o.Type)
	if err != nil {
		return writing{}, err
	}
	w := writing{operation: o, kind: kind, enabled: o.Enabled}
	for _, m := range o.Modifications {
		if o.Enabled != nil && samePath(m.Path, activePath) {
			continue
		}
		prepared, err := t.prepareModification(o.Type, m)
		if err != nil {
			return writing{}, err
		}
		w.modifications = append(w.modifications, prepared)
		if state, ok := prepared.value.(bool); ok && o.Type == directory.User && samePath(m.Path, activePath) {
			w.enabled = &state
		}
	}
	if o.Enabled != nil {
		w.modifications = append(w.modifications, modification{path: activePath, verb: connector.Set, value: *o.Enabled})
	}
	return w, nil
}

func (t *target) prepareModification(typ string, m connector.Modification) (modification, error) {
	definition := t.known().definition(typ, m.Path)
	out := modification{path: m.Path, verb: m.Verb, reference: m.Reference || definition.Type == directory.TypeReference && m.Path.Sub == ""}
	list := m.Value.Values()
	out.many = !m.Path.HasCondition() && m.Path.Sub == "" && (definition.MultiValued || definition.Type == "" && m.Value.Kind() == directory.KindList)
	if m.Verb == connector.Clear || m.Verb == connector.Set && m.Value.IsNull() {
		out.verb = connector.Clear
		return out, nil
	}
	if list == nil {
		list = []directory.Value{m.Value}
	}
	for _, value := range list {
		written, err := out.write(value, definition)
		if err != nil {
			return out, err
		}
		out.values = append(out.values, written)
	}
	switch m.Verb {
	case connector.Set:
		switch {
		case out.many:
			out.value = out.values
		case m.Value.Kind() == directory.KindList && len(out.values) != 1:
			return out, rejected("SchemaPropertyCanOnlyAcceptValue", fmt.Sprintf("%s takes one value, not %d", m.Path, len(out.values)), nil)
		default:
			out.value = out.values[0]
		}
		out.values = nil
	case connector.Add, connector.Remove:
	default:
		return out, rejected(codeInternal, fmt.Sprintf("%q is nothing that can be done to %s", m.Verb, m.Path), nil)
	}
	return out, nil
}

// write gives one value as JSON.
func (m modification) write(value directory.Value, definition directory.Definition) (any, error) {
	if m.reference {
		id, ok := value.AsText()
		if !ok || id == "" {
			if id = value.String(); value.Kind() != directory.KindInteger {
				return nil, rejected(codeInvalidValue, fmt.Sprintf("%s refers to no account", m.path), nil)
			}
		}
		return map[string]any{"value": id}, nil
	}
	text, isText := value.AsText()
	switch {
	case isText && definition.Type == directory.TypeBoolean:
		boolean, ok := asBoolean(value).AsBoolean()
		if !ok {
			return nil, rejected(codeInvalidValue, fmt.Sprintf("%s takes True or False", m.path), nil)
		}
		return boolean, nil
	case isText && definition.Type == directory.TypeInteger:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, rejected(codeInvalidValue, fmt.Sprintf("%s takes an integer", m.path), nil)
		}
		return json.Number(text), nil
	}
	return plain(value), nil
}

// applyTo carries the modifications out on a resource: on an empty one to
// create it, on the one that was read to replace it.
func (w writing) applyTo(r resource) {
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

// wanted gives the paths written, to be read out of the answer.
func (w writing) wanted() []directory.Path {
	var paths []directory.Path
	for _, m := range w.modifications {
		path := m.path
		if m.many || m.verb == connector.Add || m.verb == connector.Remove {
			path = path.Attribute()
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// primaryMail makes the work address of a new account the primary one, unless
// another is.
func primaryMail(r resource) {
	_, value, _ := r.lookup("emails")
	list, _ := value.([]any)
	for _, element := range list {
		if m, ok := element.(map[string]any); ok {
			if _, _, said := resource(m).lookup("primary"); said {
				return
			}
		}
	}
	if at := matching(list, directory.Condition{Attribute: "type", Value: "work", Quoted: true}); at >= 0 {
		list[at].(map[string]any)["primary"] = true
	}
}

// isExtension reports whether the path stands in an extension schema.
func isExtension(path directory.Path) bool { return !isCore(path.URN) }

// elementOf names the element that a path with a condition selects.
func elementOf(path directory.Path) string {
	return strings.ToLower(directory.Path{URN: path.URN, Name: path.Name, Where: path.Where}.String())
}
