package ledger

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/directory"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/provision"
	"github.com/openprovisioning/terraform-provider-provisioning/internal/engine/store"
)

const (
	tableHeld            store.Table = "held"             // app: the set that waits
	tableApproved        store.Table = "approved"         // app, key: let go
	tableApprovedMembers store.Table = "approved_members" // app, holder, member: let go
)

// Held is the state of an app's held removals.
type Held struct {
	Digest  string          // of the set that waits; empty for none
	Keys    []directory.Key // of that set
	Members []Membership    // of that set
	// Approved are those that an operator let go, as far as they are still due.
	Approved        map[directory.Key]bool
	ApprovedMembers map[Membership]bool
}

// Membership is one member of one group, by their source objects.
type Membership struct {
	Holder directory.Key `json:"holder"`
	Member directory.Key `json:"member"`
}

type heldRow struct {
	Digest  string          `json:"digest"`
	Keys    []directory.Key `json:"keys"`
	Members []Membership    `json:"members,omitempty"`
}

// Held reads what is held and what was approved.
func (l *Ledger) Held() (Held, error) {
	h := Held{Approved: make(map[directory.Key]bool), ApprovedMembers: make(map[Membership]bool)}
	data, err := l.r.Get(tableHeld, store.Key(l.app))
	if err != nil {
		return Held{}, err
	}
	if data != nil {
		var row heldRow
		if err := json.Unmarshal(data, &row); err != nil {
			return Held{}, fmt.Errorf("the held removals of app %s: %w", l.app, err)
		}
		h.Digest, h.Keys, h.Members = row.Digest, row.Keys, row.Members
	}
	prefix := store.Prefix(l.app)
	err = store.Each(l.r, tableApproved, prefix, func(row store.Row) error {
		typ, anchor, _ := cut(row.Key[len(prefix):])
		h.Approved[directory.Key{Type: typ, Anchor: anchor}] = true
		return nil
	})
	if err != nil {
		return Held{}, err
	}
	return h, store.Each(l.r, tableApprovedMembers, prefix, func(row store.Row) error {
		parts := strings.SplitN(string(row.Key[len(prefix):]), "\x00", 4)
		if len(parts) != 4 {
			return fmt.Errorf("the approved removals of app %s: a row is damaged", l.app)
		}
		h.ApprovedMembers[Membership{
			Holder: directory.Key{Type: parts[0], Anchor: parts[1]}, Member: directory.Key{Type: parts[2], Anchor: parts[3]},
		}] = true
		return nil
	})
}

// Hold gives the mutation that makes a set the one that waits, an empty digest
// none. What was approved before stays approved.
func (l *Ledger) Hold(digest string, keys []directory.Key, members []Membership) store.Mutation {
	if digest == "" {
		return store.Delete(tableHeld, store.Key(l.app))
	}
	data, err := json.Marshal(heldRow{digest, keys, members})
	if err != nil {
		panic(fmt.Sprintf("ledger: held removals cannot be encoded: %v", err)) // plain data always can
	}
	return store.Put(tableHeld, store.Key(l.app), data)
}

// Approve gives the mutations that let go the set that waits.
func (l *Ledger) Approve(h Held) []store.Mutation {
	mutations := make([]store.Mutation, 0, len(h.Keys)+len(h.Members))
	for _, key := range h.Keys {
		mutations = append(mutations, store.Put(tableApproved, l.approvedKey(key), nil))
	}
	for _, m := range h.Members {
		mutations = append(mutations, store.Put(tableApprovedMembers, l.approvedMemberKey(m), nil))
	}
	return mutations
}

// EndApproval gives the mutations that forget approvals of what is no longer
// due.
func (l *Ledger) EndApproval(keys []directory.Key, members []Membership) []store.Mutation {
	mutations := make([]store.Mutation, 0, len(keys)+len(members))
	for _, key := range keys {
		mutations = append(mutations, store.Delete(tableApproved, l.approvedKey(key)))
	}
	for _, m := range members {
		mutations = append(mutations, store.Delete(tableApprovedMembers, l.approvedMemberKey(m)))
	}
	return mutations
}

func (l *Ledger) approvedKey(key directory.Key) []byte {
	return store.Key(l.app, key.Type, key.Anchor)
}

func (l *Ledger) approvedMemberKey(m Membership) []byte {
	return store.Key(l.app, m.Holder.Type, m.Holder.Anchor, m.Member.Type, m.Member.Anchor)
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
