package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Send carries out one write, whole or not at all. Members that do not exist
// are given up, as Receipt.Lost; any other reference to nobody is refused.
func (t *Target) Send(ctx context.Context, operation connector.Operation) (connector.Receipt, error) {
	if err := interrupted(ctx); err != nil {
		return connector.Receipt{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range operation.Modifications {
		if most := t.features.MembersPerRequest; m.Reference && most > 0 && len(elements(m.Value)) > most {
			return connector.Receipt{}, rejected("UnprocessableEntity", "%s takes %d references at once and not %d", m.Path, most, len(elements(m.Value)))
		}
	}
	receipt, done, err := t.carryOut(operation)
	if err == nil && done {
		t.writes.count(operation.Kind, receipt.ID)
	}
	return receipt, err
}

// carryOut does what the operation says. done is false when there was nothing
// to do.
func (t *Target) carryOut(operation connector.Operation) (receipt connector.Receipt, done bool, err error) {
	c, err := t.collection(operation.Type)
	if err != nil {
		return connector.Receipt{}, false, err
	}
	switch operation.Kind {
	case connector.Create:
		receipt, err = t.create(c, operation)
		return receipt, true, err
	case connector.Update:
		receipt, err = t.update(c, operation)
		return receipt, true, err
	case connector.Delete:
		done, err = t.delete(c, operation)
		return connector.Receipt{ID: operation.ID}, done, err
	}
	return connector.Receipt{}, false, rejected("InternalError", "there is no operation %q", operation.Kind)
}

func (t *Target) create(c *collection, operation connector.Operation) (connector.Receipt, error) {
	if operation.ID != "" {
		return connector.Receipt{}, rejected("InternalError", "a create gives no id, and this one gives %q", operation.ID)
	}
	a := &account{values: map[directory.Path]directory.Value{}}
	d, err := t.draft(c, a, operation)
	if err != nil {
		return connector.Receipt{}, err
	}
	if path, ok := t.features.EnabledPath[c.typ.Name]; ok && d.values[path].IsNull() {
		d.values[path] = directory.Boolean(true)
	}
	a.id = c.newID(d.values)
	a.visible = t.searches + t.options.SearchLag + 1
	if t.options.SearchLag < 0 {
		a.visible = -1
	}
	c.accounts[a.id] = a
	c.order = append(c.order, a.id)
	return t.commit(c, a, d, operation), nil
}

func (t *Target) update(c *collection, operation connector.Operation) (connector.Receipt, error) {
	a, ok := c.accounts[operation.ID]
	if !ok {
		return connector.Receipt{}, gone(c.typ.Name, operation.ID)
	}
	if err := unchanged(a, operation); err != nil {
		return connector.Receipt{}, err
	}
	d, err := t.draft(c, a, operation)
	if err != nil {
		return connector.Receipt{}, err
	}
	return t.commit(c, a, d, operation), nil
}

func (t *Target) delete(c *collection, operation connector.Operation) (done bool, err error) {
	if !t.features.CanDelete[c.typ.Name] {
		return false, rejected("MethodNotAllowed", "a %s cannot be deleted", c.typ.Name)
	}
	a, ok := c.accounts[operation.ID]
	if !ok {
		return false, nil
	}
	if err := unchanged(a, operation); err != nil {
		return false, err
	}
	t.remove(c, a)
	return true, nil
}

func (t *Target) remove(c *collection, a *account) {
	t.leave(c, a)
	delete(c.accounts, a.id)
}

// unchanged refuses a conditional write to an account that has changed.
func unchanged(a *account, operation connector.Operation) error {
	if operation.Version == "" || operation.Version == a.etag() {
		return nil
	}
	return &connector.Error{
		Class: connector.Transient, Code: "Conflict",
		Detail: fmt.Sprintf("%s %q is at version %s and not %s", operation.Type, a.id, a.etag(), operation.Version),
	}
}

// draft is what an account is to become. The members are told as changes, so
// that one member more of a large group costs no more than that.
type draft struct {
	values  map[directory.Path]directory.Value
	members []memberChange
	lost    []string
}

type memberChange struct {
	path directory.Path
	verb connector.Verb
	ids  []string
}

// draft checks an operation and says what it leads to, changing nothing.
func (t *Target) draft(c *collection, a *account, operation connector.Operation) (*draft, error) {
	d := &draft{values: maps.Clone(a.values)}
	for _, m := range operation.Modifications {
		definition := t.definition(c.typ.Name, m.Path)
		if isReference := definition.Type == directory.TypeReference; definition.Name != "" && m.Verb != connector.Clear && m.Reference != isReference {
			return nil, rejected("AttributeValidationFailed", "%s: reference is %t, the modification says %t", m.Path, isReference, m.Reference)
		}
		var err error
		if isMembers(definition) {
			err = t.draftMembers(d, m, definition)
		} else {
			err = t.draftValue(d, m, definition)
		}
		if err != nil {
			return nil, err
		}
	}
	if operation.Enabled != nil {
		path, ok := t.features.EnabledPath[c.typ.Name]
		if !ok || !*operation.Enabled && !t.features.CanDisable[c.typ.Name] {
			return nil, rejected("NotImplemented", "a %s cannot be disabled", c.typ.Name)
		}
		d.values[path] = directory.Boolean(*operation.Enabled)
	}
	return d, t.check(c, a, d)
}

func (t *Target) draftValue(d *draft, m connector.Modification, definition directory.Definition) error {
	value, err := t.accepts(m, definition)
	if err != nil {
		return err
	}
	many := definition.MultiValued && m.Path.Sub() == "" || value.Kind() == directory.KindList
	switch {
	case m.Verb == connector.Clear:
		value = directory.Null
	case m.Verb == connector.Remove:
		value = without(d.values[m.Path], value)
	case m.Verb == connector.Add && many:
		value = union(d.values[m.Path], value)
	case m.Verb != connector.Set && m.Verb != connector.Add:
		return rejected("InternalError", "%s: there is no verb %q", m.Path, m.Verb)
	}
	if value.IsNull() || value.Kind() == directory.KindList && len(value.Values()) == 0 {
		delete(d.values, m.Path) // RFC 7643 section 2.5: unassigned, null and an empty list are one
		return nil
	}
	d.values[m.Path] = value
	return nil
}

// accepts gives the value as it is kept. A boolean may come as its text.
func (t *Target) accepts(m connector.Modification, definition directory.Definition) (directory.Value, error) {
	value := m.Value
	switch {
	case m.Verb == connector.Clear || value.IsNull():
	case definition.Name != "" && !definition.MultiValued && m.Path.Sub() == "" && value.Kind() == directory.KindList:
		return value, rejected("SchemaPropertyCanOnlyAcceptValue", "%s takes one value and not a list", m.Path)
	case definition.Type == directory.TypeReference && !t.exists(value.String(), definition.References):
		return value, rejected("AttributeValidationFailed", "%s: there is no account %q", m.Path, value)
	case definition.Type == directory.TypeBoolean && value.Kind() != directory.KindBoolean:
		switch strings.ToLower(value.String()) {
		case "true":
			return directory.Boolean(true), nil
		case "false":
			return directory.Boolean(false), nil
		}
		return value, rejected("AttributeValidationFailed", "%s takes a boolean and not %s", m.Path, value.Kind())
	}
	return value, nil
}

func union(list, more directory.Value) directory.Value {
	all := slices.Clone(elements(list))
	for _, value := range elements(more) {
		if !slices.ContainsFunc(all, value.Equal) {
			all = append(all, value)
		}
	}
	return directory.List(all...)
}

func without(list, less directory.Value) directory.Value {
	var rest []directory.Value
	for _, value := range elements(list) {
		if !slices.ContainsFunc(elements(less), value.Equal) {
			rest = append(rest, value)
		}
	}
	return directory.List(rest...)
}

func (t *Target) draftMembers(d *draft, m connector.Modification, definition directory.Definition) error {
	change := memberChange{path: m.Path, verb: m.Verb}
	ids := elements(m.Value)
	for _, value := range ids {
		id := value.String()
		if m.Verb != connector.Remove && !t.exists(id, definition.References) {
			d.lost = append(d.lost, id)
			continue
		}
		change.ids = append(change.ids, id)
	}
	switch m.Verb {
	case connector.Set, connector.Clear, connector.Add, connector.Remove:
		d.members = append(d.members, change)
		return nil
	}
	return rejected("InternalError", "%s: there is no verb %q", m.Path, m.Verb)
}

// check holds a draft against the schema.
func (t *Target) check(c *collection, a *account, d *draft) error {
	for _, definition := range c.typ.Attributes {
		path := directory.MustPath(definition.Name)
		if definition.Required && d.values[path].IsEmpty() {
			return rejected("MandatoryFieldsMissing", "a %s needs a value for %s", c.typ.Name, definition.Name)
		}
	}
	for path, value := range d.values {
		if !t.definition(c.typ.Name, path).Unique {
			continue
		}
		for _, element := range elements(value) {
			for holder := range c.holders[t.claim(c.typ.Name, path, element)] {
				if holder == a.id {
					continue
				}
				out := &connector.Error{Class: connector.Conflict, Code: "Conflict", Detail: fmt.Sprintf("%s of another %s has this value", path, c.typ.Name)}
				if a.id == "" {
					out.Code = "EntryConflict"
				}
				return out
			}
		}
	}
	return nil
}

// commit makes the draft the account.
func (t *Target) commit(c *collection, a *account, d *draft, operation connector.Operation) connector.Receipt {
	changed := !maps.EqualFunc(a.values, d.values, directory.Value.Equal)
	if changed {
		t.leave(c, a)
		a.values = d.values
		t.enter(c, a)
	}
	for _, m := range d.members {
		changed = a.changeMembers(m) || changed
	}
	if changed {
		a.version++
	}
	var written []directory.Path
	for _, m := range operation.Modifications {
		if !isMembers(t.definition(c.typ.Name, m.Path)) {
			written = append(written, m.Path)
		}
	}
	told := t.tell(c, a, written)
	return connector.Receipt{ID: a.id, Account: &told, Lost: d.lost}
}

// changeMembers reports whether it changed anything.
func (a *account) changeMembers(m memberChange) bool {
	have := a.members[m.path]
	switch m.verb {
	case connector.Set, connector.Clear:
		next := make(map[string]bool, len(m.ids))
		for _, id := range m.ids {
			next[id] = true
		}
		if maps.Equal(have, next) {
			return false
		}
		a.setMembers(m.path, next)
		return true
	}
	changed := false
	for _, id := range m.ids {
		if have[id] == (m.verb == connector.Add) {
			continue
		}
		changed = true
		if m.verb == connector.Remove {
			delete(have, id)
			continue
		}
		if have == nil {
			have = map[string]bool{}
			a.setMembers(m.path, have)
		}
		have[id] = true
	}
	return changed
}

func (a *account) setMembers(path directory.Path, ids map[string]bool) {
	if a.members == nil {
		a.members = map[directory.Path]map[string]bool{}
	}
	a.members[path] = ids
}
