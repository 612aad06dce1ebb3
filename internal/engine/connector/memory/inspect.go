package memory

import (
	"fmt"
	"maps"
	"slices"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/connector"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
)

// Writes counts the writes that Send carried out, whether or not they changed
// anything. Refused ones and deletes of what was gone are not counted.
type Writes struct {
	Total  int
	ByKind map[connector.OperationKind]int
	ByID   map[string]int
	// Created are the ids of accounts that Send made.
	Created map[string]bool
}

func (w *Writes) count(kind connector.OperationKind, id string) {
	if w.ByKind == nil {
		w.ByKind, w.ByID, w.Created = map[connector.OperationKind]int{}, map[string]int{}, map[string]bool{}
	}
	w.Total++
	w.ByKind[kind]++
	w.ByID[id]++
	if kind == connector.Create {
		w.Created[id] = true
	}
}

// Writes gives what was written since the beginning or ResetWrites.
func (t *Target) Writes() Writes {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.writes
	w.ByKind, w.ByID, w.Created = maps.Clone(w.ByKind), maps.Clone(w.ByID), maps.Clone(w.Created)
	return w
}

// ResetWrites begins counting anew.
func (t *Target) ResetWrites() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes = Writes{}
}

// Accounts gives all accounts of a type with every value that they have, in
// the order of creation.
func (t *Target) Accounts(typ string) []connector.Account {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.mustCollection(typ)
	accounts := make([]connector.Account, 0, len(c.accounts))
	for _, id := range c.order {
		if a, ok := c.accounts[id]; ok {
			accounts = append(accounts, t.whole(c, a))
		}
	}
	return accounts
}

// Account gives one account with every value that it has, those included that
// the target gives nobody else.
func (t *Target) Account(typ, id string) (connector.Account, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.mustCollection(typ)
	a, ok := c.accounts[id]
	if !ok {
		return connector.Account{}, false
	}
	return t.whole(c, a), true
}

func (t *Target) whole(c *collection, a *account) connector.Account {
	out := t.tell(c, a, nil)
	for _, path := range slices.Concat(slices.Collect(maps.Keys(a.values)), slices.Collect(maps.Keys(a.members))) {
		if value := t.value(c.typ.Name, a, path); !value.IsNull() {
			out.Values[path.String()] = value
		}
	}
	return out
}

// Seed makes an account as somebody else would: it is seen at once, and is no
// write of Send's. Values are by path; references are ids. It gives the id.
func (t *Target) Seed(typ string, values map[string]directory.Value) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.mustCollection(typ)
	receipt := t.must(connector.Operation{Kind: connector.Create, Type: typ, Modifications: t.modifications(typ, values)})
	c.accounts[receipt.ID].visible = 0
	t.seeded[receipt.ID] = t.whole(c, c.accounts[receipt.ID])
	return receipt.ID
}

// Edit changes an account behind the engine's back. A null value is cleared.
func (t *Target) Edit(typ, id string, values map[string]directory.Value) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.must(connector.Operation{Kind: connector.Update, Type: typ, ID: id, Modifications: t.modifications(typ, values)})
	if _, ok := t.seeded[id]; ok {
		c := t.mustCollection(typ)
		t.seeded[id] = t.whole(c, c.accounts[id])
	}
}

// Drop makes an account go behind the engine's back.
func (t *Target) Drop(typ, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.mustCollection(typ)
	if a, ok := c.accounts[id]; ok {
		t.remove(c, a)
	}
	delete(t.seeded, id)
}

// Seeded gives the accounts that Seed made and nobody dropped, as Seed and Edit
// left them: what they hold now, unless Send wrote to them.
func (t *Target) Seeded() map[string]connector.Account {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.seeded)
}

// ReleaseSearch makes searches see every account that there is now.
func (t *Target) ReleaseSearch() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.types {
		for _, a := range c.accounts {
			a.visible = 0
		}
	}
}

func (t *Target) modifications(typ string, values map[string]directory.Value) []connector.Modification {
	var modifications []connector.Modification
	for _, text := range slices.Sorted(maps.Keys(values)) {
		m := connector.Modification{Path: directory.MustPath(text), Verb: connector.Set, Value: values[text]}
		if m.Value.IsNull() {
			m.Verb = connector.Clear
		}
		m.Reference = t.definition(typ, m.Path).Type == directory.TypeReference
		modifications = append(modifications, m)
	}
	return modifications
}

// must carries out what a test asks for; what cannot be is its mistake.
func (t *Target) must(operation connector.Operation) connector.Receipt {
	receipt, _, err := t.carryOut(operation)
	if err != nil {
		panic(fmt.Sprintf("memory: %s: %v", operation, err))
	}
	return receipt
}

func (t *Target) mustCollection(typ string) *collection {
	c, err := t.collection(typ)
	if err != nil {
		panic(fmt.Sprintf("memory: %v", err))
	}
	return c
}
