package scim

import (
	"maps"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

const schemaPatch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// patchBody is a PATCH request (RFC 7644 section 3.5.2).
type patchBody struct {
	Schemas    []string         `json:"schemas"`
	Operations []patchOperation `json:"Operations"`
}

type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
}

// patcher writes modifications as the operations of one PATCH.
type patcher struct {
	dialect    Dialect
	removal    MemberRemoval
	operations []patchOperation
	together   map[string]any  // entra_compat: what goes into one operation without path
	extensions map[string]any  // by URN, for the object form
	held       map[string]any  // the account's own, which those begin as
	missing    map[string]bool // elements, by elementOf, that have to be added as a whole
	elements   map[string]resource
}

func (t *target) patch(w writing, removal MemberRemoval, missing map[string]bool) patchBody {
	p := &patcher{
		dialect: t.dialect, removal: removal, missing: missing,
		together: map[string]any{}, extensions: map[string]any{}, held: w.extensions, elements: map[string]resource{},
	}
	whole := clearedElements(w)
	for _, m := range w.modifications {
		switch {
		case m.verb == connector.Clear && m.path.HasCondition() && whole[elementOf(m.path)]:
			m.path.Sub = "" // an address without value is none
		case m.verb == connector.Set && missing[elementOf(m.path)] && m.path.HasCondition():
			p.addElement(m)
			continue
		}
		p.write(m)
	}
	if len(p.together) > 0 {
		p.operation("replace", "", p.together)
	}
	if len(p.extensions) > 0 {
		p.operation("replace", "", p.extensions)
	}
	return patchBody{[]string{schemaPatch}, p.operations}
}

// clearedElements gives the elements whose value is cleared while nothing else
// of them is set.
func clearedElements(w writing) map[string]bool {
	cleared := map[string]bool{}
	for _, m := range w.modifications {
		if m.verb == connector.Clear && m.path.HasCondition() && strings.EqualFold(m.path.Sub, "value") {
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

func (p *patcher) operation(op, path string, value any) {
	if p.dialect.Patch == PatchEntra {
		op = strings.ToUpper(op[:1]) + op[1:]
	}
	if b, ok := value.(bool); ok && p.dialect.textBooleans() {
		value = strings.ToUpper(boolText(b)[:1]) + boolText(b)[1:]
	}
	p.operations = append(p.operations, patchOperation{op, path, value})
}

// wirePath writes a path with the types that its condition's attribute has.
func wirePath(path directory.Path) string {
	if path.HasCondition() {
		if b, ok := conditionValue(path.Where).(bool); ok {
			path.Where.Quoted, path.Where.Value = false, boolText(b)
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
			p.extension(m.path, nil)
			return
		}
		p.operation("remove", path, nil)
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
		p.operation("replace", path, p.references(m.value.([]any), true))
	case p.dialect.ExtensionObject && isExtension(m.path):
		p.extension(m.path, m.value)
	case p.dialect.Patch == PatchEntraCompat && !m.path.HasCondition():
		p.together[path] = m.value
	default:
		p.operation("replace", path, m.value)
	}
}

// setReference writes a reference to one account, the manager above all.
func (p *patcher) setReference(m modification, path string) {
	id := referenceIDs(m.value)[0]
	switch {
	case p.dialect.Patch == PatchEntra:
		p.operation("add", m.path.Name, p.references([]any{m.value}, true))
	case p.dialect.Patch == PatchEntraCompat:
		p.operation("replace", path, id)
	case p.dialect.ExtensionObject && isExtension(m.path):
		p.extension(m.path, m.value)
	default:
		p.operation("replace", path, m.value)
	}
}

// references gives a list of references as the dialect writes it.
func (p *patcher) references(values []any, reference bool) []any {
	if !reference || p.dialect.Patch != PatchEntra {
		return values
	}
	list := make([]any, len(values))
	for i, value := range values {
		list[i] = map[string]any{"$ref": nil, "value": referenceIDs(value)[0]}
	}
	return list
}

func (p *patcher) remove(m modification) {
	if m.reference && p.removal == RemoveByValue {
		p.operation("remove", wirePath(m.path), p.references(m.values, true))
		return
	}
	for _, value := range m.values {
		path := m.path.Attribute()
		path.Where = directory.Condition{Attribute: "value", Value: elementValue(value), Quoted: true}
		p.operation("remove", path.String(), nil)
	}
}

// elementValue gives what tells an element of a multi-valued attribute.
func elementValue(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		return resource(v).text("value")
	}
	encoded, err := marshal(value)
	if err != nil {
		return ""
	}
	return string(encoded)
}

func (p *patcher) extension(path directory.Path, value any) {
	object, ok := p.extensions[path.URN].(map[string]any)
	if !ok {
		object = map[string]any{}
		if held, ok := p.held[path.URN].(map[string]any); ok {
			object = maps.Clone(held)
		}
		p.extensions[path.URN] = object
	}
	resource(object).set(directory.Path{Name: path.Name, Sub: path.Sub}, value)
}

// addElement adds an element of which several paths may tell something.
func (p *patcher) addElement(m modification) {
	key := elementOf(m.path)
	holder, ok := p.elements[key]
	if !ok {
		holder = resource{}
		p.elements[key] = holder
	}
	plainPath := m.path
	plainPath.URN = ""
	holder.set(plainPath, m.value)
	if !ok {
		_, list, _ := holder.lookup(m.path.Name)
		p.operation("add", m.path.Attribute().String(), list)
	}
}
