package ledger

import (
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// tableStale holds objects whose references are to be looked at again, since an
// account that they refer to came or went: app, type, anchor.
const tableStale store.Table = "stale"

// Stale gives every object whose references are to be looked at again.
func (l *Ledger) Stale() ([]directory.Key, error) {
	prefix := store.Prefix(l.app)
	var keys []directory.Key
	err := store.Each(l.r, tableStale, prefix, func(row store.Row) error {
		typ, anchor, _ := cut(row.Key[len(prefix):])
		keys = append(keys, directory.Key{Type: typ, Anchor: anchor})
		return nil
	})
	return keys, err
}

// PutStale gives the mutation that has an object's references looked at again.
func (l *Ledger) PutStale(key directory.Key) store.Mutation {
	return store.Put(tableStale, store.Key(l.app, key.Type, key.Anchor), nil)
}

// DropStale gives the mutation that says that they were.
func (l *Ledger) DropStale(key directory.Key) store.Mutation {
	return store.Delete(tableStale, store.Key(l.app, key.Type, key.Anchor))
}
