package ledger

import (
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// LinkedTypes gives the object types that have links, in ascending order.
func (l *Ledger) LinkedTypes() ([]string, error) {
	prefix := store.Prefix(l.app)
	from, end := prefix, store.Successor(prefix)
	var types []string
	for {
		rows, err := l.r.Page(tableLinks, from, end, 1)
		if err != nil || len(rows) == 0 {
			return types, err
		}
		typ, _, ok := cut(rows[0].Key[len(prefix):])
		if !ok {
			return nil, errLink
		}
		types = append(types, typ)
		from = store.Successor(store.Prefix(l.app, typ))
	}
}
