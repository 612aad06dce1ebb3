package scim

import (
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector/lazyjson"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

const schemaPatch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// patcher writes modifications as the operations of one PATCH.
type patcher struct {
	dialect    Dialect
	removal    MemberRemoval
	operations []patchOperation
	together   lazyjson.Value            // entra_compat: what goes into one operation without path
	extensions lazyjson.Value            // by URN, for the object form
	held       map[string]lazyjson.Value // the account's own, which those begin as
	missing    map[string]bool           // elements, by elementOf, that have to be added as a whole
	added      map[string]int            // of those, the operations that do so
}

type patchOperation struct {
	op    string
	path  string         // empty for none
	value lazyjson.Value // null for none
}

// patch gives the body of a PATCH request (RFC 7644 section 3.5.2).
func (t *target) patch(w writing, removal MemberRemoval, missing map[string]bool) lazyjson.Value {
	p := &patcher{dialect: t.dialect, removal: removal, missing: missing, held: w.extensions, added: map[string]int{}}
	whole := clearedElements(w)
	for _, m := range w.modifications {
		switch {
		case m.verb == connector.Clear && m.path.HasCondition() && whole[elementOf(m.path)]:
			m.attribute = &attribute{path: m.path.Element()} // an address without value is none
		case m.verb == connector.Set && m.path.HasCondition() && missing[elementOf(m.path)]:
			p.addElement(m)
			continue
		}
		p.write(m)
	}
	for _, object := range []lazyjson.Value{p.together, p.extensions} {
		if !object.IsNull() {
			p.operation("replace", "", object)
		}
	}
	return p.body()
}

func (p *patcher) body() lazyjson.Value {
	operations := lazyjson.Array()
	for _, o := range p.operations {
		operation := operations.Append(lazyjson.Object(3))
		*operation.Member("op") = lazyjson.Text(o.op)
		if o.path != "" {
			*operation.Member("path") = lazyjson.Text(o.path)
		}
		if !o.value.IsNull() {
			*operation.Member("value") = o.value
		}
	}
	body := lazyjson.Object(2)
	*body.Member("schemas") = texts([]string{schemaPatch})
	*body.Member("Operations") = operations
	return body
}

// clearedElements gives the elements whose value is cleared while nothing else
// of them is set.
func clearedElements(w writing) map[string]bool {
	cleared := map[string]bool{}
	for _, m := range w.modifications {
		if m.verb == connector.Clear && m.path.HasCondition() && strings.EqualFold(m.path.Sub(), "value") {
			cleared[elementOf(m.path)] = true
		}
	}
	for _, m := range w.modifications {
		if m.verb == connector.Set && m.path.HasCondition() {
			delete(cleared, elementOf(m.path))
		}
	}
	return cleared
}

func (p *patcher) operation(op, path string, value lazyjson.Value) {
	if p.dialect.Patch == PatchEntra {
		op = strings.ToUpper(op[:1]) + op[1:]
	}
	if b, ok := value.AsBoolean(); ok && p.dialect.textBooleans() {
		value = lazyjson.Text(directory.Boolean(b).String())
	}
	p.operations = append(p.operations, patchOperation{op, path, value})
}

// wirePath writes a path with the types that its condition's attribute has.
func wirePath(path directory.Path) string {
	if path.HasCondition() {
		if b, ok := conditionValue(path.Where()).AsBoolean(); ok {
			parts := path.Parts()
			parts.Where.Quoted, parts.Where.Value = false, boolText(b)
			return parts.String()
		}
	}
	return path.String()
}

func (p *patcher) write(m modification) {
	path := wirePath(m.path)
	switch m.verb {
	case connector.Add:
		p.operation("add", path, p.references(m.values, m.reference))
	case connector.Remove:
		p.remove(m)
	case connector.Clear:
		if p.dialect.ExtensionObject && isExtension(m.path) {
			p.extension(m.path, lazyjson.Value{})
			return
		}
		p.operation("remove", path, lazyjson.Value{})
	case connector.Set:
		p.set(m, path)
	}
}

func (p *patcher) set(m modification, path string) {
	if m.reference && !m.many {
		p.setReference(m, path)
		return
	}
	switch {
	case m.reference:
		p.operation("replace", path, p.references(slices.Collect(m.value.Elements()), true))
	case p.dialect.ExtensionObject && isExtension(m.path):
		p.extension(m.path, m.value)
	case p.dialect.Patch == PatchEntraCompat && !m.path.HasCondition():
		*p.together.Member(path) = m.value
	default:
		p.operation("replace", path, m.value)
	}
}

// setReference writes a reference to one account, the manager above all.
func (p *patcher) setReference(m modification, path string) {
	id := referenceIDs(m.value)[0]
	switch {
	case p.dialect.Patch == PatchEntra:
		p.operation("add", m.path.Name(), p.references([]lazyjson.Value{m.value}, true))
	case p.dialect.Patch == PatchEntraCompat:
		p.operation("replace", path, lazyjson.Text(id))
	case p.dialect.ExtensionObject && isExtension(m.path):
		p.extension(m.path, m.value)
	default:
		p.operation("replace", path, m.value)
	}
}

// references gives a list of references as the dialect writes it.
func (p *patcher) references(values []lazyjson.Value, reference bool) lazyjson.Value {
	if !reference || p.dialect.Patch != PatchEntra {
		return lazyjson.Array(values...)
	}
	list := lazyjson.Array()
	for _, value := range values {
		entry := list.Append(lazyjson.Raw(`{"$ref":null}`))
		*entry.Member("value") = lazyjson.Text(referenceIDs(value)[0])
	}
	return list
}

func (p *patcher) remove(m modification) {
	if m.reference && p.removal == RemoveByValue {
		p.operation("remove", wirePath(m.path), p.references(m.values, true))
		return
	}
	for _, value := range m.values {
		path := m.path.Attribute().Parts()
		path.Where = directory.Condition{Attribute: "value", Value: elementValue(value), Quoted: true}
		p.operation("remove", path.String(), lazyjson.Value{})
	}
}

// elementValue gives what tells an element of a multi-valued attribute.
func elementValue(value lazyjson.Value) string {
	switch value.Kind() {
	case lazyjson.KindText:
		text, _ := value.AsText()
		return text
	case lazyjson.KindObject:
		return textOf(value, "value")
	}
	return string(value.AppendJSON(nil))
}

func (p *patcher) extension(path directory.Path, value lazyjson.Value) {
	object := p.extensions.Member(path.URN())
	if held := p.held[path.URN()]; object.IsNull() && held.Kind() == lazyjson.KindObject {
		*object = held
	}
	setAttribute(object, directory.Parts{Name: path.Name(), Sub: path.Sub()}.Path(), value)
}

// addElement adds an element of which several paths may tell something.
func (p *patcher) addElement(m modification) {
	key := elementOf(m.path)
	at, ok := p.added[key]
	if !ok {
		at = len(p.operations)
		p.added[key] = at
		p.operation("add", m.path.Attribute().String(), lazyjson.Array())
	}
	setElement(&p.operations[at].value, m.path, m.value)
}
