package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const (
	tableHeld     store.Table = "held"     // by app: the set that waits
	tableApproved store.Table = "approved" // by app: the set that was let go
)

// Held is the state of an app's held removals.
type Held struct {
	Digest string          // of the set that waits; empty for none
	Keys   []directory.Key // of that set
	// Approved are the objects of the set that an operator let go, as far as
	// they are still due.
	Approved map[directory.Key]bool
	// ApprovedMembers tells that memberships were in the approved set.
	ApprovedMembers bool
}

type heldRow struct {
	Digest string          `json:"digest"`
	Keys   []directory.Key `json:"keys"`
}

// Held reads what is held and what was approved.
func (l *Ledger) Held() (Held, error) {
	waiting, err := l.heldRow(tableHeld)
	if err != nil {
		return Held{}, err
	}
	let, err := l.heldRow(tableApproved)
	if err != nil {
		return Held{}, err
	}
	h := Held{Digest: waiting.Digest, Keys: waiting.Keys, Approved: make(map[directory.Key]bool, len(let.Keys))}
	for _, key := range let.Keys {
		h.Approved[key] = true
		h.ApprovedMembers = h.ApprovedMembers || key.Type == directory.Group
	}
	return h, nil
}

func (l *Ledger) heldRow(table store.Table) (heldRow, error) {
	data, err := l.r.Get(table, store.Key(l.app))
	if err != nil || data == nil {
		return heldRow{}, err
	}
	var row heldRow
	if err := json.Unmarshal(data, &row); err != nil {
		return heldRow{}, fmt.Errorf("the held removals of app %s: %w", l.app, err)
	}
	return row, nil
}

// Hold gives the mutations that make a set the one that waits, an empty digest
// none. A set that nobody approved replaces an approval of another.
func (l *Ledger) Hold(digest string, keys []directory.Key) []store.Mutation {
	if digest == "" {
		return []store.Mutation{store.Delete(tableHeld, store.Key(l.app)), store.Delete(tableApproved, store.Key(l.app))}
	}
	return []store.Mutation{store.Put(tableHeld, store.Key(l.app), encodeHeld(heldRow{digest, keys}))}
}

// Approve gives the mutation that lets go the set that waits.
func (l *Ledger) Approve(h Held) store.Mutation {
	return store.Put(tableApproved, store.Key(l.app), encodeHeld(heldRow{h.Digest, h.Keys}))
}

func encodeHeld(row heldRow) []byte {
	data, err := json.Marshal(row)
	if err != nil {
		panic(fmt.Sprintf("ledger: held removals cannot be encoded: %v", err)) // plain data always can
	}
	return data
}

// CountLinks counts the links of a type.
func (l *Ledger) CountLinks(typ string) (int64, error) {
	var n int64
	after := ""
	for {
		anchors, err := l.Anchors(typ, after, 1000)
		if err != nil {
			return 0, err
		}
		n += int64(len(anchors))
		if len(anchors) < 1000 {
			return n, nil
		}
		after = anchors[len(anchors)-1]
	}
}

// CountActive counts the links of a type whose accounts we do not keep
// disabled.
func (l *Ledger) CountActive(typ string) (int64, error) {
	var n int64
	err := l.EachLink(typ, func(_ directory.Key, link provision.Link) error {
		if link.Disabled == nil {
			n++
		}
		return nil
	})
	return n, err
}

// EachLink gives every link of a type.
func (l *Ledger) EachLink(typ string, f func(directory.Key, provision.Link) error) error {
	after := ""
	for {
		links, err := l.Links(typ, after, 1000)
		if err != nil {
			return err
		}
		for _, linked := range links {
			if err := f(linked.Key, linked.Link); err != nil {
				return err
			}
		}
		if len(links) < 1000 {
			return nil
		}
		after = links[len(links)-1].Key.Anchor
	}
}

// CountMembers counts the members that all groups of the app are known to
// have.
func (l *Ledger) CountMembers() (int64, error) {
	var n int64
	err := store.Each(l.r, tableMembers, store.Prefix(l.app), func(store.Row) error {
		n++
		return nil
	})
	return n, err
}
