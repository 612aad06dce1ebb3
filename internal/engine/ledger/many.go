package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

// LinksOf gives the links of objects in their order, nil where there is none.
func (l *Ledger) LinksOf(keys []directory.Key) ([]*provision.Link, error) {
	return many(l, tableLinks, keys, func(data []byte) (*provision.Link, error) {
		link, err := decodeLink(data)
		return &link, err
	})
}

// HeadsOf gives the heads of the links of objects in their order, nil where there
// is no link.
func (l *Ledger) HeadsOf(keys []directory.Key) ([]*provision.Head, error) {
	return many(l, tableLinks, keys, decodeHead)
}

// HaveLinks tells of each object whether it has a link.
func (l *Ledger) HaveLinks(keys []directory.Key) ([]bool, error) {
	have := make([]bool, len(keys))
	err := l.r.GetAll(tableLinks, l.rows(keys), func(i int, _ []byte) error {
		have[i] = true
		return nil
	})
	return have, err
}

// EscrowsOf gives the escrows of objects in their order, nil where there is none.
func (l *Ledger) EscrowsOf(keys []directory.Key) ([]*Escrow, error) {
	return many(l, tableEscrows, keys, fromJSON[Escrow])
}

// IntentsOf gives the open intents of objects in their order, nil where there is
// none.
func (l *Ledger) IntentsOf(keys []directory.Key) ([]*Intent, error) {
	intents, err := many(l, tableIntents, keys, decodeIntent)
	for i, intent := range intents {
		if intent != nil {
			intent.Key = keys[i]
		}
	}
	return intents, err
}

func fromJSON[T any](data []byte) (*T, error) {
	value := new(T)
	return value, json.Unmarshal(data, value)
}

// rows gives the keys of the objects' rows, which are parts of one text.
func (l *Ledger) rows(keys []directory.Key) [][]byte {
	size := 0
	for _, key := range keys {
		size += len(l.app) + len(key.Type) + len(key.Anchor) + 2
	}
	all := make([]byte, 0, size)
	rows := make([][]byte, len(keys))
	for i, key := range keys {
		start := len(all)
		all = append(append(append(append(append(all, l.app...), 0), key.Type...), 0), key.Anchor...)
		rows[i] = all[start:len(all):len(all)]
	}
	return rows
}

func many[T any](l *Ledger, table store.Table, keys []directory.Key, decode func([]byte) (*T, error)) ([]*T, error) {
	found := make([]*T, len(keys))
	err := l.r.GetAll(table, l.rows(keys), func(i int, value []byte) (err error) {
		if found[i], err = decode(value); err != nil {
			return fmt.Errorf("%s of %s: %w", table, keys[i], err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
