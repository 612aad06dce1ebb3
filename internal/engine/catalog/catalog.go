// Package catalog keeps what is declared: each thing by its id and by its name,
// the generations that ids are made of, and the sealed secrets of credentials.
package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/config"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const (
	tableThings      store.Table = "things"      // kind, id: the thing
	tableNames       store.Table = "names"       // kind, parent, name: id
	tableGenerations store.Table = "generations" // kind, parent, name: the last generation that was used
	tableSecrets     store.Table = "secrets"     // credential's id, field: sealed
)

// ErrNotFound says that nothing of that id is declared.
var ErrNotFound = errors.New("not declared")

// Catalog reads what is declared.
type Catalog struct{ r store.Reader }

// Open gives the catalog of a store.
func Open(r store.Reader) Catalog { return Catalog{r} }

// Get gives a thing, ErrNotFound when there is none.
func (c Catalog) Get(kind config.Kind, id string) (config.Thing, error) {
	data, err := c.r.Get(tableThings, store.Key(string(kind), id))
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, fmt.Errorf("%s %q: %w", kind, id, ErrNotFound)
	}
	return decode(kind, data)
}

func decode(kind config.Kind, data []byte) (config.Thing, error) {
	thing := config.New(kind)
	if thing == nil {
		return nil, fmt.Errorf("no such kind: %q", kind)
	}
	if err := json.Unmarshal(data, thing); err != nil {
		return nil, fmt.Errorf("a stored %s is damaged: %w", kind, err)
	}
	return thing, nil
}

// Find gives the id of the thing with that name, "" when there is none.
func (c Catalog) Find(identity config.Identity) (string, error) {
	id, err := c.r.Get(tableNames, nameKey(identity))
	return string(id), err
}

// Each gives every thing of a kind.
func (c Catalog) Each(kind config.Kind, f func(config.Thing) error) error {
	return store.Each(c.r, tableThings, store.Prefix(string(kind)), func(row store.Row) error {
		thing, err := decode(kind, row.Value)
		if err != nil {
			return err
		}
		return f(thing)
	})
}

// Generation gives the generation that a new thing of that name would have.
func (c Catalog) Generation(identity config.Identity) (int64, error) {
	data, err := c.r.Get(tableGenerations, nameKey(identity))
	if err != nil || data == nil {
		return 1, err
	}
	last, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the generation of %s %q is damaged: %w", identity.Kind, identity.Name, err)
	}
	return last + 1, nil
}

// Create gives the mutations that declare a new thing under its id.
func (c Catalog) Create(thing config.Thing) ([]store.Mutation, error) {
	identity := thing.Identity()
	generation, err := c.Generation(identity)
	if err != nil {
		return nil, err
	}
	put, err := c.Put(thing)
	if err != nil {
		return nil, err
	}
	return append(put,
		store.Put(tableNames, nameKey(identity), []byte(thing.GetID())),
		store.Put(tableGenerations, nameKey(identity), strconv.AppendInt(nil, generation, 10)),
	), nil
}

// Put gives the mutations that keep a thing in its place.
func (c Catalog) Put(thing config.Thing) ([]store.Mutation, error) {
	data, err := json.Marshal(thing)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", thing.Identity().Kind, thing.Identity().Name, err)
	}
	return []store.Mutation{store.Put(tableThings, store.Key(string(thing.Identity().Kind), thing.GetID()), data)}, nil
}

// Rename gives the mutations that move a thing to a name that is free.
func (c Catalog) Rename(before, after config.Thing) []store.Mutation {
	return []store.Mutation{
		store.Delete(tableNames, nameKey(before.Identity())),
		store.Put(tableNames, nameKey(after.Identity()), []byte(after.GetID())),
	}
}

// Delete gives the mutations that forget a thing and its secrets. Its
// generation stays, so that the name gives another id when it is used again.
func (c Catalog) Delete(thing config.Thing) ([]store.Mutation, error) {
	mutations := []store.Mutation{
		store.Delete(tableThings, store.Key(string(thing.Identity().Kind), thing.GetID())),
		store.Delete(tableNames, nameKey(thing.Identity())),
	}
	err := store.Each(c.r, tableSecrets, store.Prefix(thing.GetID()), func(row store.Row) error {
		mutations = append(mutations, store.Delete(tableSecrets, row.Key))
		return nil
	})
	return mutations, err
}

// Secret gives a sealed secret, nil when there is none.
func (c Catalog) Secret(credentialID, field string) ([]byte, error) {
	return c.r.Get(tableSecrets, store.Key(credentialID, field))
}

// PutSecret gives the mutation that keeps a sealed secret.
func (c Catalog) PutSecret(credentialID, field string, sealed []byte) store.Mutation {
	return store.Put(tableSecrets, store.Key(credentialID, field), sealed)
}

// DropSecret gives the mutation that forgets a sealed secret, if there is one.
func (c Catalog) DropSecret(credentialID, field string) store.Mutation {
	return store.Delete(tableSecrets, store.Key(credentialID, field))
}

// nameKey keeps the parts apart whatever they hold: names have no control
// characters.
func nameKey(identity config.Identity) []byte {
	return store.Key(string(identity.Kind), identity.Parent, strings.ReplaceAll(identity.Name, "\x00", " "))
}
